-- Over all buckets: the daily sweep of inboxes; no request calls these (SCALE §2).

-- name: people
SELECT ustream.ub, ustream.u, ustream.noted_day, ustream.noted_pos,
  (SELECT coalesce(max(inbox.pos), 0) FROM inbox
   WHERE inbox.ub = ustream.ub AND inbox.u = ustream.u)
FROM ustream WHERE (ustream.ub, ustream.u) > (?, ?) AND ustream.noted_day <= ?
ORDER BY ustream.ub, ustream.u LIMIT ?;

-- name: old_rows
SELECT inbox.pos FROM inbox
WHERE inbox.ub = ? AND inbox.u = ? AND inbox.pos <= ? AND NOT (inbox.bits > 0 AND EXISTS (
  SELECT 1 FROM umember WHERE umember.ub = inbox.ub AND umember.u = inbox.u
    AND umember.k = inbox.k AND inbox.seq > umember.read_seq AND inbox.pos > umember.read_pos))
ORDER BY inbox.pos LIMIT ?;

-- name: drop_row
DELETE FROM inbox WHERE ub = ? AND u = ? AND pos = ?;

-- name: note
UPDATE ustream SET noted_day = ?, noted_pos = ? WHERE ub = ? AND u = ?;

-- name: drop_up_to
UPDATE ustream SET dropped = max(dropped, ?) WHERE ub = ? AND u = ?;
