-- Accounts of staff: a few rows in one bucket of their own.

-- name: member
SELECT sealed, mac FROM staff WHERE ub = $1 AND id = $2;

-- name: locked
SELECT sealed, mac FROM staff WHERE ub = $1 AND id = $2 FOR UPDATE;

-- name: begin_member
INSERT INTO staff (ub, id, sealed, mac) VALUES ($1, $2, $3, $4)
ON CONFLICT (ub, id) DO NOTHING;

-- name: members
SELECT id, sealed, mac FROM staff WHERE ub = $1 ORDER BY id;

-- name: put_member
UPDATE staff SET sealed = $3, mac = $4 WHERE ub = $1 AND id = $2;

-- name: passkey
SELECT sealed, mac FROM staff_passkey WHERE ub = $1 AND lookup = $2;

-- name: passkeys
SELECT lookup, sealed, mac FROM staff_passkey WHERE ub = $1 AND staff = $2 ORDER BY lookup;

-- name: put_passkey
INSERT INTO staff_passkey (ub, lookup, staff, sealed, mac) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (ub, lookup) DO UPDATE
SET sealed = excluded.sealed, mac = excluded.mac WHERE staff_passkey.staff = excluded.staff;

-- name: drop_passkey
DELETE FROM staff_passkey WHERE ub = $1 AND lookup = $2;

-- name: token
SELECT sealed, mac FROM staff_token WHERE ub = $1 AND kind = $2 AND lookup = $3;

-- name: tokens
SELECT lookup, sealed, mac FROM staff_token WHERE ub = $1 AND kind = $2 ORDER BY lookup;

-- name: add_token
INSERT INTO staff_token (ub, kind, lookup, staff, expires, sealed, mac)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (ub, kind, lookup) DO NOTHING;

-- name: locked_token
SELECT sealed, mac FROM staff_token WHERE ub = $1 AND kind = $2 AND lookup = $3 FOR UPDATE;

-- name: touch_token
UPDATE staff_token SET sealed = $1, mac = $2 WHERE ub = $3 AND kind = $4 AND lookup = $5;

-- name: drop_token
DELETE FROM staff_token WHERE ub = $1 AND kind = $2 AND lookup = $3;

-- name: end_tokens
DELETE FROM staff_token WHERE ub = $1 AND staff = $2 AND kind = $3;

-- name: sweep_tokens
DELETE FROM staff_token WHERE ub = $1 AND expires < $2;
