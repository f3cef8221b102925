-- Row by row through every table under the account key, when that is renewed; no request of a
-- client calls these. A row that was written meanwhile is left as it is.

-- name: next_account
SELECT ub, user_id, sealed, mac FROM account
WHERE (ub, user_id) > ($1, $2) ORDER BY ub, user_id LIMIT $3;

-- name: renew_account
UPDATE account SET sealed = $1, mac = $2
WHERE ub = $3 AND user_id = $4 AND sealed = $5;

-- name: next_login
SELECT ub, user_id, sealed, mac FROM login
WHERE (ub, user_id) > ($1, $2) ORDER BY ub, user_id LIMIT $3;

-- name: renew_login
UPDATE login SET sealed = $1, mac = $2
WHERE ub = $3 AND user_id = $4 AND sealed = $5;

-- name: next_start_over
SELECT ub, user_id, sealed, mac FROM start_over
WHERE (ub, user_id) > ($1, $2) ORDER BY ub, user_id LIMIT $3;

-- name: renew_start_over
UPDATE start_over SET sealed = $1, mac = $2
WHERE ub = $3 AND user_id = $4 AND sealed = $5;

-- name: next_person
SELECT ub, user_id, sealed, mac FROM person
WHERE (ub, user_id) > ($1, $2) ORDER BY ub, user_id LIMIT $3;

-- name: renew_person
UPDATE person SET sealed = $1, mac = $2
WHERE ub = $3 AND user_id = $4 AND sealed = $5;

-- name: next_profile
SELECT ub, user_id, sealed, mac FROM profile
WHERE (ub, user_id) > ($1, $2) ORDER BY ub, user_id LIMIT $3;

-- name: renew_profile
UPDATE profile SET sealed = $1, mac = $2
WHERE ub = $3 AND user_id = $4 AND sealed = $5;

-- name: next_slot
SELECT ub, user_id, name, sealed, mac FROM slot
WHERE (ub, user_id, name) > ($1, $2, $3) ORDER BY ub, user_id, name LIMIT $4;

-- name: renew_slot
UPDATE slot SET sealed = $1, mac = $2
WHERE ub = $3 AND user_id = $4 AND name = $5 AND sealed = $6;

-- name: next_session
SELECT ub, user_id, session, sealed, mac FROM session
WHERE (ub, user_id, session) > ($1, $2, $3) ORDER BY ub, user_id, session LIMIT $4;

-- name: renew_session
UPDATE session SET sealed = $1, mac = $2
WHERE ub = $3 AND user_id = $4 AND session = $5 AND sealed = $6;

-- name: next_device
SELECT ub, user_id, device, sealed, mac FROM device
WHERE (ub, user_id, device) > ($1, $2, $3) ORDER BY ub, user_id, device LIMIT $4;

-- name: renew_device
UPDATE device SET sealed = $1, mac = $2
WHERE ub = $3 AND user_id = $4 AND device = $5 AND sealed = $6;

-- name: next_pending
SELECT ub, user_id, session, sealed, mac FROM pending
WHERE (ub, user_id, session) > ($1, $2, $3) ORDER BY ub, user_id, session LIMIT $4;

-- name: renew_pending
UPDATE pending SET sealed = $1, mac = $2
WHERE ub = $3 AND user_id = $4 AND session = $5 AND sealed = $6;

-- name: next_former_key
SELECT ub, user_id, kid, sealed, mac FROM former_key
WHERE (ub, user_id, kid) > ($1, $2, $3) ORDER BY ub, user_id, kid LIMIT $4;

-- name: renew_former_key
UPDATE former_key SET sealed = $1, mac = $2
WHERE ub = $3 AND user_id = $4 AND kid = $5 AND sealed = $6;

-- name: next_connection
SELECT ub, user_id, peer, sealed, mac FROM connection
WHERE (ub, user_id, peer) > ($1, $2, $3) ORDER BY ub, user_id, peer LIMIT $4;

-- name: renew_connection
UPDATE connection SET sealed = $1, mac = $2
WHERE ub = $3 AND user_id = $4 AND peer = $5 AND sealed = $6;

-- name: next_block
SELECT ub, user_id, peer, sealed, mac FROM block
WHERE (ub, user_id, peer) > ($1, $2, $3) ORDER BY ub, user_id, peer LIMIT $4;

-- name: renew_block
UPDATE block SET sealed = $1, mac = $2
WHERE ub = $3 AND user_id = $4 AND peer = $5 AND sealed = $6;

-- name: next_device_key
SELECT ub, user_id, device, sealed, mac FROM device_key
WHERE (ub, user_id, device) > ($1, $2, $3) ORDER BY ub, user_id, device LIMIT $4;

-- name: renew_device_key
UPDATE device_key SET sealed = $1, mac = $2
WHERE ub = $3 AND user_id = $4 AND device = $5 AND sealed = $6;

-- name: next_one_time_key
SELECT ub, user_id, device, algorithm, key_id, sealed, mac FROM one_time_key
WHERE (ub, user_id, device, algorithm, key_id) > ($1, $2, $3, $4, $5)
ORDER BY ub, user_id, device, algorithm, key_id LIMIT $6;

-- name: renew_one_time_key
UPDATE one_time_key SET sealed = $1, mac = $2
WHERE ub = $3 AND user_id = $4 AND device = $5 AND algorithm = $6 AND key_id = $7 AND sealed = $8;

-- name: next_fallback_key
SELECT ub, user_id, device, algorithm, sealed, mac FROM fallback_key
WHERE (ub, user_id, device, algorithm) > ($1, $2, $3, $4)
ORDER BY ub, user_id, device, algorithm LIMIT $5;

-- name: renew_fallback_key
UPDATE fallback_key SET sealed = $1, mac = $2
WHERE ub = $3 AND user_id = $4 AND device = $5 AND algorithm = $6 AND sealed = $7;

-- name: next_cross_key
SELECT ub, user_id, usage, sealed, mac FROM cross_key
WHERE (ub, user_id, usage) > ($1, $2, $3) ORDER BY ub, user_id, usage LIMIT $4;

-- name: renew_cross_key
UPDATE cross_key SET sealed = $1, mac = $2
WHERE ub = $3 AND user_id = $4 AND usage = $5 AND sealed = $6;

-- name: next_key_signature
SELECT ub, user_id, signer, target, key_id, sealed, mac FROM key_signature
WHERE (ub, user_id, signer, target, key_id) > ($1, $2, $3, $4, $5)
ORDER BY ub, user_id, signer, target, key_id LIMIT $6;

-- name: renew_key_signature
UPDATE key_signature SET sealed = $1, mac = $2
WHERE ub = $3 AND user_id = $4 AND signer = $5 AND target = $6 AND key_id = $7 AND sealed = $8;

-- name: next_token
SELECT ub, lookup, user_id, sealed, mac FROM token
WHERE (ub, lookup) > ($1, $2) ORDER BY ub, lookup LIMIT $3;

-- name: next_login_token
SELECT ub, lookup, sealed, mac FROM login_token
WHERE (ub, lookup) > ($1, $2) ORDER BY ub, lookup LIMIT $3;

-- name: renew_token
UPDATE token SET sealed = $1, mac = $2
WHERE ub = $3 AND lookup = $4 AND sealed = $5;

-- name: renew_login_token
UPDATE login_token SET sealed = $1, mac = $2
WHERE ub = $3 AND lookup = $4 AND sealed = $5;

-- name: next_account_data
SELECT account_data.ub, account_data.u, room, type, user_id, sealed
FROM account_data JOIN ustream ON ustream.ub = account_data.ub AND ustream.u = account_data.u
WHERE (account_data.ub, account_data.u, room, type) > ($1, $2, $3, $4)
ORDER BY account_data.ub, account_data.u, room, type LIMIT $5;

-- name: renew_account_data
UPDATE account_data SET sealed = $1
WHERE ub = $2 AND u = $3 AND room = $4 AND type = $5 AND sealed = $6;

-- name: next_case_blob
SELECT ub, case_id, blob, sealed FROM case_blob
WHERE (ub, case_id, blob) > ($1, $2, $3) ORDER BY ub, case_id, blob LIMIT $4;

-- name: renew_case_blob
UPDATE case_blob SET sealed = $1
WHERE ub = $2 AND case_id = $3 AND blob = $4 AND sealed = $5;

-- name: next_avatar
SELECT ub, user_id, media_id, sealed FROM avatar
WHERE (ub, user_id) > ($1, $2) ORDER BY ub, user_id LIMIT $3;

-- name: renew_avatar
UPDATE avatar SET sealed = $1 WHERE ub = $2 AND user_id = $3 AND sealed = $4;

-- name: next_key_backup
SELECT ub, user_id, version, sealed FROM key_backup
WHERE (ub, user_id, version) > ($1, $2, $3) AND sealed IS NOT NULL
ORDER BY ub, user_id, version LIMIT $4;

-- name: renew_key_backup
UPDATE key_backup SET sealed = $1
WHERE ub = $2 AND user_id = $3 AND version = $4 AND sealed = $5;

-- name: next_key_backup_key
SELECT ub, user_id, version, room, session, sealed FROM key_backup_key
WHERE (ub, user_id, version, room, session) > ($1, $2, $3, $4, $5)
ORDER BY ub, user_id, version, room, session LIMIT $6;

-- name: renew_key_backup_key
UPDATE key_backup_key SET sealed = $1
WHERE ub = $2 AND user_id = $3 AND version = $4 AND room = $5 AND session = $6
  AND sealed = $7;

-- name: next_umember
SELECT umember.ub, umember.u, k, user_id, conv_id, membership, since_seq, mac
FROM umember JOIN ustream ON ustream.ub = umember.ub AND ustream.u = umember.u
WHERE (umember.ub, umember.u, k) > ($1, $2, $3)
ORDER BY umember.ub, umember.u, k LIMIT $4;

-- name: renew_umember
UPDATE umember SET mac = $1 WHERE ub = $2 AND u = $3 AND k = $4 AND mac = $5;

-- name: next_job
SELECT ub, id, payload FROM job
WHERE (ub, id) > ($1, $2) ORDER BY ub, id LIMIT $3;

-- name: renew_job
UPDATE job SET payload = $1 WHERE ub = $2 AND id = $3 AND payload = $4;

-- name: next_member
SELECT member.cb, member.c, m, conv_id, user_id, membership, since_seq, event_seq, mac
FROM member JOIN conv ON conv.cb = member.cb AND conv.c = member.c
WHERE (member.cb, member.c, m) > ($1, $2, $3)
ORDER BY member.cb, member.c, m LIMIT $4;

-- name: renew_member
UPDATE member SET mac = $1 WHERE cb = $2 AND c = $3 AND m = $4 AND mac = $5;

-- name: next_retired
SELECT retired.cb, retired.c, conv_id, retired.epoch, seq, retired.chain, deleted, kept, links, mac
FROM retired JOIN conv ON conv.cb = retired.cb AND conv.c = retired.c
WHERE (retired.cb, retired.c) > ($1, $2)
ORDER BY retired.cb, retired.c LIMIT $3;

-- name: renew_retired
UPDATE retired SET mac = $1 WHERE cb = $2 AND c = $3 AND mac = $4;

-- name: next_frozen
SELECT frozen.cb, frozen.c, hold, conv_id, first_epoch, last_epoch, until, generation, mac
FROM frozen JOIN conv ON conv.cb = frozen.cb AND conv.c = frozen.c
WHERE (frozen.cb, frozen.c, hold) > ($1, $2, $3)
ORDER BY frozen.cb, frozen.c, hold LIMIT $4;

-- name: renew_frozen
UPDATE frozen SET mac = $1
WHERE cb = $2 AND c = $3 AND hold = $4 AND mac = $5;

-- name: secrets
SELECT name, sealed FROM secret;

-- name: renew_secret
UPDATE secret SET sealed = $1 WHERE name = $2 AND sealed = $3;

-- name: next_staff
SELECT ub, id, sealed, mac FROM staff
WHERE (ub, id) > ($1, $2) ORDER BY ub, id LIMIT $3;

-- name: renew_staff
UPDATE staff SET sealed = $1, mac = $2
WHERE ub = $3 AND id = $4 AND sealed = $5;

-- name: next_staff_passkey
SELECT ub, lookup, sealed, mac FROM staff_passkey
WHERE (ub, lookup) > ($1, $2) ORDER BY ub, lookup LIMIT $3;

-- name: renew_staff_passkey
UPDATE staff_passkey SET sealed = $1, mac = $2
WHERE ub = $3 AND lookup = $4 AND sealed = $5;

-- name: next_staff_token
SELECT ub, kind, lookup, sealed, mac FROM staff_token
WHERE (ub, kind, lookup) > ($1, $2, $3) ORDER BY ub, kind, lookup LIMIT $4;

-- name: renew_staff_token
UPDATE staff_token SET sealed = $1, mac = $2
WHERE ub = $3 AND kind = $4 AND lookup = $5 AND sealed = $6;

-- name: next_desk_case
SELECT ub, id, sealed FROM desk_case
WHERE (ub, id) > ($1, $2) ORDER BY ub, id LIMIT $3;

-- name: renew_desk_case
UPDATE desk_case SET sealed = $1
WHERE ub = $2 AND id = $3 AND sealed = $4;

-- name: next_desk_report
SELECT ub, id, case_id, sealed FROM desk_report
WHERE (ub, id) > ($1, $2) ORDER BY ub, id LIMIT $3;

-- name: renew_desk_report
UPDATE desk_report SET sealed = $1
WHERE ub = $2 AND id = $3 AND sealed = $4;

-- name: next_desk_evidence
SELECT ub, case_id, n, id, sealed FROM desk_evidence
WHERE (ub, case_id, n) > ($1, $2, $3) ORDER BY ub, case_id, n LIMIT $4;

-- name: renew_desk_evidence
UPDATE desk_evidence SET sealed = $1
WHERE ub = $2 AND case_id = $3 AND n = $4 AND sealed = $5;

-- name: next_desk_event
SELECT ub, case_id, n, sealed FROM desk_event
WHERE (ub, case_id, n) > ($1, $2, $3) ORDER BY ub, case_id, n LIMIT $4;

-- name: renew_desk_event
UPDATE desk_event SET sealed = $1
WHERE ub = $2 AND case_id = $3 AND n = $4 AND sealed = $5;

-- name: next_desk_notice
SELECT ub, id, sealed FROM desk_notice
WHERE (ub, id) > ($1, $2) ORDER BY ub, id LIMIT $3;

-- name: renew_desk_notice
UPDATE desk_notice SET sealed = $1
WHERE ub = $2 AND id = $3 AND sealed = $4;

-- name: next_todev
SELECT ub, user_id, device, pos, sealed FROM todev
WHERE (ub, user_id, device, pos) > ($1, $2, $3, $4) ORDER BY ub, user_id, device, pos LIMIT $5;

-- name: renew_todev
UPDATE todev SET sealed = $1
WHERE ub = $2 AND user_id = $3 AND device = $4 AND pos = $5 AND sealed = $6;

-- name: next_desk_line
SELECT ub, n, sealed FROM desk_line
WHERE (ub, n) > ($1, $2) ORDER BY ub, n LIMIT $3;

-- name: renew_desk_line
UPDATE desk_line SET sealed = $1
WHERE ub = $2 AND n = $3 AND sealed = $4;

-- name: next_desk_head
SELECT ub, name, sealed FROM desk_head
WHERE (ub, name) > ($1, $2) ORDER BY ub, name LIMIT $3;

-- name: renew_desk_head
UPDATE desk_head SET sealed = $1
WHERE ub = $2 AND name = $3 AND sealed = $4;
