-- Backups of session keys, found by person, number of the backup, room and session.

-- name: device
SELECT 1 FROM device WHERE ub = $1 AND user_id = $2 AND device = $3
FOR KEY SHARE;

-- name: versions
SELECT version, etag, keys, size, sealed FROM key_backup
WHERE ub = $1 AND user_id = $2 ORDER BY version;

-- name: locked
SELECT version, etag, keys, size, sealed FROM key_backup
WHERE ub = $1 AND user_id = $2 ORDER BY version
FOR UPDATE;

-- name: insert
INSERT INTO key_backup (ub, user_id, version, etag, keys, size, sealed)
VALUES ($1, $2, $3, 0, 0, 0, $4) ON CONFLICT (ub, user_id, version) DO NOTHING RETURNING version;

-- name: forget
DELETE FROM key_backup
WHERE ub = $1 AND user_id = $2 AND version < $3 AND sealed IS NULL AND keys = 0;

-- name: left
SELECT version FROM key_backup
WHERE ub = $1 AND user_id = $2 AND sealed IS NULL AND keys > 0;

-- name: describe
UPDATE key_backup SET sealed = $1 WHERE ub = $2 AND user_id = $3 AND version = $4;

-- name: close
UPDATE key_backup SET sealed = NULL WHERE ub = $1 AND user_id = $2 AND version = $3;

-- name: count
UPDATE key_backup SET etag = $1, keys = $2, size = $3
WHERE ub = $4 AND user_id = $5 AND version = $6;

-- name: kept
SELECT room, session, sealed FROM key_backup_key
WHERE ub = $1 AND user_id = $2 AND version = $3
  AND (room, session) IN (SELECT * FROM unnest($4::text[], $5::text[]));

-- name: put
INSERT INTO key_backup_key (ub, user_id, version, room, session, sealed)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (ub, user_id, version, room, session) DO UPDATE SET sealed = excluded.sealed;

-- name: page
SELECT room, session, sealed FROM key_backup_key
WHERE ub = $1 AND user_id = $2 AND version = $3 AND (room, session) > ($4, $5)
ORDER BY room, session LIMIT $6;

-- name: page_of_room
SELECT room, session, sealed FROM key_backup_key
WHERE ub = $1 AND user_id = $2 AND version = $3 AND room = $4 AND session > $5
ORDER BY session LIMIT $6;

-- name: one
SELECT room, session, sealed FROM key_backup_key
WHERE ub = $1 AND user_id = $2 AND version = $3 AND room = $4 AND session = $5;

-- name: drop
DELETE FROM key_backup_key
WHERE ub = $1 AND user_id = $2 AND version = $3 AND (room, session) IN
(SELECT room, session FROM key_backup_key WHERE ub = $4 AND user_id = $5 AND version = $6 LIMIT $7)
RETURNING length(sealed);

-- name: drop_of_room
DELETE FROM key_backup_key
WHERE ub = $1 AND user_id = $2 AND version = $3 AND room = $4 AND session IN
(SELECT session FROM key_backup_key
WHERE ub = $5 AND user_id = $6 AND version = $7 AND room = $8 LIMIT $9)
RETURNING length(sealed);

-- name: drop_one
DELETE FROM key_backup_key
WHERE ub = $1 AND user_id = $2 AND version = $3 AND room = $4 AND session = $5
RETURNING length(sealed);
