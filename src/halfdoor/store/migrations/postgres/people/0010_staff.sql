-- Accounts of staff, apart from people's (SEALING §2). Everything about a person lies sealed under
-- the account key, and bears a mac; ids are random, and lookups are keyed hashes.
CREATE TABLE staff (
  ub smallint NOT NULL,
  id text COLLATE "C" NOT NULL,
  sealed bytea NOT NULL,
  mac bytea NOT NULL,
  PRIMARY KEY (ub, id)
);

CREATE TABLE staff_passkey (
  ub smallint NOT NULL,
  lookup bytea NOT NULL,
  staff text COLLATE "C" NOT NULL,
  sealed bytea NOT NULL,
  mac bytea NOT NULL,
  PRIMARY KEY (ub, lookup)
);
CREATE INDEX staff_passkey_of ON staff_passkey (ub, staff);

-- Invitations, sessions, and challenges that were used: what is good once, or for a while.
CREATE TABLE staff_token (
  ub smallint NOT NULL,
  kind text COLLATE "C" NOT NULL,
  lookup bytea NOT NULL,
  staff text COLLATE "C" NOT NULL,
  expires bigint NOT NULL,
  sealed bytea NOT NULL,
  mac bytea NOT NULL,
  PRIMARY KEY (ub, kind, lookup)
);
CREATE INDEX staff_token_of ON staff_token (ub, staff, kind);
CREATE INDEX staff_token_end ON staff_token (ub, expires);
