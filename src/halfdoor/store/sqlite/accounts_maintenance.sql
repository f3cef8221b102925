-- Over all buckets: swept hourly, or asked by an administrator; no request of a client calls these.

-- name: expired
SELECT DISTINCT user_id FROM token WHERE expires IS NOT NULL AND expires <= ? LIMIT ?;

-- name: closed
SELECT DISTINCT user_id FROM former_key WHERE until IS NOT NULL AND until <= ? LIMIT ?;

-- name: everyone
SELECT user_id FROM account WHERE user_id > ?
UNION SELECT user_id FROM person WHERE user_id > ?
ORDER BY user_id LIMIT ?;
