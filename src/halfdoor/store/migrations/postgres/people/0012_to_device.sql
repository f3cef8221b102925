-- Messages between devices (MATRIX §2, item 9), in the recipient's bucket, at the position of the
-- inbox row that tells of them. Who sent what lies in `sealed` under the account key; `origin` is a
-- keyed hash of the sender, so that a flood displaces what came from the same person alone.
CREATE TABLE todev (
  ub smallint NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  device text COLLATE "C" NOT NULL,
  pos bigint NOT NULL,
  origin bytea NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (ub, user_id, device, pos)
);
CREATE INDEX todev_origin ON todev (ub, user_id, device, origin, pos);

-- Which requests reached a person, by day since 1970, so that one that is repeated adds nothing.
CREATE TABLE todev_seen (
  ub smallint NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  repeat text COLLATE "C" NOT NULL,
  day integer NOT NULL,
  PRIMARY KEY (ub, user_id, repeat)
);
CREATE INDEX todev_seen_day ON todev_seen (ub, user_id, day);
