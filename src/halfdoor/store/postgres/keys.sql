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

-- name: drop_secrets
DELETE FROM secret WHERE name COLLATE "C" >= $1 AND name COLLATE "C" < $2;

-- name: lock_all
LOCK TABLE data_key IN SHARE ROW EXCLUSIVE MODE;

-- name: account_keys
SELECT generation, wrapped FROM data_key WHERE generation < 128;

-- name: rewrap
UPDATE data_key SET wrapped = $1, wrapped_at = $2 WHERE generation = $3;

-- name: wrapped_at
SELECT max(wrapped_at) FROM data_key;

-- name: ended
SELECT coalesce(max(value), 0)::bigint FROM mark WHERE name = 'months_ended';

-- name: end_months_at
INSERT INTO mark (name, value) VALUES ('months_ended', $1)
ON CONFLICT (name) DO UPDATE SET value = greatest(mark.value, excluded.value);

-- name: end_months
DELETE FROM data_key WHERE generation BETWEEN 256 AND $1;

-- name: freezes_in_use
SELECT DISTINCT generation FROM frozen;

-- name: has_key
SELECT 1 FROM data_key WHERE generation = $1 FOR SHARE;

-- name: lock_for_end
LOCK TABLE data_key IN EXCLUSIVE MODE;
