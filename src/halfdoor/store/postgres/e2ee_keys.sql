-- Public keys, as `e2ee.key_store` promises them.

-- name: lock_device
SELECT 1 AS found FROM device WHERE ub = $1 AND user_id = $2 AND device = $3 FOR UPDATE;

-- name: keys
SELECT user_id, 'device_key' AS kind, device AS name, sealed, mac FROM device_key
WHERE ub = $1 AND user_id = $2
UNION ALL
SELECT user_id, 'cross_key' AS kind, usage AS name, sealed, mac FROM cross_key
WHERE ub = $1 AND user_id = $2;

-- name: lock_cross_key
SELECT sealed, mac FROM cross_key WHERE ub = $1 AND user_id = $2 AND usage = $3 FOR UPDATE;

-- name: device_key
SELECT sealed, mac FROM device_key WHERE ub = $1 AND user_id = $2 AND device = $3;

-- name: put_device_key
INSERT INTO device_key (ub, user_id, device, sealed, mac) VALUES ($1, $2, $3, $4, $5);

-- name: put_cross_key
INSERT INTO cross_key (ub, user_id, usage, sealed, mac) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (ub, user_id, usage) DO UPDATE SET sealed = excluded.sealed, mac = excluded.mac;

-- name: one_time_key
SELECT algorithm, key_id, n, given, sealed, mac FROM one_time_key
WHERE ub = $1 AND user_id = $2 AND device = $3 AND algorithm = $4 AND key_id = $5;

-- name: put_one_time_key
INSERT INTO one_time_key (ub, user_id, device, algorithm, key_id, n, given, sealed, mac)
VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8);

-- name: newest_one_time_key
SELECT coalesce(max(n), 0) AS n FROM one_time_key WHERE ub = $1 AND user_id = $2 AND device = $3;

-- name: left
SELECT count(*) AS keys FROM one_time_key
WHERE ub = $1 AND user_id = $2 AND device = $3 AND given = 0;

-- name: oldest_one_time_key
SELECT key_id, n, given, sealed, mac FROM one_time_key
WHERE ub = $1 AND user_id = $2 AND device = $3 AND given = 0 AND algorithm = $4 ORDER BY n LIMIT 1;

-- name: give
UPDATE one_time_key SET given = 1, sealed = $1, mac = $2
WHERE ub = $3 AND user_id = $4 AND device = $5 AND algorithm = $6 AND key_id = $7;

-- name: forget_given
DELETE FROM one_time_key WHERE ub = $1 AND user_id = $2 AND device = $3 AND given = 1 AND n <= $4;

-- name: fallback_key
SELECT sealed, mac FROM fallback_key
WHERE ub = $1 AND user_id = $2 AND device = $3 AND algorithm = $4;

-- name: put_fallback_key
INSERT INTO fallback_key (ub, user_id, device, algorithm, sealed, mac)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (ub, user_id, device, algorithm) DO UPDATE SET
  sealed = excluded.sealed, mac = excluded.mac;

-- name: counts
SELECT algorithm, count(*) AS keys, NULL::bytea AS sealed, NULL::bytea AS mac FROM one_time_key
WHERE ub = $1 AND user_id = $2 AND device = $3 AND given = 0 GROUP BY algorithm
UNION ALL
SELECT algorithm, 0 AS keys, sealed, mac FROM fallback_key
WHERE ub = $1 AND user_id = $2 AND device = $3;

-- name: signature
SELECT sealed, mac FROM key_signature
WHERE ub = $1 AND user_id = $2 AND signer = $3 AND target = $4 AND key_id = $5;

-- name: put_signature
INSERT INTO key_signature (ub, user_id, signer, target, key_id, sealed, mac)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (ub, user_id, signer, target, key_id) DO UPDATE SET
  sealed = excluded.sealed, mac = excluded.mac;

-- name: signatures
SELECT user_id, target, key_id, sealed, mac FROM key_signature
WHERE ub = $1 AND user_id = $2 AND signer = $3 ORDER BY target, key_id;

-- name: drop_signatures_on
DELETE FROM key_signature WHERE ub = $1 AND user_id = $2 AND target = $3;

-- name: drop_device_key
DELETE FROM device_key WHERE ub = $1 AND user_id = $2 AND device = $3;

-- name: drop_one_time_keys
DELETE FROM one_time_key WHERE ub = $1 AND user_id = $2 AND device = $3;

-- name: drop_fallback_keys
DELETE FROM fallback_key WHERE ub = $1 AND user_id = $2 AND device = $3;
