-- Public keys, as `e2ee.key_store` promises them.

-- name: lock_device
SELECT 1 AS found FROM device WHERE ub = ? AND user_id = ? AND device = ?;

-- name: device_keys
SELECT device, sealed, mac FROM device_key WHERE ub = ? AND user_id = ? ORDER BY device;

-- name: cross_keys
SELECT usage, sealed, mac FROM cross_key WHERE ub = ? AND user_id = ?;

-- name: device_key
SELECT sealed, mac FROM device_key WHERE ub = ? AND user_id = ? AND device = ?;

-- name: put_device_key
INSERT INTO device_key (ub, user_id, device, sealed, mac) VALUES (?, ?, ?, ?, ?);

-- name: cross_key
SELECT sealed, mac FROM cross_key WHERE ub = ? AND user_id = ? AND usage = ?;

-- name: put_cross_key
INSERT INTO cross_key (ub, user_id, usage, sealed, mac) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (ub, user_id, usage) DO UPDATE SET sealed = excluded.sealed, mac = excluded.mac;

-- name: one_time_key
SELECT algorithm, key_id, n, given, sealed, mac FROM one_time_key
WHERE ub = ? AND user_id = ? AND device = ? AND algorithm = ? AND key_id = ?;

-- name: put_one_time_key
INSERT INTO one_time_key (ub, user_id, device, algorithm, key_id, n, given, sealed, mac)
VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?);

-- name: newest_one_time_key
SELECT coalesce(max(n), 0) AS n FROM one_time_key WHERE ub = ? AND user_id = ? AND device = ?;

-- name: left
SELECT count(*) AS keys FROM one_time_key WHERE ub = ? AND user_id = ? AND device = ? AND given = 0;

-- name: oldest_one_time_key
SELECT key_id, n, given, sealed, mac FROM one_time_key
WHERE ub = ? AND user_id = ? AND device = ? AND given = 0 AND algorithm = ? ORDER BY n LIMIT 1;

-- name: give
UPDATE one_time_key SET given = 1, sealed = ?, mac = ?
WHERE ub = ? AND user_id = ? AND device = ? AND algorithm = ? AND key_id = ?;

-- name: forget_given
DELETE FROM one_time_key WHERE ub = ? AND user_id = ? AND device = ? AND given = 1 AND n <= ?;

-- name: fallback_key
SELECT sealed, mac FROM fallback_key WHERE ub = ? AND user_id = ? AND device = ? AND algorithm = ?;

-- name: put_fallback_key
INSERT INTO fallback_key (ub, user_id, device, algorithm, sealed, mac) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (ub, user_id, device, algorithm) DO UPDATE SET
  sealed = excluded.sealed, mac = excluded.mac;

-- name: counted
SELECT algorithm, count(*) AS keys FROM one_time_key
WHERE ub = ? AND user_id = ? AND device = ? AND given = 0 GROUP BY algorithm;

-- name: fallback_keys
SELECT algorithm, sealed, mac FROM fallback_key WHERE ub = ? AND user_id = ? AND device = ?;

-- name: signature
SELECT sealed, mac FROM key_signature
WHERE ub = ? AND user_id = ? AND signer = ? AND target = ? AND key_id = ?;

-- name: put_signature
INSERT INTO key_signature (ub, user_id, signer, target, key_id, sealed, mac)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (ub, user_id, signer, target, key_id) DO UPDATE SET
  sealed = excluded.sealed, mac = excluded.mac;

-- name: signatures
SELECT user_id, target, key_id, sealed, mac FROM key_signature
WHERE ub = ? AND user_id = ? AND signer = ? ORDER BY target, key_id;

-- name: drop_signatures_on
DELETE FROM key_signature WHERE ub = ? AND user_id = ? AND target = ?;

-- name: drop_device_key
DELETE FROM device_key WHERE ub = ? AND user_id = ? AND device = ?;

-- name: drop_one_time_keys
DELETE FROM one_time_key WHERE ub = ? AND user_id = ? AND device = ?;

-- name: drop_fallback_keys
DELETE FROM fallback_key WHERE ub = ? AND user_id = ? AND device = ?;
