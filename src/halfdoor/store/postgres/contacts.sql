-- name: counted
SELECT 1 FROM contact_event WHERE ub = $1 AND u = $2 AND recipient = $3 AND event_id = $4;

-- name: sent
SELECT count(*) FROM contact_event WHERE ub = $1 AND u = $2 AND recipient = $3;

-- name: count
INSERT INTO contact_event (ub, u, recipient, event_id) VALUES ($1, $2, $3, $4);

-- name: until
SELECT until FROM contact_closed WHERE ub = $1 AND u = $2 AND recipient = $3;

-- name: close
INSERT INTO contact_closed (ub, u, recipient, until) VALUES ($1, $2, $3, $4)
ON CONFLICT (ub, u, recipient) DO UPDATE SET until = excluded.until;
