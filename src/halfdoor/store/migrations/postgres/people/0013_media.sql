-- Files that people sent (SEALING §3), in their uploader's bucket. What only readers may know, name
-- and type and the key for the uploader, lies in `sealed` under the key of a month; `state` is that
-- of `MediaState`, `used` when an upload or an event last named the file.
CREATE TABLE media (
  ub smallint NOT NULL,
  media_id bytea NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  created bigint NOT NULL,
  state smallint NOT NULL,
  used bigint NOT NULL,
  -- Of the content; what was announced while it is on its way.
  size bigint NOT NULL,
  opaque boolean NOT NULL,
  named boolean NOT NULL,
  -- The name, the length and the SHA-256 of the sealed file.
  blob text COLLATE "C",
  stored bigint NOT NULL,
  digest bytea,
  sealed bytea,
  PRIMARY KEY (ub, media_id)
);
CREATE INDEX media_owner ON media (ub, user_id, created);

-- What each person keeps, so that a quota is one row.
CREATE TABLE media_usage (
  ub smallint NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  bytes bigint NOT NULL,
  files bigint NOT NULL,
  reserved bigint NOT NULL,
  PRIMARY KEY (ub, user_id)
);

-- In which conversations events name a file, or were about to.
CREATE TABLE media_use (
  ub smallint NOT NULL,
  media_id bytea NOT NULL,
  conv_id text COLLATE "C" NOT NULL,
  used bigint NOT NULL,
  PRIMARY KEY (ub, media_id, conv_id)
);

-- The file that somebody's profile shows to everybody, with its key under the account key.
CREATE TABLE avatar (
  ub smallint NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  media_id bytea NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (ub, user_id)
);
CREATE INDEX avatar_media ON avatar (ub, media_id);

-- Copies of reported files, each with its case; which file it was lies in `sealed`.
CREATE TABLE case_blob (
  ub smallint NOT NULL,
  case_id text COLLATE "C" NOT NULL,
  blob text COLLATE "C" NOT NULL,
  state smallint NOT NULL,
  made bigint NOT NULL,
  stored bigint NOT NULL,
  digest bytea,
  sealed bytea NOT NULL,
  PRIMARY KEY (ub, case_id, blob)
);
