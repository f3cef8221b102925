-- name: all
SELECT generation, wrapped, made FROM data_key ORDER BY generation;

-- name: insert
INSERT INTO data_key (generation, wrapped, made) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: delete
DELETE FROM data_key WHERE generation = $1;

-- name: secret
SELECT sealed FROM secret WHERE name = $1;

-- name: insert_secret
INSERT INTO secret (name, sealed) VALUES ($1, $2) ON CONFLICT DO NOTHING;
