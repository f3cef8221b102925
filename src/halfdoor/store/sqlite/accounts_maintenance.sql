-- Swept hourly, over all buckets; no request calls these.

-- name: expired
SELECT DISTINCT user_id FROM token WHERE expires IS NOT NULL AND expires <= ? LIMIT ?;

-- name: closed
SELECT DISTINCT user_id FROM former_key WHERE until IS NOT NULL AND until <= ? LIMIT ?;
