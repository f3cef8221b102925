-- Accounts of staff, apart from people's (SEALING §2). Everything about a person lies sealed under
-- the account key, and bears a mac; ids are random, and lookups are keyed hashes.
CREATE TABLE staff (
  ub INTEGER NOT NULL,
  id TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, id)
);

CREATE TABLE staff_passkey (
  ub INTEGER NOT NULL,
  lookup BLOB NOT NULL,
  staff TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, lookup)
);
CREATE INDEX staff_passkey_of ON staff_passkey (ub, staff);

-- Invitations, sessions, and challenges that were used: what is good once, or for a while.
CREATE TABLE staff_token (
  ub INTEGER NOT NULL,
  kind TEXT NOT NULL,
  lookup BLOB NOT NULL,
  staff TEXT NOT NULL,
  expires INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, kind, lookup)
);
CREATE INDEX staff_token_of ON staff_token (ub, staff, kind);
CREATE INDEX staff_token_end ON staff_token (ub, expires);
