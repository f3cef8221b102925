-- Sweeps over all files without a bucket; no request calls them (SCALE §2).

-- name: next_media
SELECT ub, media_id, state, used, created, blob FROM media
WHERE (ub, media_id) > ($1, $2) AND (state != 2 OR used < $3) ORDER BY ub, media_id LIMIT $4;

-- name: next_case
SELECT ub, case_id, blob, state, made FROM case_blob
WHERE (ub, case_id, blob) > ($1, $2, $3) ORDER BY ub, case_id, blob LIMIT $4;

-- name: next_file
SELECT ub, media_id, blob, stored, digest FROM media
WHERE (ub, media_id) > ($1, $2) AND state = 2 ORDER BY ub, media_id LIMIT $3;

-- name: next_copy
SELECT ub, case_id, blob, stored, digest FROM case_blob
WHERE (ub, case_id, blob) > ($1, $2, $3) AND state = 1 ORDER BY ub, case_id, blob LIMIT $4;

-- name: blob_of
SELECT blob FROM media WHERE ub = $1 AND media_id = $2;

-- name: copies_named
SELECT blob FROM case_blob WHERE blob = $1;

-- name: under_months
SELECT ub, media_id, user_id, sealed FROM media
WHERE (ub, media_id) > ($1, $2) AND substring(sealed FROM 1 FOR 2) BETWEEN $3 AND $4
ORDER BY ub, media_id LIMIT $5;

-- name: put_under
UPDATE media SET sealed = $1 WHERE ub = $2 AND media_id = $3 AND sealed = $4;
