-- The people's side (SCALE §2). Every key begins with the bucket ub. Inside a bucket a person has
-- a number u, and inside a person's room list a conversation has a number k.

CREATE TABLE ustream (
  ub smallint NOT NULL,
  u integer NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  -- The position of the newest inbox row; whoever writes to the stream locks this row first.
  pos bigint NOT NULL,
  PRIMARY KEY (ub, user_id),
  UNIQUE (ub, u)
) WITH (fillfactor = 50);

CREATE TABLE umember (
  ub smallint NOT NULL,
  u integer NOT NULL,
  k integer NOT NULL,
  conv_id text COLLATE "C" NOT NULL,
  membership text COLLATE "C" NOT NULL,
  since_seq bigint NOT NULL,
  last_pos bigint NOT NULL,
  read_seq bigint NOT NULL,
  -- Rows of the inbox up to here are about events that were read.
  read_pos bigint NOT NULL,
  notify integer NOT NULL,
  highlight integer NOT NULL,
  forgotten boolean NOT NULL,
  -- Up to which entry of the conversation's outbox this row was told.
  cursor bigint NOT NULL,
  mac bytea NOT NULL,
  PRIMARY KEY (ub, u, conv_id),
  UNIQUE (ub, u, k)
) WITH (fillfactor = 60);

CREATE TABLE inbox (
  ub smallint NOT NULL,
  -- 1 = notify, 2 = highlight.
  bits smallint NOT NULL,
  u integer NOT NULL,
  pos bigint NOT NULL,
  seq bigint NOT NULL,
  k integer NOT NULL,
  kind smallint NOT NULL,
  -- What the row is about where that is no conversation of the room list (k = 0).
  subject text COLLATE "C",
  PRIMARY KEY (ub, u, pos)
);

CREATE TABLE account_data (
  ub smallint NOT NULL,
  u integer NOT NULL,
  room text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  pos bigint NOT NULL,
  user_sealed boolean NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (ub, u, room, type)
);

CREATE TABLE filter (
  ub smallint NOT NULL,
  u integer NOT NULL,
  filter_id text COLLATE "C" NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (ub, u, filter_id)
);

CREATE TABLE contact_event (
  ub smallint NOT NULL,
  u integer NOT NULL,
  recipient text COLLATE "C" NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (ub, u, recipient, event_id)
);

CREATE TABLE contact_closed (
  ub smallint NOT NULL,
  u integer NOT NULL,
  recipient text COLLATE "C" NOT NULL,
  until bigint NOT NULL,
  PRIMARY KEY (ub, u, recipient)
);

-- A reference table of one row: how often this side went on from an older copy of itself, and by
-- what its database was known when it was last opened (cluster, database, timeline).
CREATE TABLE lineage (
  one integer NOT NULL PRIMARY KEY CHECK (one = 1),
  restores bigint NOT NULL,
  mark text COLLATE "C" NOT NULL
);
INSERT INTO lineage (one, restores, mark) VALUES (1, 0, '');

-- What is sealed cannot be compressed, so nobody tries.
ALTER TABLE account_data ALTER COLUMN sealed SET STORAGE EXTERNAL;
