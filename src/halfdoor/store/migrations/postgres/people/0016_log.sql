-- The public log (SEALING §4): one log of this house, in one bucket. Nothing here is secret: it is
-- what the log publishes, so it lies open, and the log's signature and witnesses vouch for it.
CREATE TABLE log_head (
  ub smallint NOT NULL,
  origin text COLLATE "C" NOT NULL,
  size bigint NOT NULL,
  heads bytea NOT NULL,
  published bigint NOT NULL,
  checkpoint bytea NOT NULL,
  PRIMARY KEY (ub)
);

-- A leaf waits while it has no place; serial is the order in which leaves were offered.
CREATE TABLE log_leaf (
  ub smallint NOT NULL,
  id bytea NOT NULL,
  serial bigint NOT NULL,
  place bigint,
  leaf bytea NOT NULL,
  PRIMARY KEY (ub, id)
);
CREATE UNIQUE INDEX log_leaf_place ON log_leaf (ub, place) WHERE place IS NOT NULL;
CREATE UNIQUE INDEX log_leaf_serial ON log_leaf (ub, serial);
CREATE INDEX log_leaf_waiting ON log_leaf (ub, serial) WHERE place IS NULL;

-- The checkpoint that each day ended with.
CREATE TABLE log_day (
  ub smallint NOT NULL,
  day bigint NOT NULL,
  checkpoint bytea NOT NULL,
  PRIMARY KEY (ub, day)
);
