-- name: after
SELECT room, type, pos, user_sealed, sealed FROM account_data
WHERE ub = ? AND u = ? AND pos > ? ORDER BY pos;

-- name: one
SELECT room, type, pos, user_sealed, sealed FROM account_data
WHERE ub = ? AND u = ? AND room = ? AND type = ?;

-- name: put
INSERT INTO account_data (ub, u, room, type, pos, user_sealed, sealed) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (ub, u, room, type) DO UPDATE SET
  pos = excluded.pos, user_sealed = excluded.user_sealed, sealed = excluded.sealed;

-- name: put_filter
INSERT INTO filter (ub, u, filter_id, body) VALUES (?, ?, ?, ?)
ON CONFLICT (ub, u, filter_id) DO NOTHING;

-- name: filter
SELECT body FROM filter WHERE ub = ? AND u = ? AND filter_id = ?;

-- name: is_there
SELECT 1 FROM account_data WHERE ub = ? AND u = ? AND room = ? AND type = ?;

-- name: counted
SELECT count(*) FROM account_data WHERE ub = ? AND u = ? AND type != 'm.fully_read';

-- name: counted_filters
SELECT count(*) FROM filter WHERE ub = ? AND u = ? AND filter_id != ?;
