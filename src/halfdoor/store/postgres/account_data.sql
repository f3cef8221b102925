-- name: after
SELECT room, type, pos, user_sealed, sealed FROM account_data
WHERE ub = $1 AND u = (SELECT u FROM ustream WHERE ub = $1 AND user_id = $2) AND pos > $3
ORDER BY pos;

-- name: one
SELECT room, type, pos, user_sealed, sealed FROM account_data
WHERE ub = $1 AND u = (SELECT u FROM ustream WHERE ub = $1 AND user_id = $2)
  AND room = $3 AND type = $4;

-- name: put
INSERT INTO account_data (ub, u, room, type, pos, user_sealed, sealed)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (ub, u, room, type) DO UPDATE SET
  pos = excluded.pos, user_sealed = excluded.user_sealed, sealed = excluded.sealed;

-- name: put_filter
INSERT INTO filter (ub, u, filter_id, body) VALUES ($1, $2, $3, $4)
ON CONFLICT (ub, u, filter_id) DO NOTHING;

-- name: filter
SELECT body FROM filter
WHERE ub = $1 AND u = (SELECT u FROM ustream WHERE ub = $1 AND user_id = $2) AND filter_id = $3;

-- name: is_there
SELECT 1 FROM account_data WHERE ub = $1 AND u = $2 AND room = $3 AND type = $4;

-- name: counted
SELECT count(*) FROM account_data WHERE ub = $1 AND u = $2 AND type != 'm.fully_read';

-- name: counted_filters
SELECT count(*) FROM filter WHERE ub = $1 AND u = $2 AND filter_id != $3;
