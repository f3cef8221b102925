-- Accounts of staff: a few rows in one bucket of their own.

-- name: member
SELECT sealed, mac FROM staff WHERE ub = ? AND id = ?;

-- name: members
SELECT id, sealed, mac FROM staff WHERE ub = ? ORDER BY id;

-- name: put_member
INSERT INTO staff (ub, id, sealed, mac) VALUES (?, ?, ?, ?)
ON CONFLICT (ub, id) DO UPDATE SET sealed = excluded.sealed, mac = excluded.mac;

-- name: passkey
SELECT sealed, mac FROM staff_passkey WHERE ub = ? AND lookup = ?;

-- name: passkeys
SELECT lookup, sealed, mac FROM staff_passkey WHERE ub = ? AND staff = ? ORDER BY lookup;

-- name: put_passkey
INSERT INTO staff_passkey (ub, lookup, staff, sealed, mac) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (ub, lookup) DO UPDATE
SET sealed = excluded.sealed, mac = excluded.mac WHERE staff_passkey.staff = excluded.staff;

-- name: drop_passkey
DELETE FROM staff_passkey WHERE ub = ? AND lookup = ?;

-- name: token
SELECT sealed, mac FROM staff_token WHERE ub = ? AND kind = ? AND lookup = ?;

-- name: tokens
SELECT lookup, sealed, mac FROM staff_token WHERE ub = ? AND kind = ? ORDER BY lookup;

-- name: add_token
INSERT INTO staff_token (ub, kind, lookup, staff, expires, sealed, mac)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (ub, kind, lookup) DO NOTHING;

-- name: touch_token
UPDATE staff_token SET sealed = ?, mac = ? WHERE ub = ? AND kind = ? AND lookup = ?;

-- name: drop_token
DELETE FROM staff_token WHERE ub = ? AND kind = ? AND lookup = ?;

-- name: end_tokens
DELETE FROM staff_token WHERE ub = ? AND staff = ? AND kind = ?;

-- name: sweep_tokens
DELETE FROM staff_token WHERE ub = ? AND expires < ?;
