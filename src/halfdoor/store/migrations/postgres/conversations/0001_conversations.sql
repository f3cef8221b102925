-- The conversation side (SCALE §2). Every key begins with the bucket cb. Inside a bucket a
-- conversation has a number c, inside a conversation a person has a number m, so that indexes hold
-- integers; seals and macs bind the textual ids. Texts are compared byte by byte (COLLATE "C"):
-- an index must not depend on the machine's locale.

CREATE TABLE conv (
  cb smallint NOT NULL,
  c integer NOT NULL,
  conv_id text COLLATE "C" NOT NULL,
  last_seq bigint NOT NULL,
  revision bigint NOT NULL,
  epoch integer NOT NULL,
  is_current boolean NOT NULL,
  hh bytea NOT NULL,
  day integer NOT NULL,
  epoch_events integer NOT NULL,
  chain bytea NOT NULL,
  outbox bigint NOT NULL,
  PRIMARY KEY (cb, conv_id),
  UNIQUE (cb, c)
) WITH (fillfactor = 60);

CREATE TABLE event (
  cb smallint NOT NULL,
  c integer NOT NULL,
  seq bigint NOT NULL,
  event_id bytea NOT NULL,
  state boolean NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (cb, c, seq),
  UNIQUE (cb, c, event_id)
);
CREATE INDEX event_state ON event (cb, c, seq) WHERE state;

CREATE TABLE relation (
  cb smallint NOT NULL,
  c integer NOT NULL,
  target text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  rel_type text COLLATE "C" NOT NULL,
  PRIMARY KEY (cb, c, target, seq)
);

CREATE TABLE member (
  cb smallint NOT NULL,
  c integer NOT NULL,
  m integer NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  membership text COLLATE "C" NOT NULL,
  since_seq bigint NOT NULL,
  -- The newest membership event about this person, which need not have changed the membership.
  event_seq bigint NOT NULL,
  mac bytea NOT NULL,
  PRIMARY KEY (cb, c, m),
  UNIQUE (cb, c, user_id)
);

CREATE TABLE epoch (
  cb smallint NOT NULL,
  c integer NOT NULL,
  epoch integer NOT NULL,
  hh bytea NOT NULL,
  first_seq bigint NOT NULL,
  chain0 bytea NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (cb, c, epoch)
);

CREATE TABLE wrap (
  cb smallint NOT NULL,
  c integer NOT NULL,
  epoch integer NOT NULL,
  m integer NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (cb, c, epoch, m)
);

CREATE TABLE share (
  cb smallint NOT NULL,
  c integer NOT NULL,
  epoch integer NOT NULL,
  escrow_set bytea NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (cb, c, epoch, escrow_set)
);

CREATE TABLE reader_added (
  cb smallint NOT NULL,
  c integer NOT NULL,
  epoch integer NOT NULL,
  n integer NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (cb, c, epoch, n)
);

CREATE TABLE sealed_state (
  cb smallint NOT NULL,
  c integer NOT NULL,
  type text COLLATE "C" NOT NULL,
  state_key text COLLATE "C" NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (cb, c, type, state_key)
);

CREATE TABLE hold (
  cb smallint NOT NULL,
  c integer NOT NULL,
  seq bigint NOT NULL,
  destroy_after bigint NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (cb, c, seq)
);
CREATE INDEX hold_due ON hold (destroy_after);

CREATE TABLE receipt (
  cb smallint NOT NULL,
  c integer NOT NULL,
  m integer NOT NULL,
  kind text COLLATE "C" NOT NULL,
  thread text COLLATE "C" NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  ts bigint NOT NULL,
  PRIMARY KEY (cb, c, m, kind, thread)
);

-- What the people's side has still to be told, where it is another database.
CREATE TABLE fanout (
  cb smallint NOT NULL,
  c integer NOT NULL,
  n bigint NOT NULL,
  payload bytea NOT NULL,
  PRIMARY KEY (cb, c, n)
);

-- Reference tables: a few rows for the whole entity, so without a bucket.
CREATE TABLE data_key (
  generation integer NOT NULL PRIMARY KEY,
  wrapped bytea NOT NULL,
  made bigint NOT NULL
);

CREATE TABLE secret (
  name text COLLATE "C" NOT NULL PRIMARY KEY,
  sealed bytea NOT NULL
);

-- What is sealed cannot be compressed, so nobody tries.
ALTER TABLE event ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE epoch ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE wrap ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE share ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE reader_added ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE sealed_state ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE hold ALTER COLUMN sealed SET STORAGE EXTERNAL;
