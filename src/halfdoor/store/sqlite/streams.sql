-- name: person
SELECT u, floor FROM ustream WHERE ub = ? AND user_id = ?;

-- name: newest_number
SELECT coalesce(max(u), 0) FROM ustream WHERE ub = ?;

-- name: insert_person
INSERT INTO ustream (ub, u, user_id, floor) VALUES (?, ?, ?, 0);

-- name: newest_row
SELECT coalesce(max(pos), 0) FROM inbox WHERE ub = ? AND u = ?;

-- name: insert_inbox
INSERT INTO inbox (ub, u, pos, kind, k, seq, bits, subject) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: place
SELECT k, cursor FROM umember WHERE ub = ? AND u = ? AND conv_id = ?;

-- name: newest_place
SELECT coalesce(max(k), 0) FROM umember WHERE ub = ? AND u = ?;

-- name: insert_place
INSERT INTO umember (ub, u, k, conv_id, membership, since_seq, last_pos, read_seq, read_pos,
                     notify, highlight, forgotten, cursor, mac)
VALUES (?, ?, ?, ?, ?, 0, 0, 0, 0, 0, 0, 0, 0, ?);

-- name: membership
SELECT membership, since_seq, mac FROM umember WHERE ub = ? AND u = ? AND k = ?;

-- name: set_membership
UPDATE umember SET membership = ?, since_seq = ?, mac = ?, forgotten = 0
WHERE ub = ? AND u = ? AND k = ?;

-- name: clear_unread
UPDATE umember SET notify = 0, highlight = 0 WHERE ub = ? AND u = ? AND k = ?;

-- name: tell_place
UPDATE umember SET last_pos = ?, notify = notify * ? + ?, highlight = highlight * ? + ?,
                   read_seq = max(read_seq, ?), read_pos = max(read_pos, ?), cursor = ?
WHERE ub = ? AND u = ? AND k = ?;

-- name: hear
UPDATE umember SET cursor = ? WHERE ub = ? AND u = ? AND k = ?;
