-- Backups of session keys, found by person, number of the backup, room and session.

-- name: device
SELECT 1 FROM device WHERE ub = ? AND user_id = ? AND device = ?;

-- name: versions
SELECT version, etag, keys, size, sealed FROM key_backup
WHERE ub = ? AND user_id = ? ORDER BY version;

-- name: locked
SELECT version, etag, keys, size, sealed FROM key_backup
WHERE ub = ? AND user_id = ? ORDER BY version;

-- name: insert
INSERT INTO key_backup (ub, user_id, version, etag, keys, size, sealed)
VALUES (?, ?, ?, 0, 0, 0, ?) ON CONFLICT (ub, user_id, version) DO NOTHING RETURNING version;

-- name: forget
DELETE FROM key_backup
WHERE ub = ? AND user_id = ? AND version < ? AND sealed IS NULL AND keys = 0;

-- name: left
SELECT version FROM key_backup
WHERE ub = ? AND user_id = ? AND sealed IS NULL AND keys > 0;

-- name: describe
UPDATE key_backup SET sealed = ? WHERE ub = ? AND user_id = ? AND version = ?;

-- name: close
UPDATE key_backup SET sealed = NULL WHERE ub = ? AND user_id = ? AND version = ?;

-- name: count
UPDATE key_backup SET etag = ?, keys = ?, size = ?
WHERE ub = ? AND user_id = ? AND version = ?;

-- name: kept
SELECT room, session, sealed FROM key_backup_key
WHERE ub = ? AND user_id = ? AND version = ?
  AND (room, session) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?));

-- name: put
INSERT INTO key_backup_key (ub, user_id, version, room, session, sealed)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (ub, user_id, version, room, session) DO UPDATE SET sealed = excluded.sealed;

-- name: page
SELECT room, session, sealed FROM key_backup_key
WHERE ub = ? AND user_id = ? AND version = ? AND (room, session) > (?, ?)
ORDER BY room, session LIMIT ?;

-- name: page_of_room
SELECT room, session, sealed FROM key_backup_key
WHERE ub = ? AND user_id = ? AND version = ? AND room = ? AND session > ?
ORDER BY session LIMIT ?;

-- name: one
SELECT room, session, sealed FROM key_backup_key
WHERE ub = ? AND user_id = ? AND version = ? AND room = ? AND session = ?;

-- name: drop
DELETE FROM key_backup_key
WHERE ub = ? AND user_id = ? AND version = ? AND (room, session) IN
(SELECT room, session FROM key_backup_key WHERE ub = ? AND user_id = ? AND version = ? LIMIT ?)
RETURNING length(sealed);

-- name: drop_of_room
DELETE FROM key_backup_key
WHERE ub = ? AND user_id = ? AND version = ? AND room = ? AND session IN
(SELECT session FROM key_backup_key
WHERE ub = ? AND user_id = ? AND version = ? AND room = ? LIMIT ?)
RETURNING length(sealed);

-- name: drop_one
DELETE FROM key_backup_key
WHERE ub = ? AND user_id = ? AND version = ? AND room = ? AND session = ?
RETURNING length(sealed);
