-- The review desk; all rows stand in one bucket (store/desk_rows.py).

-- name: case
SELECT id, revision, queue, state, severity, due, adult, reason, language, subject, opened, holder,
  watch, takes, sealed
FROM desk_case WHERE ub = ? AND id = ?;

-- name: open_case
SELECT id, revision, queue, state, severity, due, adult, reason, language, subject, opened, holder,
  watch, takes, sealed
FROM desk_case WHERE ub = ? AND subject = ? AND queue = ? AND takes = 1
ORDER BY opened, id LIMIT 1;

-- name: cases_about
SELECT id, revision, queue, state, severity, due, adult, reason, language, subject, opened, holder,
  watch, takes, sealed
FROM desk_case WHERE ub = ? AND subject = ? ORDER BY opened DESC, id DESC LIMIT ?;

-- name: held_by
SELECT id, revision, queue, state, severity, due, adult, reason, language, subject, opened, holder,
  watch, takes, sealed
FROM desk_case WHERE ub = ? AND holder = ? ORDER BY due, id;

-- name: overdue
SELECT id, revision, queue, state, severity, due, adult, reason, language, subject, opened, holder,
  watch, takes, sealed
FROM desk_case WHERE ub = ? AND watch <= ? ORDER BY watch, id LIMIT ?;

-- Where a queue and a state go on behind a place; only the index is read.
-- name: page_by_due
SELECT 0, due, adult, id FROM desk_case
WHERE ub = ? AND queue = ? AND state = ? AND (due, adult, id) > (?, ?, ?)
  AND (? IS NULL OR adult = ?) AND (? IS NULL OR reason = ?) AND (? IS NULL OR language = ?)
ORDER BY due, adult, id LIMIT ?;

-- name: page_by_severity
SELECT severity, due, adult, id FROM desk_case
WHERE ub = ? AND queue = ? AND state = ? AND (severity, due, adult, id) > (?, ?, ?, ?)
  AND (? IS NULL OR adult = ?) AND (? IS NULL OR reason = ?) AND (? IS NULL OR language = ?)
ORDER BY severity, due, adult, id LIMIT ?;

-- name: counts
SELECT queue, state, count(*), min(due) FROM desk_case WHERE ub = ?
GROUP BY queue, state ORDER BY queue, state;

-- name: add_case
INSERT INTO desk_case (ub, id, revision, queue, state, severity, due, adult, reason, language,
  subject, opened, holder, watch, takes, sealed)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: put_case
UPDATE desk_case SET revision = ?, queue = ?, state = ?, severity = ?, due = ?, adult = ?,
  reason = ?, language = ?, subject = ?, opened = ?, holder = ?, watch = ?, takes = ?, sealed = ?
WHERE ub = ? AND id = ?;

-- name: drop_case
DELETE FROM desk_case WHERE ub = ? AND id = ?;

-- name: report
SELECT id, case_id, at, reporter, subject, sealed FROM desk_report WHERE ub = ? AND id = ?;

-- name: reports
SELECT id, case_id, at, reporter, subject, sealed FROM desk_report
WHERE ub = ? AND case_id = ? ORDER BY at, id;

-- name: reports_by
SELECT id, case_id, at, reporter, subject, sealed FROM desk_report
WHERE ub = ? AND reporter = ? AND at >= ? ORDER BY at DESC, id DESC LIMIT ?;

-- name: reporters_of
SELECT count(DISTINCT reporter) FROM desk_report WHERE ub = ? AND subject = ? AND at >= ?;

-- name: add_report
INSERT INTO desk_report (ub, id, case_id, at, reporter, subject, sealed)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: put_report
UPDATE desk_report SET case_id = ?, at = ?, reporter = ?, subject = ?, sealed = ?
WHERE ub = ? AND id = ?;

-- name: drop_reports
DELETE FROM desk_report WHERE ub = ? AND case_id = ?;

-- name: known_evidence
SELECT id FROM desk_evidence WHERE ub = ? AND id = ?;

-- name: evidence
SELECT case_id, n, id, sealed FROM desk_evidence WHERE ub = ? AND case_id = ? ORDER BY n;

-- name: add_evidence
INSERT INTO desk_evidence (ub, case_id, n, id, sealed) VALUES (?, ?, ?, ?, ?);

-- name: put_evidence
UPDATE desk_evidence SET sealed = ? WHERE ub = ? AND case_id = ? AND n = ?;

-- name: drop_evidence
DELETE FROM desk_evidence WHERE ub = ? AND case_id = ?;

-- name: events
SELECT case_id, n, at, number, sealed FROM desk_event WHERE ub = ? AND case_id = ? ORDER BY n;

-- name: events_since
SELECT case_id, n, at, number, sealed FROM desk_event WHERE ub = ? AND at >= ?
ORDER BY at, case_id, n LIMIT ?;

-- name: events_after
SELECT case_id, n, at, number, sealed FROM desk_event WHERE ub = ? AND number > ?
ORDER BY number LIMIT ?;

-- name: add_event
INSERT INTO desk_event (ub, case_id, n, at, number, sealed) VALUES (?, ?, ?, ?, ?, ?);

-- name: put_event
UPDATE desk_event SET sealed = ? WHERE ub = ? AND case_id = ? AND n = ?;

-- name: drop_events
DELETE FROM desk_event WHERE ub = ? AND case_id = ?;

-- name: notices
SELECT id, person, case_id, show_at, sealed FROM desk_notice
WHERE ub = ? AND person = ? AND show_at <= ? ORDER BY show_at DESC, id DESC LIMIT ?;

-- name: notice
SELECT id, person, case_id, show_at, sealed FROM desk_notice
WHERE ub = ? AND id = ? AND person = ?;

-- name: add_notice
INSERT INTO desk_notice (ub, id, person, case_id, show_at, sealed) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING;

-- name: put_notice
UPDATE desk_notice SET sealed = ? WHERE ub = ? AND id = ?;

-- name: drop_notices_to
DELETE FROM desk_notice WHERE ub = ? AND person = ?;

-- name: drop_notices_of
DELETE FROM desk_notice WHERE ub = ? AND case_id = ?;

-- name: head
SELECT sealed FROM desk_head WHERE ub = ? AND name = ?;

-- name: any_line
SELECT n FROM desk_line WHERE ub = ? LIMIT 1;

-- name: any_event
SELECT n FROM desk_event WHERE ub = ? LIMIT 1;

-- name: lines
SELECT n, sealed FROM desk_line WHERE ub = ? AND n >= ? ORDER BY n LIMIT ?;

-- name: add_line
INSERT INTO desk_line (ub, n, sealed) VALUES (?, ?, ?);

-- name: put_head
INSERT INTO desk_head (ub, name, sealed) VALUES (?, ?, ?)
ON CONFLICT (ub, name) DO UPDATE SET sealed = excluded.sealed;
