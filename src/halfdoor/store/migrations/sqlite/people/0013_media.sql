-- Files that people sent (SEALING §3), in their uploader's bucket. What only readers may know, name
-- and type and the key for the uploader, lies in `sealed` under the key of a month; `state` is that
-- of `MediaState`, `used` when an upload or an event last named the file.
CREATE TABLE media (
  ub INTEGER NOT NULL,
  media_id BLOB NOT NULL,
  user_id TEXT NOT NULL,
  created INTEGER NOT NULL,
  state INTEGER NOT NULL,
  used INTEGER NOT NULL,
  -- Of the content; what was announced while it is on its way.
  size INTEGER NOT NULL,
  opaque INTEGER NOT NULL,
  named INTEGER NOT NULL,
  -- The name, the length and the SHA-256 of the sealed file.
  blob TEXT,
  stored INTEGER NOT NULL,
  digest BLOB,
  sealed BLOB
);
CREATE UNIQUE INDEX media_key ON media (ub, media_id);
CREATE INDEX media_owner ON media (ub, user_id, created);

-- What each person keeps, so that a quota is one row.
CREATE TABLE media_usage (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  files INTEGER NOT NULL,
  reserved INTEGER NOT NULL,
  PRIMARY KEY (ub, user_id)
) WITHOUT ROWID;

-- In which conversations events name a file, or were about to.
CREATE TABLE media_use (
  ub INTEGER NOT NULL,
  media_id BLOB NOT NULL,
  conv_id TEXT NOT NULL,
  used INTEGER NOT NULL,
  PRIMARY KEY (ub, media_id, conv_id)
) WITHOUT ROWID;

-- The file that somebody's profile shows to everybody, with its key under the account key.
CREATE TABLE avatar (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  media_id BLOB NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (ub, user_id)
) WITHOUT ROWID;
CREATE INDEX avatar_media ON avatar (ub, media_id);

-- Copies of reported files, each with its case; which file it was lies in `sealed`.
CREATE TABLE case_blob (
  ub INTEGER NOT NULL,
  case_id TEXT NOT NULL,
  blob TEXT NOT NULL,
  state INTEGER NOT NULL,
  made INTEGER NOT NULL,
  stored INTEGER NOT NULL,
  digest BLOB,
  sealed BLOB NOT NULL,
  PRIMARY KEY (ub, case_id, blob)
) WITHOUT ROWID;
