-- What a crash left untold, over all buckets; the sweep asks, no request does.

-- name: all
SELECT cb, c, n, payload FROM fanout ORDER BY cb, c, n LIMIT $1;
