-- Events before `begins` are no longer part of what may be read: retention has ended them. What is
-- left of them is state that the server acts on.
ALTER TABLE conv ADD COLUMN begins bigint NOT NULL DEFAULT 1;

-- What retention has deleted of a conversation. The row bears a mac, so that who deletes events
-- without the outer key cannot pass it off as retention: the chain goes on from `chain` at `seq`,
-- `links` are chained over the state that was kept from before.
CREATE TABLE retired (
  cb smallint NOT NULL,
  c integer NOT NULL,
  -- The first epoch and the first event that are kept.
  epoch integer NOT NULL,
  seq bigint NOT NULL,
  chain bytea NOT NULL,
  deleted bigint NOT NULL,
  kept bigint NOT NULL,
  links bytea NOT NULL,
  mac bytea NOT NULL,
  -- Up to which event people's unread counts know of it; nothing is decided by this.
  told bigint NOT NULL,
  PRIMARY KEY (cb, c)
);

-- Holds on conversations (SEALING §5): their rows lie under the key `generation`, out of reach of
-- retention, of the end of redactions and of the end of months. `until` is NULL for no
-- end, and 0 while the rows are on their way back under keys of months.
CREATE TABLE frozen (
  cb smallint NOT NULL,
  c integer NOT NULL,
  hold text COLLATE "C" NOT NULL,
  first_epoch integer NOT NULL,
  last_epoch integer NOT NULL,
  until bigint,
  generation integer NOT NULL,
  mac bytea NOT NULL,
  PRIMARY KEY (cb, c, hold)
);

-- A reference table: how far the sweep has come, and which months have ended.
CREATE TABLE mark (
  name text COLLATE "C" NOT NULL PRIMARY KEY,
  value bigint NOT NULL
);
