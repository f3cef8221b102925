-- name: lock
SELECT conv_id, cb, c, last_seq, revision, epoch, is_current, hh, day, epoch_events, chain, outbox,
       begins
FROM conv WHERE cb = $1 AND conv_id = $2 FOR UPDATE;

-- name: read
SELECT conv_id, cb, c, last_seq, revision, epoch, is_current, hh, day, epoch_events, chain, outbox,
       begins
FROM conv WHERE cb = $1 AND conv_id = $2;

-- name: newest_number
SELECT coalesce(max(c), 0) FROM conv WHERE cb = $1;

-- name: create
INSERT INTO conv (cb, c, conv_id, last_seq, revision, epoch, is_current, hh, day, epoch_events,
                  chain, outbox)
VALUES ($1, $2, $3, 0, 0, 0, false, $4, 0, 0, $4, 0)
ON CONFLICT DO NOTHING;

-- name: update
UPDATE conv SET last_seq = $3, revision = $4, epoch = $5, is_current = $6, hh = $7, day = $8,
                epoch_events = $9, chain = $10, outbox = $11
WHERE cb = $1 AND c = $2;

-- name: members
SELECT cb, c, m, user_id, membership, since_seq, event_seq, mac FROM member
WHERE cb = $1 AND c = $2 ORDER BY m;

-- name: put_member
INSERT INTO member (cb, c, m, user_id, membership, since_seq, event_seq, mac)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (cb, c, m) DO UPDATE SET
  membership = excluded.membership, since_seq = excluded.since_seq,
  event_seq = excluded.event_seq, mac = excluded.mac;
