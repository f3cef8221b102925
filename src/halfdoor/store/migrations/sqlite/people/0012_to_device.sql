-- Messages between devices (MATRIX §2, item 9), in the recipient's bucket, at the position of the
-- inbox row that tells of them. Who sent what lies in `sealed` under the account key; `origin` is a
-- keyed hash of the sender, so that a flood displaces what came from the same person alone.
CREATE TABLE todev (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  device TEXT NOT NULL,
  pos INTEGER NOT NULL,
  origin BLOB NOT NULL,
  sealed BLOB NOT NULL
);
CREATE UNIQUE INDEX todev_key ON todev (ub, user_id, device, pos);
CREATE INDEX todev_origin ON todev (ub, user_id, device, origin, pos);

-- Which requests reached a person, by day since 1970, so that one that is repeated adds nothing.
CREATE TABLE todev_seen (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  repeat TEXT NOT NULL,
  day INTEGER NOT NULL,
  PRIMARY KEY (ub, user_id, repeat)
) WITHOUT ROWID;
CREATE INDEX todev_seen_day ON todev_seen (ub, user_id, day);
