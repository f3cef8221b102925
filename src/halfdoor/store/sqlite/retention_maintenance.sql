-- Over all buckets: the daily sweep of retention; no request calls these (SCALE §2).

-- name: conversations
SELECT conv.cb, conv.c, conv.conv_id, retired.seq,
  (SELECT 1 FROM frozen WHERE frozen.cb = conv.cb AND frozen.c = conv.c LIMIT 1),
  (SELECT epoch.epoch FROM epoch WHERE epoch.cb = conv.cb AND epoch.c = conv.c
   AND epoch.epoch >= coalesce(retired.epoch, 1) ORDER BY epoch.epoch LIMIT 1),
  (SELECT epoch.sealed FROM epoch WHERE epoch.cb = conv.cb AND epoch.c = conv.c
   AND epoch.epoch >= coalesce(retired.epoch, 1) ORDER BY epoch.epoch LIMIT 1)
FROM conv LEFT JOIN retired ON retired.cb = conv.cb AND retired.c = conv.c
WHERE (conv.cb, conv.c) > (?, ?) ORDER BY conv.cb, conv.c LIMIT ?;

-- name: freeze_keys_in_use
SELECT DISTINCT generation FROM frozen;

-- name: marks
SELECT name, value FROM mark;

-- name: set_mark
INSERT INTO mark (name, value) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;
