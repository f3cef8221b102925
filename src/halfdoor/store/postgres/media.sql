-- What is known of files, in the bucket of whoever uploaded them. State 3 is that of files that are
-- being deleted: nobody is shown one.

-- name: erased
SELECT 1 FROM erased WHERE ub = $1 AND name = $2;

-- name: one
SELECT media_id, user_id, created, state, size, opaque, named, blob, stored, digest, sealed
FROM media WHERE ub = $1 AND media_id = $2 AND state != 3;

-- name: insert
INSERT INTO media (ub, media_id, user_id, created, state, used, size, opaque, named, stored)
VALUES ($1, $2, $3, $4, 0, $5, 0, false, false, 0) ON CONFLICT DO NOTHING RETURNING 1;

-- name: begin
UPDATE media SET state = 1, blob = $1, size = $2, used = $3
WHERE ub = $4 AND media_id = $5 AND state = 0 RETURNING 1;

-- name: complete
UPDATE media SET state = 2, size = $1, stored = $2, digest = $3, opaque = $4, sealed = $5
WHERE ub = $6 AND media_id = $7 AND user_id = $8 AND state = 1 RETURNING 1;

-- name: reset
UPDATE media SET state = 0, blob = NULL, size = 0 WHERE ub = $1 AND media_id = $2 AND state = 1;

-- name: set_doomed
UPDATE media SET state = 3 WHERE ub = $1 AND media_id = $2;

-- name: delete
DELETE FROM media WHERE ub = $1 AND media_id = $2;

-- name: recent
SELECT media_id, user_id, created, state, size, opaque, named, blob, stored, digest, sealed
FROM media WHERE ub = $1 AND user_id = $2 AND created > $3 AND state = 2 AND opaque AND NOT named
ORDER BY created DESC LIMIT $4;

-- name: touch
UPDATE media SET used = greatest(used, $1), named = (named OR $2)
WHERE ub = $3 AND media_id = $4 AND state = 2 RETURNING 1;

-- name: put_use
INSERT INTO media_use (ub, media_id, conv_id, used) VALUES ($1, $2, $3, $4)
ON CONFLICT (ub, media_id, conv_id) DO UPDATE SET used = greatest(media_use.used, excluded.used);

-- name: uses
SELECT conv_id, used FROM media_use WHERE ub = $1 AND media_id = $2 ORDER BY conv_id;

-- name: delete_use
DELETE FROM media_use WHERE ub = $1 AND media_id = $2 AND conv_id = $3 AND used = $4;

-- name: delete_uses
DELETE FROM media_use WHERE ub = $1 AND media_id = $2;

-- name: delete_doomed
DELETE FROM media WHERE ub = $1 AND media_id = $2 AND state = 3;

-- name: doom
UPDATE media SET state = 3 WHERE ub = $1 AND media_id = $2 AND state = $3 AND used = $4
RETURNING user_id, size;

-- name: of_owner
SELECT media_id, user_id, sealed, state FROM media
WHERE ub = $1 AND user_id = $2 ORDER BY created LIMIT $3;

-- name: orphan
UPDATE media SET user_id = $1, state = $2, sealed = $3, used = -1 WHERE ub = $4 AND media_id = $5;

-- name: open_usage
INSERT INTO media_usage (ub, user_id, bytes, files, reserved) VALUES ($1, $2, 0, 0, 0)
ON CONFLICT DO NOTHING;

-- name: usage
SELECT bytes, files, reserved FROM media_usage WHERE ub = $1 AND user_id = $2;

-- name: take_reserved
UPDATE media_usage SET reserved = reserved + 1
WHERE ub = $1 AND user_id = $2 AND reserved < $3 RETURNING 1;

-- name: take_file
UPDATE media_usage SET reserved = reserved - 1, files = files + 1, bytes = bytes + $1
WHERE ub = $2 AND user_id = $3 AND files < $4 AND bytes + $5 <= $6 RETURNING 1;

-- name: settle
UPDATE media_usage SET bytes = bytes + $1
WHERE ub = $2 AND user_id = $3 AND ($4::bigint <= 0 OR bytes + $5 <= $6) RETURNING 1;

-- name: give_back
UPDATE media_usage SET bytes = bytes - $1, files = files - $2, reserved = reserved + $3
WHERE ub = $4 AND user_id = $5;

-- name: drop_usage
DELETE FROM media_usage WHERE ub = $1 AND user_id = $2;

-- name: mark_shown
UPDATE media SET used = used + 1
WHERE ub = $1 AND media_id = $2 AND user_id = $3 AND state = 2 RETURNING 1;

-- name: put_avatar
INSERT INTO avatar (ub, user_id, media_id, sealed) VALUES ($1, $2, $3, $4)
ON CONFLICT (ub, user_id) DO UPDATE SET media_id = excluded.media_id, sealed = excluded.sealed;

-- name: drop_avatar
DELETE FROM avatar WHERE ub = $1 AND user_id = $2;

-- name: avatar_of
SELECT user_id, sealed FROM avatar WHERE ub = $1 AND media_id = $2;

-- name: insert_case
INSERT INTO case_blob (ub, case_id, blob, state, made, stored, sealed) VALUES ($1, $2, $3, 0, $4, 0, $5);

-- name: whole_case
UPDATE case_blob SET state = 1, stored = $1, digest = $2
WHERE ub = $3 AND case_id = $4 AND blob = $5 AND state = 0 RETURNING 1;

-- name: cases
SELECT blob, stored, digest, sealed FROM case_blob
WHERE ub = $1 AND case_id = $2 AND state = 1 ORDER BY made, blob;

-- name: release_case
UPDATE case_blob SET state = 2 WHERE ub = $1 AND case_id = $2;

-- name: delete_case
DELETE FROM case_blob WHERE ub = $1 AND case_id = $2 AND blob = $3;

-- name: case
SELECT 1 FROM desk_case WHERE ub = $1 AND id = $2;

-- name: conversation
SELECT c, begins FROM conv WHERE cb = $1 AND conv_id = $2;

-- name: wraps
SELECT media_wrap.epoch, media_wrap.seq, media_wrap.media_id, media_wrap.sealed,
  event.event_id, event.sealed
FROM media_wrap JOIN event
  ON event.cb = media_wrap.cb AND event.c = media_wrap.c AND event.seq = media_wrap.seq
WHERE media_wrap.cb = $1 AND media_wrap.c = $2 AND media_wrap.media_id = $3
  AND (media_wrap.seq >= $4 OR event.state)
ORDER BY media_wrap.seq DESC;

-- name: wraps_of
SELECT media_wrap.epoch, media_wrap.seq, media_wrap.media_id, media_wrap.sealed,
  event.event_id, event.sealed
FROM event JOIN media_wrap
  ON media_wrap.cb = event.cb AND media_wrap.c = event.c AND media_wrap.seq = event.seq
WHERE event.cb = $1 AND event.c = $2 AND event.event_id = $3 ORDER BY media_wrap.media_id;

-- name: wraps_in
SELECT media_wrap.epoch, media_wrap.seq, media_wrap.media_id, media_wrap.sealed,
  event.event_id, event.sealed
FROM media_wrap JOIN event
  ON event.cb = media_wrap.cb AND event.c = media_wrap.c AND event.seq = media_wrap.seq
WHERE media_wrap.cb = $1 AND media_wrap.c = $2 AND media_wrap.media_id = $3 AND media_wrap.epoch = $4;

-- name: a_wrap
SELECT 1 FROM media_wrap WHERE cb = $1 AND c = $2 AND media_id = $3 LIMIT 1;
