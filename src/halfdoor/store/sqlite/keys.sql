-- name: all
SELECT generation, wrapped, made FROM data_key;

-- name: one
SELECT wrapped FROM data_key WHERE generation = ?;

-- name: insert
INSERT INTO data_key (generation, wrapped, made) VALUES (?, ?, ?);

-- name: delete
DELETE FROM data_key WHERE generation = ?;

-- name: secret
SELECT sealed FROM secret WHERE name = ?;

-- name: insert_secret
INSERT INTO secret (name, sealed) VALUES (?, ?);
