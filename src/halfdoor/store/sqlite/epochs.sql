-- name: insert_epoch
INSERT INTO epoch (cb, c, epoch, hh, first_seq, chain0, sealed) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: insert_wrap
INSERT INTO wrap (cb, c, epoch, m, sealed) VALUES (?, ?, ?, ?, ?);

-- name: insert_share
INSERT INTO share (cb, c, epoch, escrow_set, sealed) VALUES (?, ?, ?, ?, ?);

-- name: epoch
SELECT epoch, hh, first_seq, sealed FROM epoch WHERE cb = ? AND c = ? AND epoch = ?;

-- name: newest
SELECT epoch, hh, first_seq, sealed FROM epoch WHERE cb = ? AND c = ?
ORDER BY epoch DESC LIMIT ?;

-- name: wrap
SELECT wrap.sealed FROM member JOIN wrap
  ON wrap.cb = member.cb AND wrap.c = member.c AND wrap.m = member.m
WHERE member.cb = ? AND member.c = ? AND member.user_id = ? AND wrap.epoch = ?;

-- name: readers
SELECT n, sealed FROM reader_added WHERE cb = ? AND c = ? AND epoch = ? ORDER BY n;

-- name: newest_reader
SELECT n, sealed FROM reader_added WHERE cb = ? AND c = ? AND epoch = ? ORDER BY n DESC LIMIT 1;

-- name: insert_reader
INSERT INTO reader_added (cb, c, epoch, n, sealed) VALUES (?, ?, ?, ?, ?);

-- name: put_sealed_state
INSERT INTO sealed_state (cb, c, type, state_key, sealed) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (cb, c, type, state_key) DO UPDATE SET sealed = excluded.sealed;

-- name: one_sealed_state
SELECT sealed FROM sealed_state WHERE cb = ? AND c = ? AND type = ? AND state_key = ?;

-- name: delete_sealed_state
DELETE FROM sealed_state WHERE cb = ? AND c = ? AND type = ? AND state_key = ?;

-- name: sealed_state
SELECT type, state_key, sealed FROM sealed_state WHERE cb = ? AND c = ? ORDER BY type, state_key;
