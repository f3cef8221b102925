-- name: seq_of
SELECT seq FROM event WHERE cb = ? AND c = ? AND event_id = ?;

-- name: event
SELECT seq, sealed FROM event WHERE cb = ? AND c = ? AND event_id = ?;

-- name: insert_event
INSERT INTO event (cb, c, seq, event_id, state, sealed) VALUES (?, ?, ?, ?, ?, ?);

-- name: insert_relation
INSERT INTO relation (cb, c, target, seq, rel_type) VALUES (?, ?, ?, ?, ?);

-- name: insert_media_wrap
INSERT INTO media_wrap (cb, c, epoch, seq, media_id, sealed) VALUES (?, ?, ?, ?, ?, ?);

-- name: delete_media_wraps
DELETE FROM media_wrap WHERE cb = ? AND c = ? AND seq = ?;

-- name: replace_event
UPDATE event SET sealed = ? WHERE cb = ? AND c = ? AND seq = ?;

-- name: insert_hold
INSERT INTO hold (cb, c, seq, destroy_after, sealed) VALUES (?, ?, ?, ?, ?);

-- name: insert_fanout
INSERT INTO fanout (cb, c, n, payload) VALUES (?, ?, ?, ?);

-- name: delete_fanout
DELETE FROM fanout WHERE cb = ? AND c = ? AND n <= ?;
