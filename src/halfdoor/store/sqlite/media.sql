-- What is known of files, in the bucket of whoever uploaded them. State 3 is that of files that are
-- being deleted: nobody is shown one.

-- name: erased
SELECT 1 FROM erased WHERE ub = ? AND name = ?;

-- name: one
SELECT media_id, user_id, created, state, size, opaque, named, blob, stored, digest, sealed
FROM media WHERE ub = ? AND media_id = ? AND state != 3;

-- name: insert
INSERT INTO media (ub, media_id, user_id, created, state, used, size, opaque, named, stored)
VALUES (?, ?, ?, ?, 0, ?, 0, 0, 0, 0) ON CONFLICT DO NOTHING RETURNING 1;

-- name: begin
UPDATE media SET state = 1, blob = ?, size = ?, used = ?
WHERE ub = ? AND media_id = ? AND state = 0 RETURNING 1;

-- name: complete
UPDATE media SET state = 2, size = ?, stored = ?, digest = ?, opaque = ?, sealed = ?
WHERE ub = ? AND media_id = ? AND user_id = ? AND state = 1 RETURNING 1;

-- name: reset
UPDATE media SET state = 0, blob = NULL, size = 0 WHERE ub = ? AND media_id = ? AND state = 1;

-- name: set_doomed
UPDATE media SET state = 3 WHERE ub = ? AND media_id = ?;

-- name: delete
DELETE FROM media WHERE ub = ? AND media_id = ?;

-- name: recent
SELECT media_id, user_id, created, state, size, opaque, named, blob, stored, digest, sealed
FROM media WHERE ub = ? AND user_id = ? AND created > ? AND state = 2 AND opaque AND NOT named
ORDER BY created DESC LIMIT ?;

-- name: touch
UPDATE media SET used = max(used, ?), named = (named OR ?)
WHERE ub = ? AND media_id = ? AND state = 2 RETURNING 1;

-- name: put_use
INSERT INTO media_use (ub, media_id, conv_id, used) VALUES (?, ?, ?, ?)
ON CONFLICT (ub, media_id, conv_id) DO UPDATE SET used = max(used, excluded.used);

-- name: uses
SELECT conv_id, used FROM media_use WHERE ub = ? AND media_id = ? ORDER BY conv_id;

-- name: delete_use
DELETE FROM media_use WHERE ub = ? AND media_id = ? AND conv_id = ? AND used = ?;

-- name: delete_uses
DELETE FROM media_use WHERE ub = ? AND media_id = ?;

-- name: delete_doomed
DELETE FROM media WHERE ub = ? AND media_id = ? AND state = 3;

-- name: doom
UPDATE media SET state = 3 WHERE ub = ? AND media_id = ? AND state = ? AND used = ?
RETURNING user_id, size;

-- name: of_owner
SELECT media_id, user_id, sealed, state FROM media
WHERE ub = ? AND user_id = ? ORDER BY created LIMIT ?;

-- name: orphan
UPDATE media SET user_id = ?, state = ?, sealed = ?, used = -1 WHERE ub = ? AND media_id = ?;

-- name: open_usage
INSERT INTO media_usage (ub, user_id, bytes, files, reserved) VALUES (?, ?, 0, 0, 0)
ON CONFLICT DO NOTHING;

-- name: usage
SELECT bytes, files, reserved FROM media_usage WHERE ub = ? AND user_id = ?;

-- name: take_reserved
UPDATE media_usage SET reserved = reserved + 1
WHERE ub = ? AND user_id = ? AND reserved < ? RETURNING 1;

-- name: take_file
UPDATE media_usage SET reserved = reserved - 1, files = files + 1, bytes = bytes + ?
WHERE ub = ? AND user_id = ? AND files < ? AND bytes + ? <= ? RETURNING 1;

-- name: settle
UPDATE media_usage SET bytes = bytes + ?
WHERE ub = ? AND user_id = ? AND (? <= 0 OR bytes + ? <= ?) RETURNING 1;

-- name: give_back
UPDATE media_usage SET bytes = bytes - ?, files = files - ?, reserved = reserved + ?
WHERE ub = ? AND user_id = ?;

-- name: drop_usage
DELETE FROM media_usage WHERE ub = ? AND user_id = ?;

-- name: mark_shown
UPDATE media SET used = used + 1
WHERE ub = ? AND media_id = ? AND user_id = ? AND state = 2 RETURNING 1;

-- name: put_avatar
INSERT INTO avatar (ub, user_id, media_id, sealed) VALUES (?, ?, ?, ?)
ON CONFLICT (ub, user_id) DO UPDATE SET media_id = excluded.media_id, sealed = excluded.sealed;

-- name: drop_avatar
DELETE FROM avatar WHERE ub = ? AND user_id = ?;

-- name: avatar_of
SELECT user_id, sealed FROM avatar WHERE ub = ? AND media_id = ?;

-- name: insert_case
INSERT INTO case_blob (ub, case_id, blob, state, made, stored, sealed) VALUES (?, ?, ?, 0, ?, 0, ?);

-- name: whole_case
UPDATE case_blob SET state = 1, stored = ?, digest = ?
WHERE ub = ? AND case_id = ? AND blob = ? AND state = 0 RETURNING 1;

-- name: cases
SELECT blob, stored, digest, sealed FROM case_blob
WHERE ub = ? AND case_id = ? AND state = 1 ORDER BY made, blob;

-- name: release_case
UPDATE case_blob SET state = 2 WHERE ub = ? AND case_id = ?;

-- name: delete_case
DELETE FROM case_blob WHERE ub = ? AND case_id = ? AND blob = ?;

-- name: case
SELECT 1 FROM desk_case WHERE ub = ? AND id = ?;

-- name: conversation
SELECT c, begins FROM conv WHERE cb = ? AND conv_id = ?;

-- name: wraps
SELECT media_wrap.epoch, media_wrap.seq, media_wrap.media_id, media_wrap.sealed,
  event.event_id, event.sealed
FROM media_wrap JOIN event
  ON event.cb = media_wrap.cb AND event.c = media_wrap.c AND event.seq = media_wrap.seq
WHERE media_wrap.cb = ? AND media_wrap.c = ? AND media_wrap.media_id = ?
  AND (media_wrap.seq >= ? OR event.state)
ORDER BY media_wrap.seq DESC;

-- name: wraps_of
SELECT media_wrap.epoch, media_wrap.seq, media_wrap.media_id, media_wrap.sealed,
  event.event_id, event.sealed
FROM event JOIN media_wrap
  ON media_wrap.cb = event.cb AND media_wrap.c = event.c AND media_wrap.seq = event.seq
WHERE event.cb = ? AND event.c = ? AND event.event_id = ? ORDER BY media_wrap.media_id;

-- name: wraps_in
SELECT media_wrap.epoch, media_wrap.seq, media_wrap.media_id, media_wrap.sealed,
  event.event_id, event.sealed
FROM media_wrap JOIN event
  ON event.cb = media_wrap.cb AND event.c = media_wrap.c AND event.seq = media_wrap.seq
WHERE media_wrap.cb = ? AND media_wrap.c = ? AND media_wrap.media_id = ? AND media_wrap.epoch = ?;

-- name: a_wrap
SELECT 1 FROM media_wrap WHERE cb = ? AND c = ? AND media_id = ? LIMIT 1;
