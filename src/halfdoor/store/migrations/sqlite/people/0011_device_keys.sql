-- Public keys of devices and people (MATRIX §2, items 9-12), each in its owner's bucket. Whoever
-- could swap one could read, so every row bears a mac.
CREATE TABLE device_key (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  device TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id, device)
);

-- In upload order by `n`. One that was handed out (`given` = 1) leaves its hash for a while, so that
-- its id is not used again for another key.
CREATE TABLE one_time_key (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  device TEXT NOT NULL,
  algorithm TEXT NOT NULL,
  key_id TEXT NOT NULL,
  n INTEGER NOT NULL,
  given INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id, device, algorithm, key_id)
);
CREATE INDEX one_time_key_order ON one_time_key (ub, user_id, device, given, n);

-- Handed out where no one-time key is left; whether it ever was lies in `sealed`.
CREATE TABLE fallback_key (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  device TEXT NOT NULL,
  algorithm TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id, device, algorithm)
);

CREATE TABLE cross_key (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  usage TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id, usage)
);

-- In the bucket of whose key is signed, so that it goes with that key.
CREATE TABLE key_signature (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  signer TEXT NOT NULL,
  target TEXT NOT NULL,
  key_id TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id, signer, target, key_id)
);
