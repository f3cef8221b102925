-- The review desk (SAFETY, data model). All rows stand in one bucket by agreement, for queues go
-- over all people. What a row says lies in `sealed`, under the account key; the other columns only
-- find it, and are compared with it when it is read. Names in them are keyed hashes.

-- What a decision does to a person does not wait behind other work.
CREATE INDEX job_queue ON job (queue, run_at);

CREATE TABLE desk_case (
  ub smallint NOT NULL,
  id text COLLATE "C" NOT NULL,
  -- Goes up with every change; who decided on an older one is refused.
  revision bigint NOT NULL,
  queue text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL,
  severity smallint NOT NULL,
  due bigint NOT NULL,
  -- 0 for minors, who come first.
  adult smallint NOT NULL,
  reason bytea NOT NULL,
  language bytea,
  subject bytea NOT NULL,
  opened bigint NOT NULL,
  holder bytea,
  -- When an alarm is to go off; NULL once it did, or the case is over.
  watch bigint,
  -- 1 while it takes further reports.
  takes smallint NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (ub, id)
);
CREATE INDEX desk_case_due ON desk_case (ub, queue, state, due, adult, id, reason, language);
CREATE INDEX desk_case_severity
  ON desk_case (ub, queue, state, severity, due, adult, id, reason, language);
CREATE INDEX desk_case_subject ON desk_case (ub, subject, opened, id);
CREATE INDEX desk_case_holder ON desk_case (ub, holder, due, id) WHERE holder IS NOT NULL;
CREATE INDEX desk_case_watch ON desk_case (ub, watch, id) WHERE watch IS NOT NULL;

CREATE TABLE desk_report (
  ub smallint NOT NULL,
  id text COLLATE "C" NOT NULL,
  case_id text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  reporter bytea NOT NULL,
  subject bytea NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (ub, id)
);
CREATE INDEX desk_report_case ON desk_report (ub, case_id, at, id);
CREATE INDEX desk_report_reporter ON desk_report (ub, reporter, at, id);
CREATE INDEX desk_report_subject ON desk_report (ub, subject, at, reporter);

-- `n` counts from 1 in each case, as with events: a gap is a row that somebody took away.
CREATE TABLE desk_evidence (
  ub smallint NOT NULL,
  case_id text COLLATE "C" NOT NULL,
  n bigint NOT NULL,
  id text COLLATE "C" NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (ub, case_id, n),
  UNIQUE (ub, id)
);

CREATE TABLE desk_event (
  ub smallint NOT NULL,
  case_id text COLLATE "C" NOT NULL,
  n bigint NOT NULL,
  at bigint NOT NULL,
  -- Counts over all cases, in the order in which the events became durable.
  number bigint NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (ub, case_id, n),
  UNIQUE (ub, number)
);
CREATE INDEX desk_event_at ON desk_event (ub, at, case_id, n);

CREATE TABLE desk_notice (
  ub smallint NOT NULL,
  id text COLLATE "C" NOT NULL,
  person bytea NOT NULL,
  case_id text COLLATE "C" NOT NULL,
  show_at bigint NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (ub, id)
);
CREATE INDEX desk_notice_person ON desk_notice (ub, person, show_at, id);
CREATE INDEX desk_notice_case ON desk_notice (ub, case_id, id);

-- The staff log: each line holds the hash of the one before.
CREATE TABLE desk_line (
  ub smallint NOT NULL,
  n bigint NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (ub, n)
);

-- How far the staff log and the numbers of events have come: the rows `line` and `event`.
CREATE TABLE desk_head (
  ub smallint NOT NULL,
  name text COLLATE "C" NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (ub, name)
);
