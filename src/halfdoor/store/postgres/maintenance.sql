-- Sweeps without a bucket; no request calls them (SCALE §2).

-- name: due_holds
SELECT cb, c, seq FROM hold WHERE destroy_after <= $1 AND NOT EXISTS (
  SELECT 1 FROM frozen WHERE frozen.cb = hold.cb AND frozen.c = hold.c
    AND (frozen.first_epoch = 1 OR hold.seq >= (
      SELECT epoch.first_seq FROM epoch WHERE epoch.cb = hold.cb AND epoch.c = hold.c
        AND epoch.epoch >= frozen.first_epoch ORDER BY epoch.epoch LIMIT 1))
    AND hold.seq < coalesce((
      SELECT epoch.first_seq FROM epoch WHERE epoch.cb = hold.cb AND epoch.c = hold.c
        AND epoch.epoch > frozen.last_epoch ORDER BY epoch.epoch LIMIT 1), 9223372036854775807)
) ORDER BY cb, c, seq LIMIT $2;

-- name: delete_hold
DELETE FROM hold WHERE cb = $1 AND c = $2 AND seq = $3;

-- name: delete_held_media
DELETE FROM media_wrap WHERE cb = $1 AND c = $2 AND seq = $3;

-- name: hold_keys_in_use
SELECT DISTINCT substring(sealed FROM 1 FOR 2) FROM hold;

-- name: conversations
SELECT cb, c, conv_id, last_seq, epoch, hh, chain, begins FROM conv ORDER BY cb, c;

-- name: epochs_of
SELECT epoch, hh, first_seq, chain0 FROM epoch WHERE cb = $1 AND c = $2 ORDER BY epoch;

-- name: events_of
SELECT seq, event_id, sealed FROM event WHERE cb = $1 AND c = $2 ORDER BY seq;

-- name: retired_of
SELECT epoch, seq, chain, deleted, kept, links, mac FROM retired WHERE cb = $1 AND c = $2;

-- name: events_from
SELECT seq, event_id, sealed FROM event WHERE cb = $1 AND c = $2 AND seq >= $3 ORDER BY seq;

-- name: state_before
SELECT seq, event_id, sealed FROM event WHERE cb = $1 AND c = $2 AND seq < $3 AND state
ORDER BY seq;
