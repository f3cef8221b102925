-- Sweeps without a bucket; no request calls them (SCALE §2).

-- name: due_holds
SELECT cb, c, seq FROM hold WHERE destroy_after <= ? LIMIT ?;

-- name: delete_hold
DELETE FROM hold WHERE cb = ? AND c = ? AND seq = ?;

-- name: hold_keys_in_use
SELECT DISTINCT substr(sealed, 1, 2) FROM hold;

-- name: restores
SELECT value FROM counter WHERE name = 'restores';

-- name: count_restore
INSERT INTO counter (name, value) VALUES ('restores', 1)
ON CONFLICT (name) DO UPDATE SET value = value + 1;

-- name: conversations
SELECT cb, c, conv_id, last_seq, epoch, hh, chain FROM conv ORDER BY cb, c;

-- name: epochs_of
SELECT epoch, hh, first_seq, chain0 FROM epoch WHERE cb = ? AND c = ? ORDER BY epoch;

-- name: events_of
SELECT seq, event_id, sealed FROM event WHERE cb = ? AND c = ? ORDER BY seq;
