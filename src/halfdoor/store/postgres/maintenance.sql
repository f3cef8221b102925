-- Sweeps without a bucket; no request calls them (SCALE §2).

-- name: due_holds
SELECT cb, c, seq FROM hold WHERE destroy_after <= $1 ORDER BY cb, c, seq LIMIT $2;

-- name: delete_hold
DELETE FROM hold WHERE cb = $1 AND c = $2 AND seq = $3;

-- name: hold_keys_in_use
SELECT DISTINCT substring(sealed FROM 1 FOR 2) FROM hold;

-- name: conversations
SELECT cb, c, conv_id, last_seq, epoch, hh, chain FROM conv ORDER BY cb, c;

-- name: epochs_of
SELECT epoch, hh, first_seq, chain0 FROM epoch WHERE cb = $1 AND c = $2 ORDER BY epoch;

-- name: events_of
SELECT seq, event_id, sealed FROM event WHERE cb = $1 AND c = $2 ORDER BY seq;
