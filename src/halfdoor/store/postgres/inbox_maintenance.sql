-- Over all buckets: the daily sweep of inboxes; no request calls these (SCALE §2).

-- name: people
SELECT ub, u, noted_day, noted_pos, pos FROM ustream
WHERE (ub, u) > ($1::smallint, $2::int) AND noted_day <= $3
ORDER BY ub, u LIMIT $4;

-- name: old_rows
SELECT inbox.pos FROM inbox
WHERE inbox.ub = $1 AND inbox.u = $2 AND inbox.pos <= $3 AND NOT (inbox.bits > 0 AND EXISTS (
  SELECT 1 FROM umember WHERE umember.ub = inbox.ub AND umember.u = inbox.u
    AND umember.k = inbox.k AND inbox.seq > umember.read_seq AND inbox.pos > umember.read_pos))
ORDER BY inbox.pos LIMIT $4;

-- name: drop_row
DELETE FROM inbox WHERE ub = $1 AND u = $2 AND pos = $3;

-- name: note
UPDATE ustream SET noted_day = $1, noted_pos = $2 WHERE ub = $3 AND u = $4;

-- name: drop_up_to
UPDATE ustream SET dropped = greatest(dropped, $1) WHERE ub = $2 AND u = $3;
