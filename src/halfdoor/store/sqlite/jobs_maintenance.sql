-- Work that waits, over all buckets; no request of a client calls these (SCALE §6).

-- name: due
SELECT ub, id, queue, run_at, attempts, lease_until, payload FROM job
WHERE run_at <= ? AND lease_until <= ? ORDER BY run_at LIMIT 1;

-- name: due_of
SELECT ub, id, queue, run_at, attempts, lease_until, payload FROM job
WHERE queue = ? AND run_at <= ? AND lease_until <= ? ORDER BY run_at LIMIT 1;

-- name: claim
UPDATE job SET lease_until = ?, attempts = attempts + 1
WHERE ub = ? AND id = ? AND lease_until = ?;

-- name: add
INSERT INTO job (ub, id, queue, run_at, attempts, lease_until, payload)
VALUES (?, ?, ?, ?, 0, 0, ?) ON CONFLICT DO NOTHING;

-- name: find
SELECT ub, id, queue, run_at, attempts, lease_until, payload FROM job WHERE ub = ? AND id = ?;

-- name: save
UPDATE job SET payload = ?, run_at = ?, attempts = 0
WHERE ub = ? AND id = ? AND lease_until = ?;

-- name: release
UPDATE job SET run_at = ?, lease_until = 0 WHERE ub = ? AND id = ? AND lease_until = ?;

-- name: end
DELETE FROM job WHERE ub = ? AND id = ? AND lease_until = ?;
