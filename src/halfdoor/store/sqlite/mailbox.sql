-- name: number
SELECT u FROM ustream WHERE ub = ? AND user_id = ?;

-- name: inbox
SELECT inbox.pos, inbox.kind, coalesce(inbox.subject, umember.conv_id), inbox.seq, inbox.bits
FROM inbox LEFT JOIN umember
  ON umember.ub = inbox.ub AND umember.u = inbox.u AND umember.k = inbox.k
WHERE inbox.ub = ? AND inbox.u = ? AND inbox.pos > ? ORDER BY inbox.pos LIMIT ?;

-- name: places
SELECT conv_id, membership, since_seq, last_pos, read_seq, notify, highlight, forgotten, mac
FROM umember WHERE ub = ? AND u = ? AND membership != '' AND forgotten = 0 ORDER BY k;

-- name: place
SELECT conv_id, membership, since_seq, last_pos, read_seq, notify, highlight, forgotten, mac
FROM umember WHERE ub = ? AND u = ? AND conv_id = ? AND membership != '';

-- name: forget
UPDATE umember SET forgotten = 1
WHERE ub = ? AND u = ? AND k = ? AND membership IN ('leave', 'ban');

-- name: reading
SELECT last_pos, read_seq, read_pos FROM umember WHERE ub = ? AND u = ? AND k = ?;

-- name: last_read
SELECT coalesce(max(pos), 0) FROM inbox
WHERE ub = ? AND u = ? AND pos > ? AND k = ? AND kind = 0 AND seq <= ?;

-- name: unread
SELECT coalesce(sum(bits & 1), 0), coalesce(sum((bits & 2) / 2), 0) FROM inbox
WHERE ub = ? AND u = ? AND pos > ? AND k = ? AND bits > 0 AND seq > ?;

-- name: set_read
UPDATE umember SET last_pos = ?, read_seq = ?, read_pos = ?, notify = ?, highlight = ?
WHERE ub = ? AND u = ? AND k = ?;

-- name: touch
UPDATE umember SET last_pos = ? WHERE ub = ? AND u = ? AND k = ?;

-- name: horizon
SELECT dropped FROM ustream WHERE ub = ? AND u = ?;
