-- The public log: its head, its leaves, the checkpoints that days ended with.

-- name: begin
INSERT INTO log_head (ub, origin, size, heads, published, checkpoint)
VALUES ($1, $2, 0, ''::bytea, 0, ''::bytea)
ON CONFLICT (ub) DO NOTHING;

-- name: head
SELECT origin, size, heads, published, checkpoint FROM log_head WHERE ub = $1;

-- name: locked
SELECT origin, size, heads, published, checkpoint FROM log_head WHERE ub = $1 FOR UPDATE;

-- name: last_serial
SELECT coalesce(max(serial), 0) FROM log_leaf WHERE ub = $1;

-- name: offer
INSERT INTO log_leaf (ub, id, serial, place, leaf) VALUES ($1, $2, $3, NULL, $4)
ON CONFLICT (ub, id) DO NOTHING;

-- name: waiting
SELECT id, leaf FROM log_leaf WHERE ub = $1 AND place IS NULL ORDER BY serial LIMIT $2;

-- name: advance
UPDATE log_head SET size = $1, heads = $2 WHERE ub = $3 AND size = $4;

-- name: set_place
UPDATE log_leaf SET place = $1 WHERE ub = $2 AND id = $3 AND place IS NULL;

-- name: leaves
SELECT leaf FROM log_leaf WHERE ub = $1 AND place >= $2 AND place < $3 ORDER BY place;

-- name: place
SELECT place FROM log_leaf WHERE ub = $1 AND id = $2;

-- name: publish
UPDATE log_head SET published = $1, checkpoint = $2 WHERE ub = $3 AND published <= $4 AND size >= $5;

-- name: set_day
INSERT INTO log_day (ub, day, checkpoint) VALUES ($1, $2, $3)
ON CONFLICT (ub, day) DO UPDATE SET checkpoint = excluded.checkpoint;

-- name: day
SELECT checkpoint FROM log_day WHERE ub = $1 AND day = $2;
