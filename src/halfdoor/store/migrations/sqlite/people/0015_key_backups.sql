-- Backups of session keys that clients encrypted (Matrix, "Server-side key backups"). One without
-- `sealed` was deleted: its number is not given again. `size` counts the bytes of its keys.
CREATE TABLE key_backup (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  etag INTEGER NOT NULL,
  keys INTEGER NOT NULL,
  size INTEGER NOT NULL,
  sealed BLOB,
  PRIMARY KEY (ub, user_id, version)
) WITHOUT ROWID;

CREATE TABLE key_backup_key (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  room TEXT NOT NULL,
  session TEXT NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (ub, user_id, version, room, session)
) WITHOUT ROWID;
