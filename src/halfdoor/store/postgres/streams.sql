-- name: bump
UPDATE ustream SET pos = CASE WHEN $4::bigint = 0 THEN pos ELSE greatest(pos, $3) + $4 END
WHERE ub = $1 AND user_id = $2
RETURNING user_id, ub, u, pos, version;

-- name: change
UPDATE ustream SET version = version + 1 WHERE ub = $1 AND user_id = $2 RETURNING user_id;

-- name: standing
SELECT user_id, pos, version FROM ustream WHERE ub = $1 AND user_id = $2;

-- name: newest_number
SELECT coalesce(max(u), 0) FROM ustream WHERE ub = $1;

-- name: begin
INSERT INTO ustream (ub, u, user_id, pos) VALUES ($1, $2, $3, 0) ON CONFLICT DO NOTHING;

-- name: read
SELECT ub, u, pos, version FROM ustream WHERE ub = $1 AND user_id = $2;

-- name: places
SELECT ub, u, conv_id, k, cursor, membership, since_seq, mac FROM umember
WHERE ub = $1 AND u = $2 AND conv_id = $3;

-- name: newest_place
SELECT coalesce(max(k), 0) FROM umember WHERE ub = $1 AND u = $2;

-- name: insert_place
INSERT INTO umember (ub, u, k, conv_id, membership, since_seq, last_pos, read_seq, read_pos,
                     notify, highlight, forgotten, cursor, mac)
VALUES ($1, $2, $3, $4, '', 0, 0, 0, 0, 0, 0, false, 0, $5);

-- name: set_membership
UPDATE umember SET membership = $4, since_seq = $5, mac = $6, forgotten = false
WHERE ub = $1 AND u = $2 AND conv_id = $3;

-- name: tell_place
UPDATE umember SET last_pos = greatest(last_pos, $4), notify = notify * $5 + $6,
                   highlight = highlight * $7 + $8, read_seq = greatest(read_seq, $9),
                   read_pos = greatest(read_pos, $10), cursor = greatest(cursor, $11)
WHERE ub = $1 AND u = $2 AND conv_id = $3
RETURNING ub, u, conv_id, k;
