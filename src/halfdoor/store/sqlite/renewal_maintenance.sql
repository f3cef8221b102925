-- Row by row through every table under the account key, when that is renewed; no request of a
-- client calls these. A row that was written meanwhile is left as it is.

-- name: next_account
SELECT ub, user_id, sealed, mac FROM account
WHERE (ub, user_id) > (?, ?) ORDER BY ub, user_id LIMIT ?;

-- name: renew_account
UPDATE account SET sealed = ?, mac = ?
WHERE ub = ? AND user_id = ? AND sealed = ?;

-- name: next_login
SELECT ub, user_id, sealed, mac FROM login
WHERE (ub, user_id) > (?, ?) ORDER BY ub, user_id LIMIT ?;

-- name: renew_login
UPDATE login SET sealed = ?, mac = ?
WHERE ub = ? AND user_id = ? AND sealed = ?;

-- name: next_start_over
SELECT ub, user_id, sealed, mac FROM start_over
WHERE (ub, user_id) > (?, ?) ORDER BY ub, user_id LIMIT ?;

-- name: renew_start_over
UPDATE start_over SET sealed = ?, mac = ?
WHERE ub = ? AND user_id = ? AND sealed = ?;

-- name: next_person
SELECT ub, user_id, sealed, mac FROM person
WHERE (ub, user_id) > (?, ?) ORDER BY ub, user_id LIMIT ?;

-- name: renew_person
UPDATE person SET sealed = ?, mac = ?
WHERE ub = ? AND user_id = ? AND sealed = ?;

-- name: next_profile
SELECT ub, user_id, sealed, mac FROM profile
WHERE (ub, user_id) > (?, ?) ORDER BY ub, user_id LIMIT ?;

-- name: renew_profile
UPDATE profile SET sealed = ?, mac = ?
WHERE ub = ? AND user_id = ? AND sealed = ?;

-- name: next_slot
SELECT ub, user_id, name, sealed, mac FROM slot
WHERE (ub, user_id, name) > (?, ?, ?) ORDER BY ub, user_id, name LIMIT ?;

-- name: renew_slot
UPDATE slot SET sealed = ?, mac = ?
WHERE ub = ? AND user_id = ? AND name = ? AND sealed = ?;

-- name: next_session
SELECT ub, user_id, session, sealed, mac FROM session
WHERE (ub, user_id, session) > (?, ?, ?) ORDER BY ub, user_id, session LIMIT ?;

-- name: renew_session
UPDATE session SET sealed = ?, mac = ?
WHERE ub = ? AND user_id = ? AND session = ? AND sealed = ?;

-- name: next_device
SELECT ub, user_id, device, sealed, mac FROM device
WHERE (ub, user_id, device) > (?, ?, ?) ORDER BY ub, user_id, device LIMIT ?;

-- name: renew_device
UPDATE device SET sealed = ?, mac = ?
WHERE ub = ? AND user_id = ? AND device = ? AND sealed = ?;

-- name: next_pending
SELECT ub, user_id, session, sealed, mac FROM pending
WHERE (ub, user_id, session) > (?, ?, ?) ORDER BY ub, user_id, session LIMIT ?;

-- name: renew_pending
UPDATE pending SET sealed = ?, mac = ?
WHERE ub = ? AND user_id = ? AND session = ? AND sealed = ?;

-- name: next_former_key
SELECT ub, user_id, kid, sealed, mac FROM former_key
WHERE (ub, user_id, kid) > (?, ?, ?) ORDER BY ub, user_id, kid LIMIT ?;

-- name: renew_former_key
UPDATE former_key SET sealed = ?, mac = ?
WHERE ub = ? AND user_id = ? AND kid = ? AND sealed = ?;

-- name: next_connection
SELECT ub, user_id, peer, sealed, mac FROM connection
WHERE (ub, user_id, peer) > (?, ?, ?) ORDER BY ub, user_id, peer LIMIT ?;

-- name: renew_connection
UPDATE connection SET sealed = ?, mac = ?
WHERE ub = ? AND user_id = ? AND peer = ? AND sealed = ?;

-- name: next_block
SELECT ub, user_id, peer, sealed, mac FROM block
WHERE (ub, user_id, peer) > (?, ?, ?) ORDER BY ub, user_id, peer LIMIT ?;

-- name: renew_block
UPDATE block SET sealed = ?, mac = ?
WHERE ub = ? AND user_id = ? AND peer = ? AND sealed = ?;

-- name: next_device_key
SELECT ub, user_id, device, sealed, mac FROM device_key
WHERE (ub, user_id, device) > (?, ?, ?) ORDER BY ub, user_id, device LIMIT ?;

-- name: renew_device_key
UPDATE device_key SET sealed = ?, mac = ?
WHERE ub = ? AND user_id = ? AND device = ? AND sealed = ?;

-- name: next_one_time_key
SELECT ub, user_id, device, algorithm, key_id, sealed, mac FROM one_time_key
WHERE (ub, user_id, device, algorithm, key_id) > (?, ?, ?, ?, ?)
ORDER BY ub, user_id, device, algorithm, key_id LIMIT ?;

-- name: renew_one_time_key
UPDATE one_time_key SET sealed = ?, mac = ?
WHERE ub = ? AND user_id = ? AND device = ? AND algorithm = ? AND key_id = ? AND sealed = ?;

-- name: next_fallback_key
SELECT ub, user_id, device, algorithm, sealed, mac FROM fallback_key
WHERE (ub, user_id, device, algorithm) > (?, ?, ?, ?)
ORDER BY ub, user_id, device, algorithm LIMIT ?;

-- name: renew_fallback_key
UPDATE fallback_key SET sealed = ?, mac = ?
WHERE ub = ? AND user_id = ? AND device = ? AND algorithm = ? AND sealed = ?;

-- name: next_cross_key
SELECT ub, user_id, usage, sealed, mac FROM cross_key
WHERE (ub, user_id, usage) > (?, ?, ?) ORDER BY ub, user_id, usage LIMIT ?;

-- name: renew_cross_key
UPDATE cross_key SET sealed = ?, mac = ?
WHERE ub = ? AND user_id = ? AND usage = ? AND sealed = ?;

-- name: next_key_signature
SELECT ub, user_id, signer, target, key_id, sealed, mac FROM key_signature
WHERE (ub, user_id, signer, target, key_id) > (?, ?, ?, ?, ?)
ORDER BY ub, user_id, signer, target, key_id LIMIT ?;

-- name: renew_key_signature
UPDATE key_signature SET sealed = ?, mac = ?
WHERE ub = ? AND user_id = ? AND signer = ? AND target = ? AND key_id = ? AND sealed = ?;

-- name: next_token
SELECT ub, lookup, user_id, sealed, mac FROM token
WHERE (ub, lookup) > (?, ?) ORDER BY ub, lookup LIMIT ?;

-- name: next_login_token
SELECT ub, lookup, sealed, mac FROM login_token
WHERE (ub, lookup) > (?, ?) ORDER BY ub, lookup LIMIT ?;

-- name: renew_token
UPDATE token SET sealed = ?, mac = ?
WHERE ub = ? AND lookup = ? AND sealed = ?;

-- name: renew_login_token
UPDATE login_token SET sealed = ?, mac = ?
WHERE ub = ? AND lookup = ? AND sealed = ?;

-- name: next_account_data
SELECT account_data.ub, account_data.u, room, type, user_id, sealed
FROM account_data JOIN ustream ON ustream.ub = account_data.ub AND ustream.u = account_data.u
WHERE (account_data.ub, account_data.u, room, type) > (?, ?, ?, ?)
ORDER BY account_data.ub, account_data.u, room, type LIMIT ?;

-- name: renew_account_data
UPDATE account_data SET sealed = ?
WHERE ub = ? AND u = ? AND room = ? AND type = ? AND sealed = ?;

-- name: next_case_blob
SELECT ub, case_id, blob, sealed FROM case_blob
WHERE (ub, case_id, blob) > (?, ?, ?) ORDER BY ub, case_id, blob LIMIT ?;

-- name: renew_case_blob
UPDATE case_blob SET sealed = ?
WHERE ub = ? AND case_id = ? AND blob = ? AND sealed = ?;

-- name: next_avatar
SELECT ub, user_id, media_id, sealed FROM avatar
WHERE (ub, user_id) > (?, ?) ORDER BY ub, user_id LIMIT ?;

-- name: renew_avatar
UPDATE avatar SET sealed = ? WHERE ub = ? AND user_id = ? AND sealed = ?;

-- name: next_key_backup
SELECT ub, user_id, version, sealed FROM key_backup
WHERE (ub, user_id, version) > (?, ?, ?) AND sealed IS NOT NULL
ORDER BY ub, user_id, version LIMIT ?;

-- name: renew_key_backup
UPDATE key_backup SET sealed = ?
WHERE ub = ? AND user_id = ? AND version = ? AND sealed = ?;

-- name: next_key_backup_key
SELECT ub, user_id, version, room, session, sealed FROM key_backup_key
WHERE (ub, user_id, version, room, session) > (?, ?, ?, ?, ?)
ORDER BY ub, user_id, version, room, session LIMIT ?;

-- name: renew_key_backup_key
UPDATE key_backup_key SET sealed = ?
WHERE ub = ? AND user_id = ? AND version = ? AND room = ? AND session = ?
  AND sealed = ?;

-- name: next_umember
SELECT umember.ub, umember.u, k, user_id, conv_id, membership, since_seq, mac
FROM umember JOIN ustream ON ustream.ub = umember.ub AND ustream.u = umember.u
WHERE (umember.ub, umember.u, k) > (?, ?, ?)
ORDER BY umember.ub, umember.u, k LIMIT ?;

-- name: renew_umember
UPDATE umember SET mac = ? WHERE ub = ? AND u = ? AND k = ? AND mac = ?;

-- name: next_job
SELECT ub, id, payload FROM job
WHERE (ub, id) > (?, ?) ORDER BY ub, id LIMIT ?;

-- name: renew_job
UPDATE job SET payload = ? WHERE ub = ? AND id = ? AND payload = ?;

-- name: next_member
SELECT member.cb, member.c, m, conv_id, user_id, membership, since_seq, event_seq, mac
FROM member JOIN conv ON conv.cb = member.cb AND conv.c = member.c
WHERE (member.cb, member.c, m) > (?, ?, ?)
ORDER BY member.cb, member.c, m LIMIT ?;

-- name: renew_member
UPDATE member SET mac = ? WHERE cb = ? AND c = ? AND m = ? AND mac = ?;

-- name: next_retired
SELECT retired.cb, retired.c, conv_id, retired.epoch, seq, retired.chain, deleted, kept, links, mac
FROM retired JOIN conv ON conv.cb = retired.cb AND conv.c = retired.c
WHERE (retired.cb, retired.c) > (?, ?)
ORDER BY retired.cb, retired.c LIMIT ?;

-- name: renew_retired
UPDATE retired SET mac = ? WHERE cb = ? AND c = ? AND mac = ?;

-- name: next_frozen
SELECT frozen.cb, frozen.c, hold, conv_id, first_epoch, last_epoch, until, generation, mac
FROM frozen JOIN conv ON conv.cb = frozen.cb AND conv.c = frozen.c
WHERE (frozen.cb, frozen.c, hold) > (?, ?, ?)
ORDER BY frozen.cb, frozen.c, hold LIMIT ?;

-- name: renew_frozen
UPDATE frozen SET mac = ?
WHERE cb = ? AND c = ? AND hold = ? AND mac = ?;

-- name: secrets
SELECT name, sealed FROM secret;

-- name: renew_secret
UPDATE secret SET sealed = ? WHERE name = ? AND sealed = ?;

-- name: next_staff
SELECT ub, id, sealed, mac FROM staff
WHERE (ub, id) > (?, ?) ORDER BY ub, id LIMIT ?;

-- name: renew_staff
UPDATE staff SET sealed = ?, mac = ?
WHERE ub = ? AND id = ? AND sealed = ?;

-- name: next_staff_passkey
SELECT ub, lookup, sealed, mac FROM staff_passkey
WHERE (ub, lookup) > (?, ?) ORDER BY ub, lookup LIMIT ?;

-- name: renew_staff_passkey
UPDATE staff_passkey SET sealed = ?, mac = ?
WHERE ub = ? AND lookup = ? AND sealed = ?;

-- name: next_staff_token
SELECT ub, kind, lookup, sealed, mac FROM staff_token
WHERE (ub, kind, lookup) > (?, ?, ?) ORDER BY ub, kind, lookup LIMIT ?;

-- name: renew_staff_token
UPDATE staff_token SET sealed = ?, mac = ?
WHERE ub = ? AND kind = ? AND lookup = ? AND sealed = ?;

-- name: next_desk_case
SELECT ub, id, sealed FROM desk_case
WHERE (ub, id) > (?, ?) ORDER BY ub, id LIMIT ?;

-- name: renew_desk_case
UPDATE desk_case SET sealed = ?
WHERE ub = ? AND id = ? AND sealed = ?;

-- name: next_desk_report
SELECT ub, id, case_id, sealed FROM desk_report
WHERE (ub, id) > (?, ?) ORDER BY ub, id LIMIT ?;

-- name: renew_desk_report
UPDATE desk_report SET sealed = ?
WHERE ub = ? AND id = ? AND sealed = ?;

-- name: next_desk_evidence
SELECT ub, case_id, n, id, sealed FROM desk_evidence
WHERE (ub, case_id, n) > (?, ?, ?) ORDER BY ub, case_id, n LIMIT ?;

-- name: renew_desk_evidence
UPDATE desk_evidence SET sealed = ?
WHERE ub = ? AND case_id = ? AND n = ? AND sealed = ?;

-- name: next_desk_event
SELECT ub, case_id, n, sealed FROM desk_event
WHERE (ub, case_id, n) > (?, ?, ?) ORDER BY ub, case_id, n LIMIT ?;

-- name: renew_desk_event
UPDATE desk_event SET sealed = ?
WHERE ub = ? AND case_id = ? AND n = ? AND sealed = ?;

-- name: next_desk_notice
SELECT ub, id, sealed FROM desk_notice
WHERE (ub, id) > (?, ?) ORDER BY ub, id LIMIT ?;

-- name: renew_desk_notice
UPDATE desk_notice SET sealed = ?
WHERE ub = ? AND id = ? AND sealed = ?;

-- name: next_todev
SELECT ub, user_id, device, pos, sealed FROM todev
WHERE (ub, user_id, device, pos) > (?, ?, ?, ?) ORDER BY ub, user_id, device, pos LIMIT ?;

-- name: renew_todev
UPDATE todev SET sealed = ?
WHERE ub = ? AND user_id = ? AND device = ? AND pos = ? AND sealed = ?;

-- name: next_desk_line
SELECT ub, n, sealed FROM desk_line
WHERE (ub, n) > (?, ?) ORDER BY ub, n LIMIT ?;

-- name: renew_desk_line
UPDATE desk_line SET sealed = ?
WHERE ub = ? AND n = ? AND sealed = ?;

-- name: next_desk_head
SELECT ub, name, sealed FROM desk_head
WHERE (ub, name) > (?, ?) ORDER BY ub, name LIMIT ?;

-- name: renew_desk_head
UPDATE desk_head SET sealed = ?
WHERE ub = ? AND name = ? AND sealed = ?;
