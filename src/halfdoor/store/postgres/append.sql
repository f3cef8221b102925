-- name: events
SELECT cb, c, event_id, seq, sealed FROM event WHERE cb = $1 AND c = $2 AND event_id = $3;

-- name: sealed_states
SELECT cb, c, type, state_key, sealed FROM sealed_state WHERE cb = $1 AND c = $2;

-- name: epochs
SELECT cb, c, epoch, hh FROM epoch WHERE cb = $1 AND c = $2 AND epoch = $3;

-- name: newest_readers
SELECT cb, c, epoch, n, sealed FROM reader_added
WHERE cb = $1 AND c = $2 AND epoch = $3 ORDER BY n DESC LIMIT 1;

-- name: receipts
SELECT member.cb, member.c, member.user_id, receipt.kind, receipt.thread, receipt.seq
FROM member JOIN receipt
  ON receipt.cb = member.cb AND receipt.c = member.c AND receipt.m = member.m
WHERE member.cb = $1 AND member.c = $2 AND member.user_id = $3
  AND receipt.cb = $1 AND receipt.kind = $4 AND receipt.thread = $5;

-- name: delete_media_wraps
DELETE FROM media_wrap WHERE cb = $1 AND c = $2 AND seq = $3;

-- name: replace_event
UPDATE event SET sealed = $4 WHERE cb = $1 AND c = $2 AND seq = $3;

-- name: put_sealed_state
INSERT INTO sealed_state (cb, c, type, state_key, sealed) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (cb, c, type, state_key) DO UPDATE SET sealed = excluded.sealed;

-- name: drop_sealed_state
DELETE FROM sealed_state WHERE cb = $1 AND c = $2 AND type = $3 AND state_key = $4;

-- name: put_receipt
INSERT INTO receipt (cb, c, m, kind, thread, event_id, seq, ts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (cb, c, m, kind, thread) DO UPDATE SET
  event_id = excluded.event_id, seq = excluded.seq, ts = excluded.ts;

-- name: fanout
SELECT cb, c, payload FROM fanout WHERE cb = $1 AND c = $2 ORDER BY n;

-- name: delete_fanout
DELETE FROM fanout WHERE cb = $1 AND c = $2 AND n <= $3;
