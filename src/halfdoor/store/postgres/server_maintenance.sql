-- What is asked of a server when a connection is opened; no rows of ours but the lineage.

-- name: fitness
SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS sync,
       current_setting('server_encoding') AS encoding;

-- name: mark
SELECT (SELECT system_identifier FROM pg_control_system())::text
  || ':' || (SELECT oid FROM pg_database WHERE datname = current_database())::text
  || ':' || left(pg_walfile_name(pg_current_wal_lsn()), 8);

-- name: lineage
SELECT restores, mark FROM lineage WHERE one = 1;

-- name: lock_lineage
SELECT restores, mark FROM lineage WHERE one = 1 FOR UPDATE;

-- name: set_lineage
UPDATE lineage SET restores = $1, mark = $2 WHERE one = 1;

-- name: lock_schema
SELECT pg_advisory_xact_lock(7306914);

-- name: has_versions
SELECT to_regclass('schema_version') IS NOT NULL;

-- name: make_versions
CREATE TABLE schema_version (
  side text COLLATE "C" NOT NULL PRIMARY KEY,
  version integer NOT NULL
);

-- name: version
SELECT version FROM schema_version WHERE side = $1;

-- name: set_version
INSERT INTO schema_version (side, version) VALUES ($1, $2)
ON CONFLICT (side) DO UPDATE SET version = excluded.version;

-- name: has_keys_table
SELECT to_regclass('data_key') IS NOT NULL;

-- name: has_keys
SELECT EXISTS (SELECT FROM data_key);

-- name: notice_dead_peers
SELECT set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),
       set_config('tcp_keepalives_count', '3', false);

-- name: occupy_alone
SELECT pg_try_advisory_lock(7306915);

-- name: occupy_together
SELECT pg_try_advisory_lock_shared(7306915);

-- name: tenure
SELECT tenure FROM lineage WHERE one = 1;

-- name: begin_tenure
UPDATE lineage SET tenure = tenure + 1 WHERE one = 1 RETURNING tenure;

-- What a restore or a move has begun and not completed; the table has no rows.

-- name: has_unfinished_copy
SELECT to_regclass('unfinished_copy') IS NOT NULL;

-- name: begin_copy
CREATE TABLE IF NOT EXISTS unfinished_copy (one integer NOT NULL PRIMARY KEY);

-- name: end_copy
DROP TABLE IF EXISTS unfinished_copy;

-- name: take_copy
SELECT pg_try_advisory_lock(7306915);

-- name: columns
SELECT attname, atttypid = 'bool'::regtype FROM pg_attribute
WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped;

-- name: key_columns
SELECT attribute.attname FROM pg_index JOIN pg_attribute AS attribute
  ON attribute.attrelid = pg_index.indrelid AND attribute.attnum = ANY (pg_index.indkey)
WHERE pg_index.indrelid = to_regclass($1) AND pg_index.indisprimary
ORDER BY array_position(pg_index.indkey::smallint[], attribute.attnum);

-- name: hold_outbox_still
LOCK TABLE fanout IN SHARE MODE;

-- name: wait_for_writers
SET LOCAL lock_timeout = '5s';

-- name: take_time_between
SET idle_in_transaction_session_timeout = 0;

-- name: take_time_within
SET statement_timeout = 0;
