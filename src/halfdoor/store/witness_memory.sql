-- The memory of one witness: whose it is, the newest checkpoint of each log, and forks it met.

-- name: make_witness
CREATE TABLE witness (vkey TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

-- name: make_newest
CREATE TABLE newest (origin TEXT PRIMARY KEY, checkpoint BLOB NOT NULL) STRICT, WITHOUT ROWID;

-- name: make_evidence
CREATE TABLE evidence (
    origin TEXT NOT NULL,
    ours BLOB NOT NULL,
    theirs BLOB NOT NULL,
    UNIQUE (origin, ours, theirs)
) STRICT;

-- name: own
SELECT vkey FROM witness;

-- name: set_own
INSERT INTO witness (vkey) VALUES (?);

-- name: newest
SELECT checkpoint FROM newest WHERE origin = ?;

-- name: begin_with
INSERT INTO newest (origin, checkpoint) VALUES (?, ?)
ON CONFLICT (origin) DO NOTHING;

-- name: replace
UPDATE newest SET checkpoint = ? WHERE origin = ? AND checkpoint = ?;

-- name: origins
SELECT origin FROM newest ORDER BY origin;

-- name: count_evidence
SELECT count(*) FROM evidence WHERE origin = ?;

-- name: keep_evidence
INSERT INTO evidence (origin, ours, theirs) VALUES (?, ?, ?)
ON CONFLICT (origin, ours, theirs) DO NOTHING;

-- name: evidence
SELECT origin, ours, theirs FROM evidence ORDER BY origin, rowid;
