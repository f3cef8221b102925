-- Work that waits, over all buckets; no request of a client calls these (SCALE §6).

-- name: due
SELECT ub, id, queue, run_at, attempts, lease_until, payload FROM job
WHERE run_at <= $1 AND lease_until <= $1 ORDER BY run_at LIMIT 1 FOR UPDATE SKIP LOCKED;

-- name: due_of
SELECT ub, id, queue, run_at, attempts, lease_until, payload FROM job
WHERE queue = $2 AND run_at <= $1 AND lease_until <= $1 ORDER BY run_at LIMIT 1
FOR UPDATE SKIP LOCKED;

-- name: claim
UPDATE job SET lease_until = $1, attempts = attempts + 1
WHERE ub = $2 AND id = $3 AND lease_until = $4;

-- name: add
INSERT INTO job (ub, id, queue, run_at, attempts, lease_until, payload)
VALUES ($1, $2, $3, $4, 0, 0, $5) ON CONFLICT DO NOTHING;

-- name: find
SELECT ub, id, queue, run_at, attempts, lease_until, payload FROM job WHERE ub = $1 AND id = $2;

-- name: save
UPDATE job SET payload = $1, run_at = $2, attempts = 0
WHERE ub = $3 AND id = $4 AND lease_until = $5;

-- name: release
UPDATE job SET run_at = $1, lease_until = 0 WHERE ub = $2 AND id = $3 AND lease_until = $4;

-- name: end
DELETE FROM job WHERE ub = $1 AND id = $2 AND lease_until = $3;
