-- Accounts and people (SEALING §2). What a row says lies in `sealed`, under the account key; the
-- other columns only find it. Rows that decide who may read or act carry a mac.

CREATE TABLE account (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  -- Goes up with every change; a request that decided on an older one is refused.
  revision INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id)
);

CREATE TABLE login (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id)
);

-- The lasting wraps of the user key: name is pw or rec, and the kid of the key.
CREATE TABLE slot (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  name TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id, name)
);

CREATE TABLE session (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  session TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id, session)
);

CREATE TABLE device (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  device TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id, device)
);

-- Found by a keyed hash; the token itself is nowhere. `expires` is NULL once the slot is gone.
CREATE TABLE token (
  ub INTEGER NOT NULL,
  lookup BLOB NOT NULL,
  user_id TEXT NOT NULL,
  session TEXT NOT NULL,
  expires INTEGER,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, lookup)
);
CREATE INDEX token_session ON token (ub, user_id, session);
CREATE INDEX token_expires ON token (expires) WHERE expires IS NOT NULL;

CREATE TABLE pending (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  session TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id, session)
);

-- User keys that were replaced; `until` is when sessions that still hold one end (NULL: none do).
CREATE TABLE former_key (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  kid TEXT NOT NULL,
  until INTEGER,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id, kid)
);

CREATE TABLE start_over (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  session TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id)
);

CREATE TABLE login_token (
  ub INTEGER NOT NULL,
  lookup BLOB NOT NULL,
  expires INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, lookup)
);

CREATE TABLE person (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id)
);

-- A connection stands on both sides, each in the bucket of its own person.
CREATE TABLE connection (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  peer TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id, peer)
);

CREATE TABLE block (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  peer TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id, peer)
);

CREATE TABLE profile (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id)
);
