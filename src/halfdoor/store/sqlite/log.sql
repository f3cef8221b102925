-- The public log: its head, its leaves, the checkpoints that days ended with.

-- name: begin
INSERT INTO log_head (ub, origin, size, heads, published, checkpoint)
VALUES (?, ?, 0, x'', 0, x'')
ON CONFLICT (ub) DO NOTHING;

-- name: head
SELECT origin, size, heads, published, checkpoint FROM log_head WHERE ub = ?;

-- name: last_serial
SELECT coalesce(max(serial), 0) FROM log_leaf WHERE ub = ?;

-- name: offer
INSERT INTO log_leaf (ub, id, serial, place, leaf) VALUES (?, ?, ?, NULL, ?)
ON CONFLICT (ub, id) DO NOTHING;

-- name: waiting
SELECT id, leaf FROM log_leaf WHERE ub = ? AND place IS NULL ORDER BY serial LIMIT ?;

-- name: advance
UPDATE log_head SET size = ?, heads = ? WHERE ub = ? AND size = ?;

-- name: set_place
UPDATE log_leaf SET place = ? WHERE ub = ? AND id = ? AND place IS NULL;

-- name: leaves
SELECT leaf FROM log_leaf WHERE ub = ? AND place >= ? AND place < ? ORDER BY place;

-- name: place
SELECT place FROM log_leaf WHERE ub = ? AND id = ?;

-- name: publish
UPDATE log_head SET published = ?, checkpoint = ? WHERE ub = ? AND published <= ? AND size >= ?;

-- name: set_day
INSERT INTO log_day (ub, day, checkpoint) VALUES (?, ?, ?)
ON CONFLICT (ub, day) DO UPDATE SET checkpoint = excluded.checkpoint;

-- name: day
SELECT checkpoint FROM log_day WHERE ub = ? AND day = ?;
