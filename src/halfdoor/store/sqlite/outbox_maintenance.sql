-- name: all
SELECT cb, c, n, payload FROM fanout ORDER BY cb, c, n;
