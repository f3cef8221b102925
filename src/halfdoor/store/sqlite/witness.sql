-- name: conversation
SELECT c, last_seq, epoch, hh, chain, begins FROM conv WHERE cb = ? AND conv_id = ?;

-- name: retired
SELECT epoch, seq, chain, deleted, kept, links, mac FROM retired WHERE cb = ? AND c = ?;

-- name: event
SELECT event_id, sealed FROM event WHERE cb = ? AND c = ? AND seq = ?;

-- name: epochs
SELECT epoch, hh, first_seq, chain0 FROM epoch
WHERE cb = ? AND c = ? AND epoch >= ? ORDER BY epoch;

-- name: events
SELECT seq, event_id, sealed FROM event WHERE cb = ? AND c = ? AND seq >= ? ORDER BY seq;
