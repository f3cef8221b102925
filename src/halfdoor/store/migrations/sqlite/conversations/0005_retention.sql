-- Events before `begins` are no longer part of what may be read: retention has ended them. What is
-- left of them is state that the server acts on.
ALTER TABLE conv ADD COLUMN begins INTEGER NOT NULL DEFAULT 1;

-- What retention has deleted of a conversation. The row bears a mac, so that who deletes events
-- without the outer key cannot pass it off as retention: the chain goes on from `chain` at `seq`,
-- `links` are chained over the state that was kept from before.
CREATE TABLE retired (
  cb INTEGER NOT NULL,
  c INTEGER NOT NULL,
  -- The first epoch and the first event that are kept.
  epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  chain BLOB NOT NULL,
  deleted INTEGER NOT NULL,
  kept INTEGER NOT NULL,
  links BLOB NOT NULL,
  mac BLOB NOT NULL,
  -- Up to which event people's unread counts know of it; nothing is decided by this.
  told INTEGER NOT NULL,
  PRIMARY KEY (cb, c)
) WITHOUT ROWID;

-- Holds on conversations (SEALING §5): their rows lie under the key `generation`, out of reach of
-- retention, of the end of redactions and of the end of months. `until` is NULL for no
-- end, and 0 while the rows are on their way back under keys of months.
CREATE TABLE frozen (
  cb INTEGER NOT NULL,
  c INTEGER NOT NULL,
  hold TEXT NOT NULL,
  first_epoch INTEGER NOT NULL,
  last_epoch INTEGER NOT NULL,
  until INTEGER,
  generation INTEGER NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (cb, c, hold)
) WITHOUT ROWID;

-- A reference table: how far the sweep has come, and which months have ended.
CREATE TABLE mark (
  name TEXT NOT NULL PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;
