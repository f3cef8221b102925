-- name: account
SELECT sealed, mac FROM account WHERE ub = ? AND user_id = ?;

-- name: insert_account
INSERT INTO account (ub, user_id, revision, sealed, mac) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING;

-- name: update_account
UPDATE account SET revision = ?, sealed = ?, mac = ?
WHERE ub = ? AND user_id = ? AND revision = ?;

-- name: login
SELECT sealed, mac FROM login WHERE ub = ? AND user_id = ?;

-- name: put_login
INSERT INTO login (ub, user_id, sealed, mac) VALUES (?, ?, ?, ?)
ON CONFLICT (ub, user_id) DO UPDATE SET sealed = excluded.sealed, mac = excluded.mac;

-- name: person
SELECT sealed, mac FROM person WHERE ub = ? AND user_id = ?;

-- name: put_person
INSERT INTO person (ub, user_id, sealed, mac) VALUES (?, ?, ?, ?)
ON CONFLICT (ub, user_id) DO UPDATE SET sealed = excluded.sealed, mac = excluded.mac;

-- name: profile
SELECT sealed, mac FROM profile WHERE ub = ? AND user_id = ?;

-- name: put_profile
INSERT INTO profile (ub, user_id, sealed, mac) VALUES (?, ?, ?, ?)
ON CONFLICT (ub, user_id) DO UPDATE SET sealed = excluded.sealed, mac = excluded.mac;

-- name: drop_login
DELETE FROM login WHERE ub = ? AND user_id = ?;

-- name: slot
SELECT name, sealed, mac FROM slot WHERE ub = ? AND user_id = ?;

-- name: put_slot
INSERT INTO slot (ub, user_id, name, sealed, mac) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (ub, user_id, name) DO UPDATE SET sealed = excluded.sealed, mac = excluded.mac;

-- name: drop_slot
DELETE FROM slot WHERE ub = ? AND user_id = ? AND name = ?;

-- name: session
SELECT session, sealed, mac FROM session WHERE ub = ? AND user_id = ?;

-- name: put_session
INSERT INTO session (ub, user_id, session, sealed, mac) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (ub, user_id, session) DO UPDATE SET sealed = excluded.sealed, mac = excluded.mac;

-- name: drop_session
DELETE FROM session WHERE ub = ? AND user_id = ? AND session = ?;

-- name: device
SELECT device, sealed, mac FROM device WHERE ub = ? AND user_id = ?;

-- name: put_device
INSERT INTO device (ub, user_id, device, sealed, mac) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (ub, user_id, device) DO UPDATE SET sealed = excluded.sealed, mac = excluded.mac;

-- name: drop_todev_of
DELETE FROM todev WHERE ub = ? AND user_id = ? AND device = ?;

-- name: drop_device
DELETE FROM device WHERE ub = ? AND user_id = ? AND device = ?;

-- name: drop_device_key
DELETE FROM device_key WHERE ub = ? AND user_id = ? AND device = ?;

-- name: drop_one_time_keys_of
DELETE FROM one_time_key WHERE ub = ? AND user_id = ? AND device = ?;

-- name: drop_fallback_keys_of
DELETE FROM fallback_key WHERE ub = ? AND user_id = ? AND device = ?;

-- name: drop_signatures_on
DELETE FROM key_signature WHERE ub = ? AND user_id = ? AND target = ?;

-- name: drop_cross_keys
DELETE FROM cross_key WHERE ub = ? AND user_id = ?;

-- name: drop_signatures
DELETE FROM key_signature WHERE ub = ? AND user_id = ?;

-- name: pending
SELECT session, sealed, mac FROM pending WHERE ub = ? AND user_id = ?;

-- name: put_pending
INSERT INTO pending (ub, user_id, session, sealed, mac) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (ub, user_id, session) DO UPDATE SET sealed = excluded.sealed, mac = excluded.mac;

-- name: drop_key_backups
DELETE FROM key_backup WHERE ub = ? AND user_id = ?;

-- name: drop_backed_up_keys
DELETE FROM key_backup_key WHERE ub = ? AND user_id = ?;

-- name: drop_pending
DELETE FROM pending WHERE ub = ? AND user_id = ? AND session = ?;

-- name: connection
SELECT peer, sealed, mac FROM connection WHERE ub = ? AND user_id = ?;

-- name: put_connection
INSERT INTO connection (ub, user_id, peer, sealed, mac) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (ub, user_id, peer) DO UPDATE SET sealed = excluded.sealed, mac = excluded.mac;

-- name: drop_connection
DELETE FROM connection WHERE ub = ? AND user_id = ? AND peer = ?;

-- name: block
SELECT peer, sealed, mac FROM block WHERE ub = ? AND user_id = ?;

-- name: put_block
INSERT INTO block (ub, user_id, peer, sealed, mac) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (ub, user_id, peer) DO UPDATE SET sealed = excluded.sealed, mac = excluded.mac;

-- name: drop_block
DELETE FROM block WHERE ub = ? AND user_id = ? AND peer = ?;

-- name: one_session
SELECT sealed, mac FROM session WHERE ub = ? AND user_id = ? AND session = ?;

-- name: one_device
SELECT sealed, mac FROM device WHERE ub = ? AND user_id = ? AND device = ?;

-- name: token
SELECT lookup, sealed, mac FROM token WHERE ub = ? AND user_id = ?;

-- name: owner
SELECT user_id FROM token WHERE ub = ? AND lookup = ?;

-- name: put_token
INSERT INTO token (ub, lookup, user_id, session, expires, sealed, mac)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (ub, lookup) DO UPDATE
SET expires = excluded.expires, sealed = excluded.sealed, mac = excluded.mac;

-- name: drop_token
DELETE FROM token WHERE ub = ? AND lookup = ?;

-- name: drop_tokens_of
DELETE FROM token WHERE ub = ? AND user_id = ? AND session = ?;

-- name: former_key
SELECT kid, sealed, mac FROM former_key WHERE ub = ? AND user_id = ?;

-- name: put_former_key
INSERT INTO former_key (ub, user_id, kid, until, sealed, mac) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (ub, user_id, kid) DO UPDATE
SET until = excluded.until, sealed = excluded.sealed, mac = excluded.mac;

-- name: drop_former_key
DELETE FROM former_key WHERE ub = ? AND user_id = ? AND kid = ?;

-- name: start_over
SELECT sealed, mac FROM start_over WHERE ub = ? AND user_id = ?;

-- name: put_start_over
INSERT INTO start_over (ub, user_id, session, sealed, mac) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (ub, user_id) DO UPDATE
SET session = excluded.session, sealed = excluded.sealed, mac = excluded.mac;

-- name: drop_start_over
DELETE FROM start_over WHERE ub = ? AND user_id = ?;

-- name: drop_start_over_of
DELETE FROM start_over WHERE ub = ? AND user_id = ? AND session = ?;

-- name: login_token
SELECT sealed, mac FROM login_token WHERE ub = ? AND lookup = ?;

-- name: put_login_token
INSERT INTO login_token (ub, lookup, expires, sealed, mac) VALUES (?, ?, ?, ?, ?);

-- name: drop_login_token
DELETE FROM login_token WHERE ub = ? AND lookup = ?;

-- name: old_login_tokens
DELETE FROM login_token WHERE ub = ? AND expires < ?;
