-- name: place
SELECT c FROM conv WHERE cb = ? AND conv_id = ?;

-- name: head
SELECT last_seq, epoch, chain, begins FROM conv WHERE cb = ? AND c = ?;

-- name: begin_at
UPDATE conv SET begins = ? WHERE cb = ? AND c = ?;

-- name: retired
SELECT epoch, seq, chain, deleted, kept, links, mac FROM retired WHERE cb = ? AND c = ?;

-- name: told
SELECT seq, told FROM retired WHERE cb = ? AND c = ?;

-- name: set_told
UPDATE retired SET told = max(told, ?) WHERE cb = ? AND c = ?;

-- name: put_retired
INSERT INTO retired (cb, c, epoch, seq, chain, deleted, kept, links, mac, told)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
ON CONFLICT (cb, c) DO UPDATE SET
  epoch = excluded.epoch, seq = excluded.seq, chain = excluded.chain, deleted = excluded.deleted,
  kept = excluded.kept, links = excluded.links, mac = excluded.mac;

-- name: old_epochs
SELECT epoch, hh, first_seq, chain0, sealed FROM epoch WHERE cb = ? AND c = ? AND epoch >= ?
ORDER BY epoch LIMIT ?;

-- name: some_events
SELECT seq, event_id, sealed, state FROM event WHERE cb = ? AND c = ? AND seq >= ? AND seq < ?
ORDER BY seq LIMIT ?;

-- name: dead_events
SELECT seq, event_id, sealed FROM event WHERE cb = ? AND c = ? AND seq < ? AND state = 0
ORDER BY seq LIMIT ?;

-- name: kept_state
SELECT seq, event_id, sealed FROM event WHERE cb = ? AND c = ? AND seq < ? AND state = 1
ORDER BY seq;

-- name: state
SELECT seq, event_id, sealed FROM event WHERE cb = ? AND c = ? AND state = 1
ORDER BY seq DESC;

-- name: sealed_states
SELECT type, state_key, sealed FROM sealed_state WHERE cb = ? AND c = ?;

-- name: delete_event
DELETE FROM event WHERE cb = ? AND c = ? AND seq = ? AND state = 0;

-- name: delete_media_of
DELETE FROM media_wrap WHERE cb = ? AND c = ? AND seq = ?;

-- name: delete_held_media
DELETE FROM media_wrap WHERE cb = ? AND c = ? AND seq IN
(SELECT seq FROM hold WHERE cb = ? AND c = ? AND seq < ?);

-- name: delete_media
DELETE FROM media_wrap WHERE cb = ? AND c = ? AND epoch = ?;

-- name: media_wrap_under
SELECT epoch, seq, media_id, sealed FROM media_wrap
WHERE cb = ? AND c = ? AND epoch BETWEEN ? AND ? AND substr(sealed, 1, 2) BETWEEN ? AND ?;

-- name: media_wrap_replace
UPDATE media_wrap SET sealed = ?
WHERE cb = ? AND c = ? AND epoch = ? AND seq = ? AND media_id = ? AND sealed = ?;

-- name: delete_relation
DELETE FROM relation WHERE cb = ? AND c = ? AND target = ? AND seq = ?;

-- name: delete_relations
DELETE FROM relation WHERE cb = ? AND c = ? AND seq < ?;

-- name: delete_holds
DELETE FROM hold WHERE cb = ? AND c = ? AND seq < ?;

-- name: a_hold
SELECT 1 FROM hold WHERE cb = ? AND c = ? AND seq < ? LIMIT 1;

-- name: delete_receipts
DELETE FROM receipt WHERE cb = ? AND c = ? AND seq < ?;

-- name: dead_epochs
SELECT epoch FROM epoch WHERE cb = ? AND c = ? AND epoch < ? ORDER BY epoch;

-- name: delete_epoch
DELETE FROM epoch WHERE cb = ? AND c = ? AND epoch = ?;

-- name: delete_wraps
DELETE FROM wrap WHERE cb = ? AND c = ? AND epoch = ?;

-- name: delete_shares
DELETE FROM share WHERE cb = ? AND c = ? AND epoch = ?;

-- name: delete_readers
DELETE FROM reader_added WHERE cb = ? AND c = ? AND epoch = ?;

-- name: members
SELECT user_id FROM member WHERE cb = ? AND c = ?;

-- name: first_seq
SELECT first_seq FROM epoch WHERE cb = ? AND c = ? AND epoch >= ? ORDER BY epoch LIMIT 1;

-- name: epoch_span
SELECT coalesce(min(epoch), 1), coalesce(max(epoch), 0) FROM epoch WHERE cb = ? AND c = ?;

-- name: freezes
SELECT hold, first_epoch, last_epoch, until, generation, mac FROM frozen
WHERE cb = ? AND c = ? ORDER BY hold;

-- name: put_freeze
INSERT INTO frozen (cb, c, hold, first_epoch, last_epoch, until, generation, mac)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (cb, c, hold) DO UPDATE SET until = excluded.until, mac = excluded.mac;

-- name: is_frozen
SELECT 1 FROM frozen WHERE cb = ? AND c = ? AND hold = ? AND coalesce(until, 1) != 0;

-- name: drop_freeze
DELETE FROM frozen WHERE cb = ? AND c = ? AND hold = ?;

-- name: event_under
SELECT seq, event_id, sealed FROM event
WHERE cb = ? AND c = ? AND seq BETWEEN ? AND ? AND substr(sealed, 1, 2) BETWEEN ? AND ?
ORDER BY seq LIMIT ?;

-- name: hold_under
SELECT seq, sealed FROM hold
WHERE cb = ? AND c = ? AND seq BETWEEN ? AND ? AND substr(sealed, 1, 2) BETWEEN ? AND ?
ORDER BY seq LIMIT ?;

-- name: epoch_under
SELECT epoch, sealed FROM epoch
WHERE cb = ? AND c = ? AND epoch BETWEEN ? AND ? AND substr(sealed, 1, 2) BETWEEN ? AND ?;

-- name: wrap_under
SELECT wrap.epoch, wrap.m, member.user_id, wrap.sealed FROM wrap JOIN member
  ON member.cb = wrap.cb AND member.c = wrap.c AND member.m = wrap.m
WHERE wrap.cb = ? AND wrap.c = ? AND wrap.epoch BETWEEN ? AND ?
  AND substr(wrap.sealed, 1, 2) BETWEEN ? AND ?;

-- name: share_under
SELECT epoch, escrow_set, sealed FROM share
WHERE cb = ? AND c = ? AND epoch BETWEEN ? AND ? AND substr(sealed, 1, 2) BETWEEN ? AND ?;

-- name: reader_added_under
SELECT epoch, n, sealed FROM reader_added
WHERE cb = ? AND c = ? AND epoch BETWEEN ? AND ? AND substr(sealed, 1, 2) BETWEEN ? AND ?;

-- name: sealed_state_under
SELECT type, state_key, sealed FROM sealed_state
WHERE cb = ? AND c = ? AND substr(sealed, 1, 2) BETWEEN ? AND ?;

-- name: event_replace
UPDATE event SET sealed = ? WHERE cb = ? AND c = ? AND seq = ? AND sealed = ?;

-- name: hold_replace
UPDATE hold SET sealed = ? WHERE cb = ? AND c = ? AND seq = ? AND sealed = ?;

-- name: epoch_replace
UPDATE epoch SET sealed = ? WHERE cb = ? AND c = ? AND epoch = ? AND sealed = ?;

-- name: wrap_replace
UPDATE wrap SET sealed = ? WHERE cb = ? AND c = ? AND epoch = ? AND m = ? AND sealed = ?;

-- name: share_replace
UPDATE share SET sealed = ? WHERE cb = ? AND c = ? AND epoch = ? AND escrow_set = ? AND sealed = ?;

-- name: reader_added_replace
UPDATE reader_added SET sealed = ? WHERE cb = ? AND c = ? AND epoch = ? AND n = ? AND sealed = ?;

-- name: sealed_state_replace
UPDATE sealed_state SET sealed = ?
WHERE cb = ? AND c = ? AND type = ? AND state_key = ? AND sealed = ?;
