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

-- name: old_secrets
SELECT count(*) FROM secret WHERE name >= ? AND name < ?;

-- name: drop_secrets
DELETE FROM secret WHERE name >= ? AND name < ?;

-- name: account_keys
SELECT generation, wrapped FROM data_key WHERE generation < 128;

-- name: rewrap
UPDATE data_key SET wrapped = ?, wrapped_at = ? WHERE generation = ?;

-- name: wrapped_at
SELECT max(wrapped_at) FROM data_key;

-- name: ended
SELECT coalesce(max(value), 0) FROM mark WHERE name = 'months_ended';

-- name: end_months_at
INSERT INTO mark (name, value) VALUES ('months_ended', ?)
ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value);

-- name: end_months
DELETE FROM data_key WHERE generation BETWEEN 256 AND ?;
