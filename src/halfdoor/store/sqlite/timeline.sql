-- name: number
SELECT c, begins FROM conv WHERE cb = ? AND conv_id = ?;

-- name: by_id
SELECT seq, event_id, sealed FROM event
WHERE cb = ? AND c = ? AND event_id = ? AND (seq >= ? OR state = 1);

-- name: forward
SELECT seq, event_id, sealed FROM event
WHERE cb = ? AND c = ? AND seq > ? AND seq < ? ORDER BY seq LIMIT ?;

-- name: backward
SELECT seq, event_id, sealed FROM event
WHERE cb = ? AND c = ? AND seq > ? AND seq < ? ORDER BY seq DESC LIMIT ?;

-- name: state_log
SELECT seq, event_id, sealed FROM event WHERE cb = ? AND c = ? AND state = 1 ORDER BY seq;

-- name: held
SELECT sealed FROM hold WHERE cb = ? AND c = ? AND seq = ? AND destroy_after > ?;

-- name: relations
SELECT event.seq, event.event_id, event.sealed
FROM relation JOIN event
  ON event.cb = relation.cb AND event.c = relation.c AND event.seq = relation.seq
WHERE relation.cb = ? AND relation.c = ? AND relation.seq >= ?
  AND relation.target = ? AND relation.seq < ?
ORDER BY relation.seq DESC LIMIT ?;

-- name: related
SELECT event.seq, event.event_id, event.sealed
FROM relation JOIN event
  ON event.cb = relation.cb AND event.c = relation.c AND event.seq = relation.seq
WHERE relation.cb = ? AND relation.c = ? AND relation.seq >= ?
  AND relation.target IN (SELECT value FROM json_each(?)) AND relation.rel_type = ?
ORDER BY relation.seq DESC LIMIT ?;
