-- What is deleted of one person: in their own bucket, and in conversations by their number.

-- name: known
SELECT asked, done FROM erased WHERE ub = ? AND name = ?;

-- name: ask
INSERT INTO erased (ub, name, asked) VALUES (?, ?, ?) ON CONFLICT DO NOTHING;

-- name: done
UPDATE erased SET done = ? WHERE ub = ? AND name = ? AND done IS NULL;

-- name: number
SELECT u FROM ustream WHERE ub = ? AND user_id = ?;

-- name: conversations
SELECT k, conv_id, membership FROM umember
WHERE ub = ? AND u = ? AND k > ? ORDER BY k LIMIT ?;

-- name: present
SELECT 1 FROM umember
WHERE ub = ? AND u = ? AND membership IN ('join', 'invite') LIMIT 1;

-- name: drop_inbox
DELETE FROM inbox WHERE ub = ? AND u = ? AND pos IN
(SELECT pos FROM inbox WHERE ub = ? AND u = ? ORDER BY pos LIMIT ?);

-- name: drop_account_data
DELETE FROM account_data WHERE ub = ? AND u = ?;

-- name: drop_filter
DELETE FROM filter WHERE ub = ? AND u = ?;

-- name: drop_contact_event
DELETE FROM contact_event WHERE ub = ? AND u = ?;

-- name: drop_contact_closed
DELETE FROM contact_closed WHERE ub = ? AND u = ?;

-- name: drop_umember
DELETE FROM umember WHERE ub = ? AND u = ?;

-- name: drop_ustream
DELETE FROM ustream WHERE ub = ? AND u = ?;

-- name: drop_login
DELETE FROM login WHERE ub = ? AND user_id = ?;

-- name: drop_slot
DELETE FROM slot WHERE ub = ? AND user_id = ?;

-- name: drop_session
DELETE FROM session WHERE ub = ? AND user_id = ?;

-- name: drop_device
DELETE FROM device WHERE ub = ? AND user_id = ?;

-- name: drop_device_key
DELETE FROM device_key WHERE ub = ? AND user_id = ?;

-- name: drop_one_time_key
DELETE FROM one_time_key WHERE ub = ? AND user_id = ?;

-- name: drop_fallback_key
DELETE FROM fallback_key WHERE ub = ? AND user_id = ?;

-- name: drop_cross_key
DELETE FROM cross_key WHERE ub = ? AND user_id = ?;

-- name: drop_key_signature
DELETE FROM key_signature WHERE ub = ? AND user_id = ?;

-- name: drop_todev
DELETE FROM todev WHERE ub = ? AND user_id = ?;

-- name: drop_todev_seen
DELETE FROM todev_seen WHERE ub = ? AND user_id = ?;

-- name: drop_token
DELETE FROM token WHERE ub = ? AND user_id = ?;

-- name: drop_pending
DELETE FROM pending WHERE ub = ? AND user_id = ?;

-- name: drop_former_key
DELETE FROM former_key WHERE ub = ? AND user_id = ?;

-- name: drop_start_over
DELETE FROM start_over WHERE ub = ? AND user_id = ?;

-- name: drop_connection
DELETE FROM connection WHERE ub = ? AND user_id = ?;

-- name: drop_block
DELETE FROM block WHERE ub = ? AND user_id = ?;

-- name: drop_profile
DELETE FROM profile WHERE ub = ? AND user_id = ?;

-- name: drop_person
DELETE FROM person WHERE ub = ? AND user_id = ?;

-- name: drop_key_backup
DELETE FROM key_backup WHERE ub = ? AND user_id = ?;

-- name: drop_key_backup_key
DELETE FROM key_backup_key WHERE ub = ? AND user_id = ?;

-- name: drop_account
DELETE FROM account WHERE ub = ? AND user_id = ?;

-- name: login_tokens
SELECT lookup, sealed, mac FROM login_token WHERE ub = ?;

-- name: drop_login_token
DELETE FROM login_token WHERE ub = ? AND lookup = ?;

-- name: conversation
SELECT c FROM conv WHERE cb = ? AND conv_id = ?;

-- name: held
SELECT 1 FROM frozen WHERE cb = ? AND c = ? LIMIT 1;

-- name: member
SELECT m FROM member WHERE cb = ? AND c = ? AND user_id = ?;

-- name: members
SELECT user_id FROM member WHERE cb = ? AND c = ? AND user_id != ?;

-- name: unname
UPDATE inbox SET subject = ?
WHERE ub = ? AND u = ? AND kind = ? AND subject = ?;

-- name: drop_wraps
DELETE FROM wrap WHERE cb = ? AND c = ? AND m = ?;

-- name: drop_receipts
DELETE FROM receipt WHERE cb = ? AND c = ? AND m = ?;

-- name: peers
SELECT peer FROM connection WHERE ub = ? AND user_id = ? ORDER BY peer LIMIT ?;
