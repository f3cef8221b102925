-- name: inbox
SELECT inbox.pos, inbox.kind, coalesce(inbox.subject, umember.conv_id), inbox.seq, inbox.bits
FROM inbox LEFT JOIN umember
  ON umember.ub = inbox.ub AND umember.u = inbox.u AND umember.k = inbox.k
WHERE inbox.ub = $1 AND inbox.u = (SELECT u FROM ustream WHERE ub = $1 AND user_id = $2)
  AND inbox.pos > $3
ORDER BY inbox.pos LIMIT $4;

-- name: places
SELECT conv_id, membership, since_seq, last_pos, read_seq, notify, highlight, forgotten, mac
FROM umember
WHERE ub = $1 AND u = (SELECT u FROM ustream WHERE ub = $1 AND user_id = $2)
  AND membership != '' AND NOT forgotten
ORDER BY k;

-- name: place
SELECT conv_id, membership, since_seq, last_pos, read_seq, notify, highlight, forgotten, mac
FROM umember
WHERE ub = $1 AND u = (SELECT u FROM ustream WHERE ub = $1 AND user_id = $2)
  AND conv_id = $3 AND membership != '';

-- name: forget
UPDATE umember SET forgotten = true
WHERE ub = $1 AND u = $2 AND conv_id = $3 AND membership IN ('leave', 'ban');

-- name: reading
SELECT k, last_pos, read_seq, read_pos FROM umember WHERE ub = $1 AND u = $2 AND conv_id = $3;

-- name: last_read
SELECT coalesce(max(pos), 0) FROM inbox
WHERE ub = $1 AND u = $2 AND pos > $3 AND k = $4 AND kind = 0 AND seq <= $5;

-- name: unread
SELECT coalesce(sum(bits & 1), 0)::int, coalesce(sum((bits & 2) / 2), 0)::int FROM inbox
WHERE ub = $1 AND u = $2 AND pos > $3 AND k = $4 AND bits > 0 AND seq > $5;

-- name: set_read
UPDATE umember SET last_pos = $4, read_seq = $5, read_pos = $6, notify = $7, highlight = $8
WHERE ub = $1 AND u = $2 AND conv_id = $3;

-- name: touch
UPDATE umember SET last_pos = $4 WHERE ub = $1 AND u = $2 AND conv_id = $3;

-- name: horizon
SELECT dropped FROM ustream WHERE ub = $1 AND user_id = $2;
