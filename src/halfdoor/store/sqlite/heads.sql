-- name: head
SELECT c, last_seq, revision, epoch, is_current, hh, day, epoch_events, chain, outbox
FROM conv WHERE cb = ? AND conv_id = ?;

-- name: newest_number
SELECT coalesce(max(c), 0) FROM conv WHERE cb = ?;

-- name: insert
INSERT INTO conv (last_seq, revision, epoch, is_current, hh, day, epoch_events, chain, outbox,
                  conv_id, cb, c)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: update
UPDATE conv SET last_seq = ?, revision = ?, epoch = ?, is_current = ?, hh = ?, day = ?,
                epoch_events = ?, chain = ?, outbox = ?
WHERE cb = ? AND c = ?;

-- name: members
SELECT m, user_id, membership, since_seq, event_seq, mac FROM member WHERE cb = ? AND c = ?;

-- name: put_member
INSERT INTO member (cb, c, m, user_id, membership, since_seq, event_seq, mac)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (cb, c, m) DO UPDATE SET
  membership = excluded.membership, since_seq = excluded.since_seq,
  event_seq = excluded.event_seq, mac = excluded.mac;
