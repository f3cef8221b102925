-- name: place
SELECT c FROM conv WHERE cb = $1 AND conv_id = $2;

-- name: head
SELECT last_seq, epoch, chain, begins FROM conv WHERE cb = $1 AND c = $2;

-- name: begin_at
UPDATE conv SET begins = $1 WHERE cb = $2 AND c = $3;

-- name: retired
SELECT epoch, seq, chain, deleted, kept, links, mac FROM retired WHERE cb = $1 AND c = $2;

-- name: told
SELECT seq, told FROM retired WHERE cb = $1 AND c = $2;

-- name: set_told
UPDATE retired SET told = greatest(told, $1) WHERE cb = $2 AND c = $3;

-- name: put_retired
INSERT INTO retired (cb, c, epoch, seq, chain, deleted, kept, links, mac, told)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)
ON CONFLICT (cb, c) DO UPDATE SET
  epoch = excluded.epoch, seq = excluded.seq, chain = excluded.chain, deleted = excluded.deleted,
  kept = excluded.kept, links = excluded.links, mac = excluded.mac;

-- name: old_epochs
SELECT epoch, hh, first_seq, chain0, sealed FROM epoch WHERE cb = $1 AND c = $2 AND epoch >= $3
ORDER BY epoch LIMIT $4;

-- name: some_events
SELECT seq, event_id, sealed, state FROM event WHERE cb = $1 AND c = $2 AND seq >= $3 AND seq < $4
ORDER BY seq LIMIT $5;

-- name: dead_events
SELECT seq, event_id, sealed FROM event WHERE cb = $1 AND c = $2 AND seq < $3 AND NOT state
ORDER BY seq LIMIT $4;

-- name: kept_state
SELECT seq, event_id, sealed FROM event WHERE cb = $1 AND c = $2 AND seq < $3 AND state
ORDER BY seq;

-- name: state
SELECT seq, event_id, sealed FROM event WHERE cb = $1 AND c = $2 AND state
ORDER BY seq DESC;

-- name: sealed_states
SELECT type, state_key, sealed FROM sealed_state WHERE cb = $1 AND c = $2;

-- name: delete_event
DELETE FROM event WHERE cb = $1 AND c = $2 AND seq = $3 AND NOT state;

-- name: delete_media_of
DELETE FROM media_wrap WHERE cb = $1 AND c = $2 AND seq = $3;

-- name: delete_held_media
DELETE FROM media_wrap WHERE cb = $1 AND c = $2 AND seq IN
(SELECT seq FROM hold WHERE cb = $1 AND c = $2 AND seq < $3);

-- name: delete_media
DELETE FROM media_wrap WHERE cb = $1 AND c = $2 AND epoch = $3;

-- name: media_wrap_under
SELECT epoch, seq, media_id, sealed FROM media_wrap
WHERE cb = $1 AND c = $2 AND epoch BETWEEN $3 AND $4
  AND substring(sealed FROM 1 FOR 2) BETWEEN $5 AND $6;

-- name: media_wrap_replace
UPDATE media_wrap SET sealed = $1
WHERE cb = $2 AND c = $3 AND epoch = $4 AND seq = $5 AND media_id = $6 AND sealed = $7 RETURNING 1;

-- name: delete_relation
DELETE FROM relation WHERE cb = $1 AND c = $2 AND target = $3 AND seq = $4;

-- name: delete_relations
DELETE FROM relation WHERE cb = $1 AND c = $2 AND seq < $3;

-- name: delete_holds
DELETE FROM hold WHERE cb = $1 AND c = $2 AND seq < $3;

-- name: a_hold
SELECT 1 FROM hold WHERE cb = $1 AND c = $2 AND seq < $3 LIMIT 1;

-- name: delete_receipts
DELETE FROM receipt WHERE cb = $1 AND c = $2 AND seq < $3;

-- name: dead_epochs
SELECT epoch FROM epoch WHERE cb = $1 AND c = $2 AND epoch < $3 ORDER BY epoch;

-- name: delete_epoch
DELETE FROM epoch WHERE cb = $1 AND c = $2 AND epoch = $3;

-- name: delete_wraps
DELETE FROM wrap WHERE cb = $1 AND c = $2 AND epoch = $3;

-- name: delete_shares
DELETE FROM share WHERE cb = $1 AND c = $2 AND epoch = $3;

-- name: delete_readers
DELETE FROM reader_added WHERE cb = $1 AND c = $2 AND epoch = $3;

-- name: members
SELECT user_id FROM member WHERE cb = $1 AND c = $2;

-- name: first_seq
SELECT first_seq FROM epoch WHERE cb = $1 AND c = $2 AND epoch >= $3 ORDER BY epoch LIMIT 1;

-- name: epoch_span
SELECT coalesce(min(epoch), 1), coalesce(max(epoch), 0) FROM epoch WHERE cb = $1 AND c = $2;

-- name: freezes
SELECT hold, first_epoch, last_epoch, until, generation, mac FROM frozen
WHERE cb = $1 AND c = $2 ORDER BY hold;

-- name: put_freeze
INSERT INTO frozen (cb, c, hold, first_epoch, last_epoch, until, generation, mac)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (cb, c, hold) DO UPDATE SET until = excluded.until, mac = excluded.mac;

-- name: is_frozen
SELECT 1 FROM frozen WHERE cb = $1 AND c = $2 AND hold = $3 AND coalesce(until, 1) != 0;

-- name: drop_freeze
DELETE FROM frozen WHERE cb = $1 AND c = $2 AND hold = $3;

-- name: event_under
SELECT seq, event_id, sealed FROM event
WHERE cb = $1 AND c = $2 AND seq BETWEEN $3 AND $4 AND substring(sealed FROM 1 FOR 2) BETWEEN $5 AND $6
ORDER BY seq LIMIT $7;

-- name: hold_under
SELECT seq, sealed FROM hold
WHERE cb = $1 AND c = $2 AND seq BETWEEN $3 AND $4 AND substring(sealed FROM 1 FOR 2) BETWEEN $5 AND $6
ORDER BY seq LIMIT $7;

-- name: epoch_under
SELECT epoch, sealed FROM epoch
WHERE cb = $1 AND c = $2 AND epoch BETWEEN $3 AND $4 AND substring(sealed FROM 1 FOR 2) BETWEEN $5 AND $6;

-- name: wrap_under
SELECT wrap.epoch, wrap.m, member.user_id, wrap.sealed FROM wrap JOIN member
  ON member.cb = wrap.cb AND member.c = wrap.c AND member.m = wrap.m
WHERE wrap.cb = $1 AND wrap.c = $2 AND wrap.epoch BETWEEN $3 AND $4
  AND substring(wrap.sealed FROM 1 FOR 2) BETWEEN $5 AND $6;

-- name: share_under
SELECT epoch, escrow_set, sealed FROM share
WHERE cb = $1 AND c = $2 AND epoch BETWEEN $3 AND $4 AND substring(sealed FROM 1 FOR 2) BETWEEN $5 AND $6;

-- name: reader_added_under
SELECT epoch, n, sealed FROM reader_added
WHERE cb = $1 AND c = $2 AND epoch BETWEEN $3 AND $4 AND substring(sealed FROM 1 FOR 2) BETWEEN $5 AND $6;

-- name: sealed_state_under
SELECT type, state_key, sealed FROM sealed_state
WHERE cb = $1 AND c = $2 AND substring(sealed FROM 1 FOR 2) BETWEEN $3 AND $4;

-- name: event_replace
UPDATE event SET sealed = $1 WHERE cb = $2 AND c = $3 AND seq = $4 AND sealed = $5 RETURNING 1;

-- name: hold_replace
UPDATE hold SET sealed = $1 WHERE cb = $2 AND c = $3 AND seq = $4 AND sealed = $5 RETURNING 1;

-- name: epoch_replace
UPDATE epoch SET sealed = $1 WHERE cb = $2 AND c = $3 AND epoch = $4 AND sealed = $5 RETURNING 1;

-- name: wrap_replace
UPDATE wrap SET sealed = $1 WHERE cb = $2 AND c = $3 AND epoch = $4 AND m = $5 AND sealed = $6 RETURNING 1;

-- name: share_replace
UPDATE share SET sealed = $1 WHERE cb = $2 AND c = $3 AND epoch = $4 AND escrow_set = $5 AND sealed = $6 RETURNING 1;

-- name: reader_added_replace
UPDATE reader_added SET sealed = $1 WHERE cb = $2 AND c = $3 AND epoch = $4 AND n = $5 AND sealed = $6 RETURNING 1;

-- name: sealed_state_replace
UPDATE sealed_state SET sealed = $1
WHERE cb = $2 AND c = $3 AND type = $4 AND state_key = $5 AND sealed = $6 RETURNING 1;

-- name: lock_conversation
SELECT last_seq FROM conv WHERE cb = $1 AND c = $2 FOR UPDATE;

-- name: close_epoch
UPDATE conv SET is_current = false WHERE cb = $1 AND c = $2;
