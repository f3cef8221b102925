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
