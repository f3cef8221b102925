-- name: conversation
SELECT c, last_seq, epoch, hh, chain, begins FROM conv WHERE cb = $1 AND conv_id = $2;

-- name: retired
SELECT epoch, seq, chain, deleted, kept, links, mac FROM retired WHERE cb = $1 AND c = $2;

-- name: event
SELECT event_id, sealed FROM event WHERE cb = $1 AND c = $2 AND seq = $3;

-- name: epochs
SELECT epoch, hh, first_seq, chain0 FROM epoch
WHERE cb = $1 AND c = $2 AND epoch >= $3 ORDER BY epoch;

-- name: events
SELECT seq, event_id, sealed FROM event WHERE cb = $1 AND c = $2 AND seq >= $3 ORDER BY seq;
