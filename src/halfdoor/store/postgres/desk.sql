-- The review desk; all rows stand in one bucket (store/desk_rows.py).

-- name: case
SELECT id, revision, queue, state, severity, due, adult, reason, language, subject, opened, holder,
  watch, takes, sealed
FROM desk_case WHERE ub = $1 AND id = $2;

-- name: cases_locked
SELECT id, revision, queue, state, severity, due, adult, reason, language, subject, opened, holder,
  watch, takes, sealed
FROM desk_case WHERE ub = $1 AND id = ANY($2::text[]) ORDER BY id FOR UPDATE;

-- name: open_case
SELECT id, revision, queue, state, severity, due, adult, reason, language, subject, opened, holder,
  watch, takes, sealed
FROM desk_case WHERE ub = $1 AND subject = $2 AND queue = $3 AND takes = 1
ORDER BY opened, id LIMIT 1;

-- name: cases_about
SELECT id, revision, queue, state, severity, due, adult, reason, language, subject, opened, holder,
  watch, takes, sealed
FROM desk_case WHERE ub = $1 AND subject = $2 ORDER BY opened DESC, id DESC LIMIT $3;

-- name: held_by
SELECT id, revision, queue, state, severity, due, adult, reason, language, subject, opened, holder,
  watch, takes, sealed
FROM desk_case WHERE ub = $1 AND holder = $2 ORDER BY due, id;

-- name: overdue
SELECT id, revision, queue, state, severity, due, adult, reason, language, subject, opened, holder,
  watch, takes, sealed
FROM desk_case WHERE ub = $1 AND watch <= $2 ORDER BY watch, id LIMIT $3;

-- Every queue and state goes on behind the same place by an index of its own, and the best of all
-- are taken.
-- name: page_by_due
SELECT page.* FROM unnest($2::text[]) AS asked (queue)
CROSS JOIN unnest($3::text[]) AS standing (state)
CROSS JOIN LATERAL (SELECT id, revision, queue, state, severity, due, adult, reason, language,
    subject, opened, holder, watch, takes, sealed
  FROM desk_case
  WHERE ub = $1 AND queue = asked.queue AND state = standing.state
    AND (due, adult, id) > ($4::bigint, $5::smallint, $6::text)
    AND ($7::smallint IS NULL OR adult = $7) AND ($8::bytea IS NULL OR reason = $8)
    AND ($9::bytea IS NULL OR language = $9)
  ORDER BY due, adult, id LIMIT $10) AS page
ORDER BY page.due, page.adult, page.id LIMIT $10;

-- name: page_by_severity
SELECT page.* FROM unnest($2::text[]) AS asked (queue)
CROSS JOIN unnest($3::text[]) AS standing (state)
CROSS JOIN LATERAL (SELECT id, revision, queue, state, severity, due, adult, reason, language,
    subject, opened, holder, watch, takes, sealed
  FROM desk_case
  WHERE ub = $1 AND queue = asked.queue AND state = standing.state
    AND (severity, due, adult, id) > ($4::smallint, $5::bigint, $6::smallint, $7::text)
    AND ($8::smallint IS NULL OR adult = $8) AND ($9::bytea IS NULL OR reason = $9)
    AND ($10::bytea IS NULL OR language = $10)
  ORDER BY severity, due, adult, id LIMIT $11) AS page
ORDER BY page.severity, page.due, page.adult, page.id LIMIT $11;

-- name: counts
SELECT queue, state, count(*), min(due) FROM desk_case WHERE ub = $1
GROUP BY queue, state ORDER BY queue, state;

-- name: add_case
INSERT INTO desk_case (ub, id, revision, queue, state, severity, due, adult, reason, language,
  subject, opened, holder, watch, takes, sealed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16);

-- name: put_case
UPDATE desk_case SET revision = $1, queue = $2, state = $3, severity = $4, due = $5, adult = $6,
  reason = $7, language = $8, subject = $9, opened = $10, holder = $11, watch = $12, takes = $13,
  sealed = $14
WHERE ub = $15 AND id = $16;

-- name: drop_case
DELETE FROM desk_case WHERE ub = $1 AND id = $2;

-- name: report
SELECT id, case_id, at, reporter, subject, sealed FROM desk_report WHERE ub = $1 AND id = $2;

-- name: known_reports
SELECT id FROM desk_report WHERE ub = $1 AND id = ANY($2::text[]);

-- name: reports
SELECT id, case_id, at, reporter, subject, sealed FROM desk_report
WHERE ub = $1 AND case_id = $2 ORDER BY at, id;

-- name: reports_by
SELECT id, case_id, at, reporter, subject, sealed FROM desk_report
WHERE ub = $1 AND reporter = $2 AND at >= $3 ORDER BY at DESC, id DESC LIMIT $4;

-- name: reporters_of
SELECT count(DISTINCT reporter) FROM desk_report WHERE ub = $1 AND subject = $2 AND at >= $3;

-- name: add_report
INSERT INTO desk_report (ub, id, case_id, at, reporter, subject, sealed)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: put_report
UPDATE desk_report SET case_id = $1, at = $2, reporter = $3, subject = $4, sealed = $5
WHERE ub = $6 AND id = $7;

-- name: drop_reports
DELETE FROM desk_report WHERE ub = $1 AND case_id = $2;

-- name: known_evidence
SELECT id FROM desk_evidence WHERE ub = $1 AND id = ANY($2::text[]);

-- name: evidence
SELECT case_id, n, id, sealed FROM desk_evidence WHERE ub = $1 AND case_id = $2 ORDER BY n;

-- name: add_evidence
INSERT INTO desk_evidence (ub, case_id, n, id, sealed) VALUES ($1, $2, $3, $4, $5);

-- name: put_evidence
UPDATE desk_evidence SET sealed = $1 WHERE ub = $2 AND case_id = $3 AND n = $4;

-- name: drop_evidence
DELETE FROM desk_evidence WHERE ub = $1 AND case_id = $2;

-- name: events
SELECT case_id, n, at, number, sealed FROM desk_event WHERE ub = $1 AND case_id = $2 ORDER BY n;

-- name: events_since
SELECT case_id, n, at, number, sealed FROM desk_event WHERE ub = $1 AND at >= $2
ORDER BY at, case_id, n LIMIT $3;

-- name: events_after
SELECT case_id, n, at, number, sealed FROM desk_event WHERE ub = $1 AND number > $2
ORDER BY number LIMIT $3;

-- name: add_event
INSERT INTO desk_event (ub, case_id, n, at, number, sealed) VALUES ($1, $2, $3, $4, $5, $6);

-- name: put_event
UPDATE desk_event SET sealed = $1 WHERE ub = $2 AND case_id = $3 AND n = $4;

-- name: drop_events
DELETE FROM desk_event WHERE ub = $1 AND case_id = $2;

-- name: notices
SELECT id, person, case_id, show_at, sealed FROM desk_notice
WHERE ub = $1 AND person = $2 AND show_at <= $3 ORDER BY show_at DESC, id DESC LIMIT $4;

-- name: notice_locked
SELECT id, person, case_id, show_at, sealed FROM desk_notice
WHERE ub = $1 AND id = $2 AND person = $3 FOR UPDATE;

-- name: notice
SELECT id, person, case_id, show_at, sealed FROM desk_notice
WHERE ub = $1 AND id = $2 AND person = $3;

-- name: add_notice
INSERT INTO desk_notice (ub, id, person, case_id, show_at, sealed) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING;

-- name: put_notice
UPDATE desk_notice SET sealed = $1 WHERE ub = $2 AND id = $3;

-- name: drop_notices_to
DELETE FROM desk_notice WHERE ub = $1 AND person = $2;

-- name: drop_notices_of
DELETE FROM desk_notice WHERE ub = $1 AND case_id = $2;

-- name: head
SELECT sealed FROM desk_head WHERE ub = $1 AND name = $2;

-- name: head_locked
SELECT sealed FROM desk_head WHERE ub = $1 AND name = $2 FOR UPDATE;

-- name: add_head
INSERT INTO desk_head (ub, name, sealed) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: any_event
SELECT n FROM desk_event WHERE ub = $1 LIMIT 1;

-- name: any_line
SELECT n FROM desk_line WHERE ub = $1 LIMIT 1;

-- name: lines
SELECT n, sealed FROM desk_line WHERE ub = $1 AND n >= $2 ORDER BY n LIMIT $3;

-- name: add_line
INSERT INTO desk_line (ub, n, sealed) VALUES ($1, $2, $3);

-- name: put_head
UPDATE desk_head SET sealed = $3 WHERE ub = $1 AND name = $2;
