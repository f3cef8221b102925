-- Work that takes longer than a request. It stands here until it is done, and whoever finds it
-- unattended goes on where it stood (SCALE §2). The payload lies under the account key.
CREATE TABLE job (
  ub INTEGER NOT NULL,
  id TEXT NOT NULL,
  queue TEXT NOT NULL,
  run_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  lease_until INTEGER NOT NULL,
  payload BLOB NOT NULL,
  PRIMARY KEY (ub, id)
);
CREATE INDEX job_due ON job (run_at);

-- People who were erased: a keyed hash of the user id, so that nobody takes the name and nobody
-- reads it here. `done` is when the last row about them was gone, NULL until then.
CREATE TABLE erased (
  ub INTEGER NOT NULL,
  name BLOB NOT NULL,
  asked INTEGER NOT NULL,
  done INTEGER,
  PRIMARY KEY (ub, name)
);
