-- Messages between devices, in the recipient's bucket.

-- name: devices
SELECT device FROM device WHERE ub = $1 AND user_id = $2 ORDER BY device FOR KEY SHARE;

-- name: see
INSERT INTO todev_seen (ub, user_id, repeat, day) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING;

-- name: unsee
DELETE FROM todev_seen WHERE ub = $1 AND user_id = $2 AND day < $3;

-- name: put
INSERT INTO todev (ub, user_id, device, pos, origin, sealed) VALUES ($1, $2, $3, $4, $5, $6);

-- name: beyond_of_one
SELECT pos FROM todev WHERE ub = $1 AND user_id = $2 AND device = $3 AND origin = $4
ORDER BY pos DESC LIMIT 1 OFFSET $5;

-- name: drop_of_one
DELETE FROM todev WHERE ub = $1 AND user_id = $2 AND device = $3 AND origin = $4 AND pos <= $5;

-- name: beyond_of_all
SELECT pos FROM todev WHERE ub = $1 AND user_id = $2 AND device = $3
ORDER BY pos DESC LIMIT 1 OFFSET $4;

-- name: drop
DELETE FROM todev WHERE ub = $1 AND user_id = $2 AND device = $3 AND pos <= $4;

-- name: waiting
SELECT pos, sealed FROM todev
WHERE ub = $1 AND user_id = $2 AND device = $3 AND pos > $4 AND pos <= $5 ORDER BY pos LIMIT $6;

-- name: oldest
SELECT min(pos) FROM todev WHERE ub = $1 AND user_id = $2 AND device = $3;
