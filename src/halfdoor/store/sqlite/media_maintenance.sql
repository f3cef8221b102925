-- Sweeps over all files without a bucket; no request calls them (SCALE §2).

-- name: next_media
SELECT ub, media_id, state, used, created, blob FROM media
WHERE (ub, media_id) > (?, ?) AND (state != 2 OR used < ?) ORDER BY ub, media_id LIMIT ?;

-- name: next_case
SELECT ub, case_id, blob, state, made FROM case_blob
WHERE (ub, case_id, blob) > (?, ?, ?) ORDER BY ub, case_id, blob LIMIT ?;

-- name: next_file
SELECT ub, media_id, blob, stored, digest FROM media
WHERE (ub, media_id) > (?, ?) AND state = 2 ORDER BY ub, media_id LIMIT ?;

-- name: next_copy
SELECT ub, case_id, blob, stored, digest FROM case_blob
WHERE (ub, case_id, blob) > (?, ?, ?) AND state = 1 ORDER BY ub, case_id, blob LIMIT ?;

-- name: blob_of
SELECT blob FROM media WHERE ub = ? AND media_id = ?;

-- name: copies_named
SELECT blob FROM case_blob WHERE blob = ?;

-- name: under_months
SELECT ub, media_id, user_id, sealed FROM media
WHERE (ub, media_id) > (?, ?) AND substr(sealed, 1, 2) BETWEEN ? AND ?
ORDER BY ub, media_id LIMIT ?;

-- name: put_under
UPDATE media SET sealed = ? WHERE ub = ? AND media_id = ? AND sealed = ?;
