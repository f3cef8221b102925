-- name: counted
SELECT 1 FROM contact_event WHERE ub = ? AND u = ? AND recipient = ? AND event_id = ?;

-- name: sent
SELECT count(*) FROM contact_event WHERE ub = ? AND u = ? AND recipient = ?;

-- name: count
INSERT INTO contact_event (ub, u, recipient, event_id) VALUES (?, ?, ?, ?);

-- name: until
SELECT until FROM contact_closed WHERE ub = ? AND u = ? AND recipient = ?;

-- name: close
INSERT INTO contact_closed (ub, u, recipient, until) VALUES (?, ?, ?, ?)
ON CONFLICT (ub, u, recipient) DO UPDATE SET until = excluded.until;
