-- Messages between devices, in the recipient's bucket.

-- name: devices
SELECT device FROM device WHERE ub = ? AND user_id = ?;

-- name: see
INSERT INTO todev_seen (ub, user_id, repeat, day) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING;

-- name: unsee
DELETE FROM todev_seen WHERE ub = ? AND user_id = ? AND day < ?;

-- name: put
INSERT INTO todev (ub, user_id, device, pos, origin, sealed) VALUES (?, ?, ?, ?, ?, ?);

-- name: beyond_of_one
SELECT pos FROM todev WHERE ub = ? AND user_id = ? AND device = ? AND origin = ?
ORDER BY pos DESC LIMIT 1 OFFSET ?;

-- name: drop_of_one
DELETE FROM todev WHERE ub = ? AND user_id = ? AND device = ? AND origin = ? AND pos <= ?;

-- name: beyond_of_all
SELECT pos FROM todev WHERE ub = ? AND user_id = ? AND device = ?
ORDER BY pos DESC LIMIT 1 OFFSET ?;

-- name: drop
DELETE FROM todev WHERE ub = ? AND user_id = ? AND device = ? AND pos <= ?;

-- name: waiting
SELECT pos, sealed FROM todev
WHERE ub = ? AND user_id = ? AND device = ? AND pos > ? AND pos <= ? ORDER BY pos LIMIT ?;

-- name: oldest
SELECT min(pos) FROM todev WHERE ub = ? AND user_id = ? AND device = ?;
