-- All rows of an account are read by one statement, so that they are of one moment.

-- name: account
SELECT user_id, sealed, mac FROM account WHERE ub = $1 AND user_id = $2;

-- name: state
SELECT 'account' AS kind, user_id, '' AS name, NULL::bytea AS lookup, sealed, mac FROM account
WHERE ub = $1 AND user_id = $2
UNION ALL
SELECT 'login' AS kind, user_id, '' AS name, NULL::bytea AS lookup, sealed, mac FROM login
WHERE ub = $1 AND user_id = $2
UNION ALL
SELECT 'slot' AS kind, user_id, name AS name, NULL::bytea AS lookup, sealed, mac FROM slot
WHERE ub = $1 AND user_id = $2
UNION ALL
SELECT 'session' AS kind, user_id, session AS name, NULL::bytea AS lookup, sealed, mac FROM session
WHERE ub = $1 AND user_id = $2
UNION ALL
SELECT 'device' AS kind, user_id, device AS name, NULL::bytea AS lookup, sealed, mac FROM device
WHERE ub = $1 AND user_id = $2
UNION ALL
SELECT 'pending' AS kind, user_id, session AS name, NULL::bytea AS lookup, sealed, mac FROM pending
WHERE ub = $1 AND user_id = $2
UNION ALL
SELECT 'former_key' AS kind, user_id, kid AS name, NULL::bytea AS lookup, sealed, mac FROM former_key
WHERE ub = $1 AND user_id = $2
UNION ALL
SELECT 'start_over' AS kind, user_id, '' AS name, NULL::bytea AS lookup, sealed, mac FROM start_over
WHERE ub = $1 AND user_id = $2
UNION ALL
SELECT 'token', user_id, '', lookup, sealed, mac FROM token
WHERE ub = $1 AND user_id = $2;

-- name: state_of_token
SELECT 'account' AS kind, user_id, '' AS name, NULL::bytea AS lookup, sealed, mac FROM account
WHERE ub = $1 AND user_id = (SELECT user_id FROM token WHERE ub = $1 AND lookup = $2)
UNION ALL
SELECT 'login' AS kind, user_id, '' AS name, NULL::bytea AS lookup, sealed, mac FROM login
WHERE ub = $1 AND user_id = (SELECT user_id FROM token WHERE ub = $1 AND lookup = $2)
UNION ALL
SELECT 'slot' AS kind, user_id, name AS name, NULL::bytea AS lookup, sealed, mac FROM slot
WHERE ub = $1 AND user_id = (SELECT user_id FROM token WHERE ub = $1 AND lookup = $2)
UNION ALL
SELECT 'session' AS kind, user_id, session AS name, NULL::bytea AS lookup, sealed, mac FROM session
WHERE ub = $1 AND user_id = (SELECT user_id FROM token WHERE ub = $1 AND lookup = $2)
UNION ALL
SELECT 'device' AS kind, user_id, device AS name, NULL::bytea AS lookup, sealed, mac FROM device
WHERE ub = $1 AND user_id = (SELECT user_id FROM token WHERE ub = $1 AND lookup = $2)
UNION ALL
SELECT 'pending' AS kind, user_id, session AS name, NULL::bytea AS lookup, sealed, mac FROM pending
WHERE ub = $1 AND user_id = (SELECT user_id FROM token WHERE ub = $1 AND lookup = $2)
UNION ALL
SELECT 'former_key' AS kind, user_id, kid AS name, NULL::bytea AS lookup, sealed, mac FROM former_key
WHERE ub = $1 AND user_id = (SELECT user_id FROM token WHERE ub = $1 AND lookup = $2)
UNION ALL
SELECT 'start_over' AS kind, user_id, '' AS name, NULL::bytea AS lookup, sealed, mac FROM start_over
WHERE ub = $1 AND user_id = (SELECT user_id FROM token WHERE ub = $1 AND lookup = $2)
UNION ALL
SELECT 'token', user_id, '', lookup, sealed, mac FROM token
WHERE ub = $1 AND user_id = (SELECT user_id FROM token WHERE ub = $1 AND lookup = $2);

-- name: insert_account
INSERT INTO account (ub, user_id, revision, sealed, mac) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING;

-- name: update_account
UPDATE account SET revision = $1, sealed = $2, mac = $3
WHERE ub = $4 AND user_id = $5 AND revision = $6;

-- name: put_login
INSERT INTO login (ub, user_id, sealed, mac) VALUES ($1, $2, $3, $4)
ON CONFLICT (ub, user_id) DO UPDATE SET sealed = excluded.sealed, mac = excluded.mac;

-- name: person
SELECT user_id, sealed, mac FROM person WHERE ub = $1 AND user_id = $2;

-- name: put_person
INSERT INTO person (ub, user_id, sealed, mac) VALUES ($1, $2, $3, $4)
ON CONFLICT (ub, user_id) DO UPDATE SET sealed = excluded.sealed, mac = excluded.mac;

-- name: profile
SELECT user_id, sealed, mac FROM profile WHERE ub = $1 AND user_id = $2;

-- name: put_profile
INSERT INTO profile (ub, user_id, sealed, mac) VALUES ($1, $2, $3, $4)
ON CONFLICT (ub, user_id) DO UPDATE SET sealed = excluded.sealed, mac = excluded.mac;

-- name: drop_login
DELETE FROM login WHERE ub = $1 AND user_id = $2;

-- name: put_slot
INSERT INTO slot (ub, user_id, name, sealed, mac) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (ub, user_id, name) DO UPDATE SET sealed = excluded.sealed, mac = excluded.mac;

-- name: drop_slot
DELETE FROM slot WHERE ub = $1 AND user_id = $2 AND name = $3;

-- name: put_session
INSERT INTO session (ub, user_id, session, sealed, mac) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (ub, user_id, session) DO UPDATE SET sealed = excluded.sealed, mac = excluded.mac;

-- name: drop_session
DELETE FROM session WHERE ub = $1 AND user_id = $2 AND session = $3;

-- name: put_device
INSERT INTO device (ub, user_id, device, sealed, mac) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (ub, user_id, device) DO UPDATE SET sealed = excluded.sealed, mac = excluded.mac;

-- name: drop_todev_of
DELETE FROM todev WHERE ub = $1 AND user_id = $2 AND device = $3;

-- name: drop_device
DELETE FROM device WHERE ub = $1 AND user_id = $2 AND device = $3;

-- name: drop_device_key
DELETE FROM device_key WHERE ub = $1 AND user_id = $2 AND device = $3;

-- name: drop_one_time_keys_of
DELETE FROM one_time_key WHERE ub = $1 AND user_id = $2 AND device = $3;

-- name: drop_fallback_keys_of
DELETE FROM fallback_key WHERE ub = $1 AND user_id = $2 AND device = $3;

-- name: drop_signatures_on
DELETE FROM key_signature WHERE ub = $1 AND user_id = $2 AND target = $3;

-- name: drop_cross_keys
DELETE FROM cross_key WHERE ub = $1 AND user_id = $2;

-- name: drop_signatures
DELETE FROM key_signature WHERE ub = $1 AND user_id = $2;

-- name: put_pending
INSERT INTO pending (ub, user_id, session, sealed, mac) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (ub, user_id, session) DO UPDATE SET sealed = excluded.sealed, mac = excluded.mac;

-- name: drop_key_backups
DELETE FROM key_backup WHERE ub = $1 AND user_id = $2;

-- name: drop_backed_up_keys
DELETE FROM key_backup_key WHERE ub = $1 AND user_id = $2;

-- name: drop_pending
DELETE FROM pending WHERE ub = $1 AND user_id = $2 AND session = $3;

-- name: connection
SELECT peer, sealed, mac FROM connection WHERE ub = $1 AND user_id = $2;

-- name: put_connection
INSERT INTO connection (ub, user_id, peer, sealed, mac) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (ub, user_id, peer) DO UPDATE SET sealed = excluded.sealed, mac = excluded.mac;

-- name: drop_connection
DELETE FROM connection WHERE ub = $1 AND user_id = $2 AND peer = $3;

-- name: block
SELECT peer, sealed, mac FROM block WHERE ub = $1 AND user_id = $2;

-- name: put_block
INSERT INTO block (ub, user_id, peer, sealed, mac) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (ub, user_id, peer) DO UPDATE SET sealed = excluded.sealed, mac = excluded.mac;

-- name: drop_block
DELETE FROM block WHERE ub = $1 AND user_id = $2 AND peer = $3;

-- name: one_session
SELECT sealed, mac FROM session WHERE ub = $1 AND user_id = $2 AND session = $3 FOR UPDATE;

-- name: one_device
SELECT sealed, mac FROM device WHERE ub = $1 AND user_id = $2 AND device = $3 FOR UPDATE;

-- name: put_token
INSERT INTO token (ub, lookup, user_id, session, expires, sealed, mac)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (ub, lookup) DO UPDATE
SET expires = excluded.expires, sealed = excluded.sealed, mac = excluded.mac;

-- name: drop_token
DELETE FROM token WHERE ub = $1 AND lookup = $2;

-- name: drop_tokens_of
DELETE FROM token WHERE ub = $1 AND user_id = $2 AND session = $3;

-- name: put_former_key
INSERT INTO former_key (ub, user_id, kid, until, sealed, mac) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (ub, user_id, kid) DO UPDATE
SET until = excluded.until, sealed = excluded.sealed, mac = excluded.mac;

-- name: drop_former_key
DELETE FROM former_key WHERE ub = $1 AND user_id = $2 AND kid = $3;

-- name: put_start_over
INSERT INTO start_over (ub, user_id, session, sealed, mac) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (ub, user_id) DO UPDATE
SET session = excluded.session, sealed = excluded.sealed, mac = excluded.mac;

-- name: drop_start_over
DELETE FROM start_over WHERE ub = $1 AND user_id = $2;

-- name: drop_start_over_of
DELETE FROM start_over WHERE ub = $1 AND user_id = $2 AND session = $3;

-- name: take_login_token
DELETE FROM login_token WHERE ub = $1 AND lookup = $2 RETURNING sealed, mac;

-- name: put_login_token
INSERT INTO login_token (ub, lookup, expires, sealed, mac) VALUES ($1, $2, $3, $4, $5);

-- name: old_login_tokens
DELETE FROM login_token WHERE ub = $1 AND expires < $2;

-- name: begin_person
INSERT INTO person (ub, user_id, sealed, mac) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING;

-- name: lock_person
SELECT sealed, mac FROM person WHERE ub = $1 AND user_id = $2 FOR UPDATE;

-- name: known
SELECT EXISTS (SELECT 1 FROM account WHERE ub = $1 AND user_id = $2)
  OR EXISTS (SELECT 1 FROM person WHERE ub = $1 AND user_id = $2);

-- name: take_name
INSERT INTO replay (ub, lookup, expires) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: old_names
DELETE FROM replay WHERE ub = $1 AND expires <= $2;
