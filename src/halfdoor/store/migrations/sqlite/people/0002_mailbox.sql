-- The people's side (SCALE §2). Every key begins with the bucket ub. Inside a bucket a person has
-- a number u, and inside a person's room list a conversation has a number k.

CREATE TABLE ustream (
  ub INTEGER NOT NULL,
  u INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  -- The position is that of the newest inbox row, but never less than this.
  floor INTEGER NOT NULL,
  PRIMARY KEY (ub, u)
) WITHOUT ROWID;
CREATE UNIQUE INDEX ustream_user ON ustream (ub, user_id);

CREATE TABLE umember (
  ub INTEGER NOT NULL,
  u INTEGER NOT NULL,
  k INTEGER NOT NULL,
  conv_id TEXT NOT NULL,
  membership TEXT NOT NULL,
  since_seq INTEGER NOT NULL,
  last_pos INTEGER NOT NULL,
  read_seq INTEGER NOT NULL,
  -- Rows of the inbox up to here are about events that were read.
  read_pos INTEGER NOT NULL,
  notify INTEGER NOT NULL,
  highlight INTEGER NOT NULL,
  forgotten INTEGER NOT NULL,
  -- Up to which entry of the conversation's outbox this row was told.
  cursor INTEGER NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, u, k)
) WITHOUT ROWID;
CREATE UNIQUE INDEX umember_conv ON umember (ub, u, conv_id);

CREATE TABLE inbox (
  ub INTEGER NOT NULL,
  u INTEGER NOT NULL,
  pos INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  k INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  -- 1 = notify, 2 = highlight.
  bits INTEGER NOT NULL,
  -- What the row is about where that is no conversation of the room list (k = 0).
  subject TEXT,
  PRIMARY KEY (ub, u, pos)
) WITHOUT ROWID;

CREATE TABLE account_data (
  ub INTEGER NOT NULL,
  u INTEGER NOT NULL,
  room TEXT NOT NULL,
  type TEXT NOT NULL,
  pos INTEGER NOT NULL,
  user_sealed INTEGER NOT NULL,
  sealed BLOB NOT NULL
);
CREATE UNIQUE INDEX account_data_type ON account_data (ub, u, room, type);

CREATE TABLE filter (
  ub INTEGER NOT NULL,
  u INTEGER NOT NULL,
  filter_id TEXT NOT NULL,
  body BLOB NOT NULL
);
CREATE UNIQUE INDEX filter_id ON filter (ub, u, filter_id);

CREATE TABLE contact_event (
  ub INTEGER NOT NULL,
  u INTEGER NOT NULL,
  recipient TEXT NOT NULL,
  event_id TEXT NOT NULL,
  PRIMARY KEY (ub, u, recipient, event_id)
) WITHOUT ROWID;

CREATE TABLE contact_closed (
  ub INTEGER NOT NULL,
  u INTEGER NOT NULL,
  recipient TEXT NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (ub, u, recipient)
) WITHOUT ROWID;

-- A reference table: counters of the whole side, such as how often it was restored.
CREATE TABLE counter (
  name TEXT NOT NULL PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;
