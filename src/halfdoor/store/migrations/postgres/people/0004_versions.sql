-- What several processes on one database need (decision 0013).

-- Goes up with every write about a person that another process may hold in memory: account,
-- sessions, facts, connections, blocks, push rules, ignores.
ALTER TABLE ustream ADD COLUMN version bigint NOT NULL DEFAULT 0;

-- Requests of the platform that were done already, by a keyed hash of their name.
CREATE TABLE replay (
  ub smallint NOT NULL,
  lookup bytea NOT NULL,
  expires bigint NOT NULL,
  PRIMARY KEY (ub, lookup)
);

-- Goes up whenever a process begins to serve from this database; a process that lost its hold on it
-- sees whether somebody else was here meanwhile.
ALTER TABLE lineage ADD COLUMN tenure bigint NOT NULL DEFAULT 0;
