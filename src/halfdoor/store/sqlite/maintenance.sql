-- Sweeps without a bucket; no request calls them (SCALE §2).

-- name: due_holds
SELECT cb, c, seq FROM hold WHERE destroy_after <= ? AND NOT EXISTS (
  SELECT 1 FROM frozen WHERE frozen.cb = hold.cb AND frozen.c = hold.c
    AND (frozen.first_epoch = 1 OR hold.seq >= (
      SELECT epoch.first_seq FROM epoch WHERE epoch.cb = hold.cb AND epoch.c = hold.c
        AND epoch.epoch >= frozen.first_epoch ORDER BY epoch.epoch LIMIT 1))
    AND hold.seq < coalesce((
      SELECT epoch.first_seq FROM epoch WHERE epoch.cb = hold.cb AND epoch.c = hold.c
        AND epoch.epoch > frozen.last_epoch ORDER BY epoch.epoch LIMIT 1), 9223372036854775807)
) LIMIT ?;

-- name: delete_hold
DELETE FROM hold WHERE cb = ? AND c = ? AND seq = ?;

-- name: delete_held_media
DELETE FROM media_wrap WHERE cb = ? AND c = ? AND seq = ?;

-- name: hold_keys_in_use
SELECT DISTINCT substr(sealed, 1, 2) FROM hold;

-- name: restores
SELECT value FROM counter WHERE name = 'restores';

-- name: count_restore
INSERT INTO counter (name, value) VALUES ('restores', ?)
ON CONFLICT (name) DO UPDATE SET value = max(value + 1, excluded.value);

-- name: conversations
SELECT cb, c, conv_id, last_seq, epoch, hh, chain, begins FROM conv ORDER BY cb, c;

-- name: epochs_of
SELECT epoch, hh, first_seq, chain0 FROM epoch WHERE cb = ? AND c = ? ORDER BY epoch;

-- name: retired_of
SELECT epoch, seq, chain, deleted, kept, links, mac FROM retired WHERE cb = ? AND c = ?;

-- name: events_of
SELECT seq, event_id, sealed FROM event WHERE cb = ? AND c = ? ORDER BY seq;

-- name: events_from
SELECT seq, event_id, sealed FROM event WHERE cb = ? AND c = ? AND seq >= ? ORDER BY seq;

-- name: state_before
SELECT seq, event_id, sealed FROM event WHERE cb = ? AND c = ? AND seq < ? AND state = 1
ORDER BY seq;
