-- What is deleted of one person: in their own bucket, and in conversations by their number.

-- name: known
SELECT asked, done FROM erased WHERE ub = $1 AND name = $2;

-- name: ask
INSERT INTO erased (ub, name, asked) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: done
UPDATE erased SET done = $1 WHERE ub = $2 AND name = $3 AND done IS NULL;

-- name: number
SELECT u FROM ustream WHERE ub = $1 AND user_id = $2;

-- name: conversations
SELECT k, conv_id, membership FROM umember
WHERE ub = $1 AND u = $2 AND k > $3 ORDER BY k LIMIT $4;

-- name: present
SELECT 1 FROM umember
WHERE ub = $1 AND u = $2 AND membership IN ('join', 'invite') LIMIT 1;

-- name: drop_inbox
DELETE FROM inbox WHERE ub = $1 AND u = $2 AND pos IN
(SELECT pos FROM inbox WHERE ub = $1 AND u = $2 ORDER BY pos LIMIT $3);

-- name: drop_account_data
DELETE FROM account_data WHERE ub = $1 AND u = $2;

-- name: drop_filter
DELETE FROM filter WHERE ub = $1 AND u = $2;

-- name: drop_contact_event
DELETE FROM contact_event WHERE ub = $1 AND u = $2;

-- name: drop_contact_closed
DELETE FROM contact_closed WHERE ub = $1 AND u = $2;

-- name: drop_umember
DELETE FROM umember WHERE ub = $1 AND u = $2;

-- name: drop_ustream
DELETE FROM ustream WHERE ub = $1 AND u = $2;

-- name: drop_login
DELETE FROM login WHERE ub = $1 AND user_id = $2;

-- name: drop_slot
DELETE FROM slot WHERE ub = $1 AND user_id = $2;

-- name: drop_session
DELETE FROM session WHERE ub = $1 AND user_id = $2;

-- name: drop_device
DELETE FROM device WHERE ub = $1 AND user_id = $2;

-- name: drop_device_key
DELETE FROM device_key WHERE ub = $1 AND user_id = $2;

-- name: drop_one_time_key
DELETE FROM one_time_key WHERE ub = $1 AND user_id = $2;

-- name: drop_fallback_key
DELETE FROM fallback_key WHERE ub = $1 AND user_id = $2;

-- name: drop_cross_key
DELETE FROM cross_key WHERE ub = $1 AND user_id = $2;

-- name: drop_key_signature
DELETE FROM key_signature WHERE ub = $1 AND user_id = $2;

-- name: drop_todev
DELETE FROM todev WHERE ub = $1 AND user_id = $2;

-- name: drop_todev_seen
DELETE FROM todev_seen WHERE ub = $1 AND user_id = $2;

-- name: drop_token
DELETE FROM token WHERE ub = $1 AND user_id = $2;

-- name: drop_pending
DELETE FROM pending WHERE ub = $1 AND user_id = $2;

-- name: drop_former_key
DELETE FROM former_key WHERE ub = $1 AND user_id = $2;

-- name: drop_start_over
DELETE FROM start_over WHERE ub = $1 AND user_id = $2;

-- name: drop_connection
DELETE FROM connection WHERE ub = $1 AND user_id = $2;

-- name: drop_block
DELETE FROM block WHERE ub = $1 AND user_id = $2;

-- name: drop_profile
DELETE FROM profile WHERE ub = $1 AND user_id = $2;

-- name: drop_person
DELETE FROM person WHERE ub = $1 AND user_id = $2;

-- name: drop_key_backup
DELETE FROM key_backup WHERE ub = $1 AND user_id = $2;

-- name: drop_key_backup_key
DELETE FROM key_backup_key WHERE ub = $1 AND user_id = $2;

-- name: drop_account
DELETE FROM account WHERE ub = $1 AND user_id = $2;

-- name: login_tokens
SELECT lookup, sealed, mac FROM login_token WHERE ub = $1;

-- name: drop_login_token
DELETE FROM login_token WHERE ub = $1 AND lookup = $2;

-- name: conversation
SELECT c FROM conv WHERE cb = $1 AND conv_id = $2;

-- name: held
SELECT 1 FROM frozen WHERE cb = $1 AND c = $2 LIMIT 1;

-- name: member
SELECT m FROM member WHERE cb = $1 AND c = $2 AND user_id = $3;

-- name: members
SELECT user_id FROM member WHERE cb = $1 AND c = $2 AND user_id != $3;

-- name: unname
UPDATE inbox SET subject = $1
WHERE ub = $2 AND u = $3 AND kind = $4 AND subject = $5;

-- name: drop_wraps
DELETE FROM wrap WHERE cb = $1 AND c = $2 AND m = $3;

-- name: drop_receipts
DELETE FROM receipt WHERE cb = $1 AND c = $2 AND m = $3;

-- name: peers
SELECT peer FROM connection WHERE ub = $1 AND user_id = $2 ORDER BY peer LIMIT $3;
