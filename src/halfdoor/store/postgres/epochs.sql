-- name: epoch
SELECT epoch, hh, first_seq, sealed FROM epoch WHERE cb = $1 AND c = $2 AND epoch = $3;

-- name: newest
SELECT epoch, hh, first_seq, sealed FROM epoch WHERE cb = $1 AND c = $2
ORDER BY epoch DESC LIMIT $3;

-- name: wraps
SELECT wrap.epoch, wrap.sealed FROM member JOIN wrap
  ON wrap.cb = member.cb AND wrap.c = member.c AND wrap.m = member.m
WHERE member.cb = $1 AND member.c = $2 AND member.user_id = $3 AND wrap.epoch = ANY($4::int[]);

-- name: some
SELECT epoch, hh, first_seq, sealed FROM epoch
WHERE cb = $1 AND c = $2 AND epoch = ANY($3::int[]) ORDER BY epoch DESC;

-- name: readers
SELECT epoch, n, sealed FROM reader_added
WHERE cb = $1 AND c = $2 AND epoch = ANY($3::int[]) ORDER BY epoch, n;
