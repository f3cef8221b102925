-- name: number
SELECT c, begins FROM conv WHERE cb = $1 AND conv_id = $2;

-- name: by_id
SELECT seq, event_id, sealed FROM event
WHERE cb = $1 AND c = (SELECT c FROM conv WHERE cb = $1 AND conv_id = $2) AND event_id = $3
  AND (state OR seq >= (SELECT begins FROM conv WHERE cb = $1 AND conv_id = $2));

-- name: forward
SELECT seq, event_id, sealed FROM event
WHERE cb = $1 AND c = (SELECT c FROM conv WHERE cb = $1 AND conv_id = $2)
  AND seq > greatest($3, (SELECT begins FROM conv WHERE cb = $1 AND conv_id = $2) - 1)
  AND seq < $4
ORDER BY seq LIMIT $5;

-- name: backward
SELECT seq, event_id, sealed FROM event
WHERE cb = $1 AND c = (SELECT c FROM conv WHERE cb = $1 AND conv_id = $2)
  AND seq > greatest($3, (SELECT begins FROM conv WHERE cb = $1 AND conv_id = $2) - 1)
  AND seq < $4
ORDER BY seq DESC LIMIT $5;

-- name: state_log
SELECT seq, event_id, sealed FROM event WHERE cb = $1 AND c = $2 AND state ORDER BY seq;

-- name: sealed_state
SELECT type, state_key, sealed FROM sealed_state WHERE cb = $1 AND c = $2 ORDER BY type, state_key;

-- name: receipts
SELECT member.user_id, receipt.kind, receipt.thread, receipt.event_id, receipt.seq, receipt.ts
FROM receipt JOIN member
  ON member.cb = receipt.cb AND member.c = receipt.c AND member.m = receipt.m
WHERE receipt.cb = $1 AND receipt.c = $2
ORDER BY receipt.seq, receipt.m, receipt.kind, receipt.thread;

-- name: held
SELECT sealed FROM hold WHERE cb = $1 AND c = $2 AND seq = $3 AND destroy_after > $4;

-- name: relations
SELECT event.seq, event.event_id, event.sealed
FROM relation JOIN event
  ON event.cb = relation.cb AND event.c = relation.c AND event.seq = relation.seq
WHERE relation.cb = $1 AND relation.c = $2 AND relation.seq >= $3
  AND relation.target = $4 AND relation.seq < $5
ORDER BY relation.seq DESC LIMIT $6;

-- name: related
SELECT event.seq, event.event_id, event.sealed
FROM relation JOIN event
  ON event.cb = relation.cb AND event.c = relation.c AND event.seq = relation.seq
WHERE relation.cb = $1 AND relation.c = $2 AND relation.seq >= $3
  AND relation.target = ANY($4::text[]) AND relation.rel_type = $5
ORDER BY relation.seq DESC LIMIT $6;
