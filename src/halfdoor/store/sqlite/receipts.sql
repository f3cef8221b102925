-- name: seq
SELECT seq FROM receipt WHERE cb = ? AND c = ? AND m = ? AND kind = ? AND thread = ?;

-- name: put
INSERT INTO receipt (cb, c, m, kind, thread, event_id, seq, ts) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (cb, c, m, kind, thread) DO UPDATE SET
  event_id = excluded.event_id, seq = excluded.seq, ts = excluded.ts;

-- name: all
SELECT member.user_id, receipt.kind, receipt.thread, receipt.event_id, receipt.seq, receipt.ts
FROM receipt JOIN member
  ON member.cb = receipt.cb AND member.c = receipt.c AND member.m = receipt.m
WHERE receipt.cb = ? AND receipt.c = ?
ORDER BY receipt.seq, receipt.m, receipt.kind, receipt.thread;
