-- The public log (SEALING §4): one log of this house, in one bucket. Nothing here is secret: it is
-- what the log publishes, so it lies open, and the log's signature and witnesses vouch for it.
CREATE TABLE log_head (
  ub INTEGER NOT NULL,
  origin TEXT NOT NULL,
  size INTEGER NOT NULL,
  heads BLOB NOT NULL,
  published INTEGER NOT NULL,
  checkpoint BLOB NOT NULL,
  PRIMARY KEY (ub)
) WITHOUT ROWID;

-- A leaf waits while it has no place; serial is the order in which leaves were offered.
CREATE TABLE log_leaf (
  ub INTEGER NOT NULL,
  id BLOB NOT NULL,
  serial INTEGER NOT NULL,
  place INTEGER,
  leaf BLOB NOT NULL,
  PRIMARY KEY (ub, id)
);
CREATE UNIQUE INDEX log_leaf_place ON log_leaf (ub, place) WHERE place IS NOT NULL;
CREATE UNIQUE INDEX log_leaf_serial ON log_leaf (ub, serial);
CREATE INDEX log_leaf_waiting ON log_leaf (ub, serial) WHERE place IS NULL;

-- The checkpoint that each day ended with.
CREATE TABLE log_day (
  ub INTEGER NOT NULL,
  day INTEGER NOT NULL,
  checkpoint BLOB NOT NULL,
  PRIMARY KEY (ub, day)
);
