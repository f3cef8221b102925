-- The conversation side (SCALE §2). Every key begins with the bucket cb. Inside a bucket a
-- conversation has a number c, inside a conversation a person has a number m, so that indexes hold
-- integers; seals and macs bind the textual ids. Tables with large rows are rowid tables.

CREATE TABLE conv (
  cb INTEGER NOT NULL,
  c INTEGER NOT NULL,
  conv_id TEXT NOT NULL,
  last_seq INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  is_current INTEGER NOT NULL,
  hh BLOB NOT NULL,
  day INTEGER NOT NULL,
  epoch_events INTEGER NOT NULL,
  chain BLOB NOT NULL,
  outbox INTEGER NOT NULL,
  PRIMARY KEY (cb, c)
) WITHOUT ROWID;
CREATE UNIQUE INDEX conv_id ON conv (cb, conv_id);

CREATE TABLE event (
  cb INTEGER NOT NULL,
  c INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  event_id BLOB NOT NULL,
  state INTEGER NOT NULL,
  sealed BLOB NOT NULL
);
CREATE UNIQUE INDEX event_seq ON event (cb, c, seq);
CREATE UNIQUE INDEX event_id ON event (cb, c, event_id);
CREATE INDEX event_state ON event (cb, c, seq) WHERE state = 1;

CREATE TABLE relation (
  cb INTEGER NOT NULL,
  c INTEGER NOT NULL,
  target TEXT NOT NULL,
  seq INTEGER NOT NULL,
  rel_type TEXT NOT NULL,
  PRIMARY KEY (cb, c, target, seq)
) WITHOUT ROWID;

CREATE TABLE member (
  cb INTEGER NOT NULL,
  c INTEGER NOT NULL,
  m INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  membership TEXT NOT NULL,
  since_seq INTEGER NOT NULL,
  -- The newest membership event about this person, which need not have changed the membership.
  event_seq INTEGER NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (cb, c, m)
) WITHOUT ROWID;
CREATE UNIQUE INDEX member_user ON member (cb, c, user_id);

CREATE TABLE epoch (
  cb INTEGER NOT NULL,
  c INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  hh BLOB NOT NULL,
  first_seq INTEGER NOT NULL,
  chain0 BLOB NOT NULL,
  sealed BLOB NOT NULL
);
CREATE UNIQUE INDEX epoch_number ON epoch (cb, c, epoch);

CREATE TABLE wrap (
  cb INTEGER NOT NULL,
  c INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  m INTEGER NOT NULL,
  sealed BLOB NOT NULL
);
CREATE UNIQUE INDEX wrap_member ON wrap (cb, c, epoch, m);

CREATE TABLE share (
  cb INTEGER NOT NULL,
  c INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  escrow_set BLOB NOT NULL,
  sealed BLOB NOT NULL
);
CREATE UNIQUE INDEX share_set ON share (cb, c, epoch, escrow_set);

CREATE TABLE reader_added (
  cb INTEGER NOT NULL,
  c INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  n INTEGER NOT NULL,
  sealed BLOB NOT NULL
);
CREATE UNIQUE INDEX reader_added_n ON reader_added (cb, c, epoch, n);

CREATE TABLE sealed_state (
  cb INTEGER NOT NULL,
  c INTEGER NOT NULL,
  type TEXT NOT NULL,
  state_key TEXT NOT NULL,
  sealed BLOB NOT NULL
);
CREATE UNIQUE INDEX sealed_state_key ON sealed_state (cb, c, type, state_key);

CREATE TABLE hold (
  cb INTEGER NOT NULL,
  c INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  destroy_after INTEGER NOT NULL,
  sealed BLOB NOT NULL
);
CREATE UNIQUE INDEX hold_seq ON hold (cb, c, seq);
CREATE INDEX hold_due ON hold (destroy_after);

CREATE TABLE receipt (
  cb INTEGER NOT NULL,
  c INTEGER NOT NULL,
  m INTEGER NOT NULL,
  kind TEXT NOT NULL,
  thread TEXT NOT NULL,
  event_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  PRIMARY KEY (cb, c, m, kind, thread)
) WITHOUT ROWID;

-- What the people's side has still to be told, where it is another database.
CREATE TABLE fanout (
  cb INTEGER NOT NULL,
  c INTEGER NOT NULL,
  n INTEGER NOT NULL,
  payload BLOB NOT NULL,
  PRIMARY KEY (cb, c, n)
) WITHOUT ROWID;

-- Reference tables: a few rows for the whole entity, so without a bucket.
CREATE TABLE data_key (
  generation INTEGER NOT NULL PRIMARY KEY,
  wrapped BLOB NOT NULL,
  made INTEGER NOT NULL
);

CREATE TABLE secret (
  name TEXT NOT NULL PRIMARY KEY,
  sealed BLOB NOT NULL
) WITHOUT ROWID;
