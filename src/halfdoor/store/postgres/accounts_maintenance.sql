-- Over all buckets: swept hourly, or asked by an administrator; no request of a client calls these.

-- name: expired
SELECT DISTINCT user_id FROM token WHERE expires IS NOT NULL AND expires <= $1
ORDER BY user_id LIMIT $2;

-- name: closed
SELECT DISTINCT user_id FROM former_key WHERE until IS NOT NULL AND until <= $1
ORDER BY user_id LIMIT $2;

-- name: everyone
SELECT user_id FROM account WHERE user_id > $1
UNION SELECT user_id FROM person WHERE user_id > $1
ORDER BY user_id LIMIT $2;
