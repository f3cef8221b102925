-- Accounts and people (SEALING §2). What a row says lies in `sealed`, under the account key; the
-- other columns only find it. Rows that decide who may read or act carry a mac.

CREATE TABLE account (
  ub smallint NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  -- Goes up with every change; a request that decided on an older one is refused.
  revision bigint NOT NULL,
  sealed bytea NOT NULL,
  mac bytea NOT NULL,
  PRIMARY KEY (ub, user_id)
);

CREATE TABLE login (
  ub smallint NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  sealed bytea NOT NULL,
  mac bytea NOT NULL,
  PRIMARY KEY (ub, user_id)
);

-- The lasting wraps of the user key: name is pw or rec, and the kid of the key.
CREATE TABLE slot (
  ub smallint NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  sealed bytea NOT NULL,
  mac bytea NOT NULL,
  PRIMARY KEY (ub, user_id, name)
);

CREATE TABLE session (
  ub smallint NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  session text COLLATE "C" NOT NULL,
  sealed bytea NOT NULL,
  mac bytea NOT NULL,
  PRIMARY KEY (ub, user_id, session)
);

CREATE TABLE device (
  ub smallint NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  device text COLLATE "C" NOT NULL,
  sealed bytea NOT NULL,
  mac bytea NOT NULL,
  PRIMARY KEY (ub, user_id, device)
);

-- Found by a keyed hash; the token itself is nowhere. `expires` is NULL once the slot is gone.
CREATE TABLE token (
  ub smallint NOT NULL,
  lookup bytea NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  session text COLLATE "C" NOT NULL,
  expires bigint,
  sealed bytea NOT NULL,
  mac bytea NOT NULL,
  PRIMARY KEY (ub, lookup)
);
CREATE INDEX token_session ON token (ub, user_id, session);
CREATE INDEX token_expires ON token (expires) WHERE expires IS NOT NULL;

CREATE TABLE pending (
  ub smallint NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  session text COLLATE "C" NOT NULL,
  sealed bytea NOT NULL,
  mac bytea NOT NULL,
  PRIMARY KEY (ub, user_id, session)
);

-- User keys that were replaced; `until` is when sessions that still hold one end (NULL: none do).
CREATE TABLE former_key (
  ub smallint NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  kid text COLLATE "C" NOT NULL,
  until bigint,
  sealed bytea NOT NULL,
  mac bytea NOT NULL,
  PRIMARY KEY (ub, user_id, kid)
);

CREATE TABLE start_over (
  ub smallint NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  session text COLLATE "C" NOT NULL,
  sealed bytea NOT NULL,
  mac bytea NOT NULL,
  PRIMARY KEY (ub, user_id)
);

CREATE TABLE login_token (
  ub smallint NOT NULL,
  lookup bytea NOT NULL,
  expires bigint NOT NULL,
  sealed bytea NOT NULL,
  mac bytea NOT NULL,
  PRIMARY KEY (ub, lookup)
);

CREATE TABLE person (
  ub smallint NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  sealed bytea NOT NULL,
  mac bytea NOT NULL,
  PRIMARY KEY (ub, user_id)
);

-- A connection stands on both sides, each in the bucket of its own person.
CREATE TABLE connection (
  ub smallint NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  peer text COLLATE "C" NOT NULL,
  sealed bytea NOT NULL,
  mac bytea NOT NULL,
  PRIMARY KEY (ub, user_id, peer)
);

CREATE TABLE block (
  ub smallint NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  peer text COLLATE "C" NOT NULL,
  sealed bytea NOT NULL,
  mac bytea NOT NULL,
  PRIMARY KEY (ub, user_id, peer)
);

CREATE TABLE profile (
  ub smallint NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  sealed bytea NOT NULL,
  mac bytea NOT NULL,
  PRIMARY KEY (ub, user_id)
);
