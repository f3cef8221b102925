-- Backups of session keys that clients encrypted (Matrix, "Server-side key backups"). One without
-- `sealed` was deleted: its number is not given again. `size` counts the bytes of its keys.
CREATE TABLE key_backup (
  ub smallint NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  version integer NOT NULL,
  etag bigint NOT NULL,
  keys integer NOT NULL,
  size bigint NOT NULL,
  sealed bytea,
  PRIMARY KEY (ub, user_id, version)
);

CREATE TABLE key_backup_key (
  ub smallint NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  version integer NOT NULL,
  room text COLLATE "C" NOT NULL,
  session text COLLATE "C" NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (ub, user_id, version, room, session)
);
