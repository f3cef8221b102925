-- What others keep about somebody who is erased is found by going through all of it, some rows at
-- a time; no request of a client calls these.

-- name: next_block
SELECT ub, user_id, peer FROM block
WHERE (ub, user_id, peer) > ($1, $2, $3) ORDER BY ub, user_id, peer LIMIT $4;

-- name: next_person
SELECT ub, user_id FROM person
WHERE (ub, user_id) > ($1, $2) ORDER BY ub, user_id LIMIT $3;

-- name: next_contact_event
SELECT ub, u, recipient, event_id FROM contact_event
WHERE (ub, u, recipient, event_id) > ($1, $2, $3, $4)
ORDER BY ub, u, recipient, event_id LIMIT $5;

-- name: next_contact_closed
SELECT ub, u, recipient FROM contact_closed
WHERE (ub, u, recipient) > ($1, $2, $3) ORDER BY ub, u, recipient LIMIT $4;

-- name: drop_contact_event
DELETE FROM contact_event
WHERE ub = $1 AND u = $2 AND recipient = $3 AND event_id = $4;

-- name: drop_contact_closed
DELETE FROM contact_closed WHERE ub = $1 AND u = $2 AND recipient = $3;

-- name: next_key_signature
SELECT ub, user_id, signer, target, key_id FROM key_signature
WHERE (ub, user_id, signer, target, key_id) > ($1, $2, $3, $4, $5)
ORDER BY ub, user_id, signer, target, key_id LIMIT $6;

-- name: drop_key_signature
DELETE FROM key_signature
WHERE ub = $1 AND user_id = $2 AND signer = $3 AND target = $4 AND key_id = $5;
