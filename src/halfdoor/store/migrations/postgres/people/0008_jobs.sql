-- Work that takes longer than a request. It stands here until it is done, and whoever finds it
-- unattended goes on where it stood (SCALE §2). The payload lies under the account key.
CREATE TABLE job (
  ub smallint NOT NULL,
  id text COLLATE "C" NOT NULL,
  queue text COLLATE "C" NOT NULL,
  run_at bigint NOT NULL,
  attempts integer NOT NULL,
  lease_until bigint NOT NULL,
  payload bytea NOT NULL,
  PRIMARY KEY (ub, id)
);
CREATE INDEX job_due ON job (run_at);

-- People who were erased: a keyed hash of the user id, so that nobody takes the name and nobody
-- reads it here. `done` is when the last row about them was gone, NULL until then.
CREATE TABLE erased (
  ub smallint NOT NULL,
  name bytea NOT NULL,
  asked bigint NOT NULL,
  done bigint,
  PRIMARY KEY (ub, name)
);
