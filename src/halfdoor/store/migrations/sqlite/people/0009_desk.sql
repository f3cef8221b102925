-- The review desk (SAFETY, data model). All rows stand in one bucket by agreement, for queues go
-- over all people. What a row says lies in `sealed`, under the account key; the other columns only
-- find it, and are compared with it when it is read. Names in them are keyed hashes.

-- What a decision does to a person does not wait behind other work.
CREATE INDEX job_queue ON job (queue, run_at);

CREATE TABLE desk_case (
  ub INTEGER NOT NULL,
  id TEXT NOT NULL,
  -- Goes up with every change; who decided on an older one is refused.
  revision INTEGER NOT NULL,
  queue TEXT NOT NULL,
  state TEXT NOT NULL,
  severity INTEGER NOT NULL,
  due INTEGER NOT NULL,
  -- 0 for minors, who come first.
  adult INTEGER NOT NULL,
  reason BLOB NOT NULL,
  language BLOB,
  subject BLOB NOT NULL,
  opened INTEGER NOT NULL,
  holder BLOB,
  -- When an alarm is to go off; NULL once it did, or the case is over.
  watch INTEGER,
  -- 1 while it takes further reports.
  takes INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (ub, id)
);
CREATE INDEX desk_case_due ON desk_case (ub, queue, state, due, adult, id, reason, language);
CREATE INDEX desk_case_severity
  ON desk_case (ub, queue, state, severity, due, adult, id, reason, language);
CREATE INDEX desk_case_subject ON desk_case (ub, subject, opened, id);
CREATE INDEX desk_case_holder ON desk_case (ub, holder, due, id) WHERE holder IS NOT NULL;
CREATE INDEX desk_case_watch ON desk_case (ub, watch, id) WHERE watch IS NOT NULL;

CREATE TABLE desk_report (
  ub INTEGER NOT NULL,
  id TEXT NOT NULL,
  case_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  reporter BLOB NOT NULL,
  subject BLOB NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (ub, id)
);
CREATE INDEX desk_report_case ON desk_report (ub, case_id, at, id);
CREATE INDEX desk_report_reporter ON desk_report (ub, reporter, at, id);
CREATE INDEX desk_report_subject ON desk_report (ub, subject, at, reporter);

-- `n` counts from 1 in each case, as with events: a gap is a row that somebody took away.
CREATE TABLE desk_evidence (
  ub INTEGER NOT NULL,
  case_id TEXT NOT NULL,
  n INTEGER NOT NULL,
  id TEXT NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (ub, case_id, n),
  UNIQUE (ub, id)
);

CREATE TABLE desk_event (
  ub INTEGER NOT NULL,
  case_id TEXT NOT NULL,
  n INTEGER NOT NULL,
  at INTEGER NOT NULL,
  -- Counts over all cases, in the order in which the events became durable.
  number INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (ub, case_id, n),
  UNIQUE (ub, number)
);
CREATE INDEX desk_event_at ON desk_event (ub, at, case_id, n);

CREATE TABLE desk_notice (
  ub INTEGER NOT NULL,
  id TEXT NOT NULL,
  person BLOB NOT NULL,
  case_id TEXT NOT NULL,
  show_at INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (ub, id)
);
CREATE INDEX desk_notice_person ON desk_notice (ub, person, show_at, id);
CREATE INDEX desk_notice_case ON desk_notice (ub, case_id, id);

-- The staff log: each line holds the hash of the one before.
CREATE TABLE desk_line (
  ub INTEGER NOT NULL,
  n INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (ub, n)
);

-- How far the staff log and the numbers of events have come: the rows `line` and `event`.
CREATE TABLE desk_head (
  ub INTEGER NOT NULL,
  name TEXT NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (ub, name)
);
