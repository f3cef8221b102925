-- What others keep about somebody who is erased is found by going through all of it, some rows at
-- a time; no request of a client calls these.

-- name: next_block
SELECT ub, user_id, peer FROM block
WHERE (ub, user_id, peer) > (?, ?, ?) ORDER BY ub, user_id, peer LIMIT ?;

-- name: next_person
SELECT ub, user_id FROM person
WHERE (ub, user_id) > (?, ?) ORDER BY ub, user_id LIMIT ?;

-- name: next_contact_event
SELECT ub, u, recipient, event_id FROM contact_event
WHERE (ub, u, recipient, event_id) > (?, ?, ?, ?)
ORDER BY ub, u, recipient, event_id LIMIT ?;

-- name: next_contact_closed
SELECT ub, u, recipient FROM contact_closed
WHERE (ub, u, recipient) > (?, ?, ?) ORDER BY ub, u, recipient LIMIT ?;

-- name: drop_contact_event
DELETE FROM contact_event
WHERE ub = ? AND u = ? AND recipient = ? AND event_id = ?;

-- name: drop_contact_closed
DELETE FROM contact_closed WHERE ub = ? AND u = ? AND recipient = ?;

-- name: next_key_signature
SELECT ub, user_id, signer, target, key_id FROM key_signature
WHERE (ub, user_id, signer, target, key_id) > (?, ?, ?, ?, ?)
ORDER BY ub, user_id, signer, target, key_id LIMIT ?;

-- name: drop_key_signature
DELETE FROM key_signature
WHERE ub = ? AND user_id = ? AND signer = ? AND target = ? AND key_id = ?;
