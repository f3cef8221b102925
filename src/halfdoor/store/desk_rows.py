"""Rows of the review desk: sealed under the account key, found by columns that name nobody.

The columns are compared with what the row says, so that who can write the database without the
outer key can neither change a row nor move it to another queue, person or case (SEALING §2).
"""

import logging
from collections.abc import Sequence
from typing import Any, Final, TypeVar, final

import msgspec

from halfdoor.ids import bucket
from halfdoor.readers.review.records import (
    Case,
    CaseKind,
    CaseState,
    Evidence,
    ModerationEvent,
    Notice,
    Report,
    StaffEntry,
)
from halfdoor.readers.review.staff_log import START
from halfdoor.sealing.labels import Denied, enc, mac
from halfdoor.sealing.outer import RowMacError
from halfdoor.store.accounts_rows import RowKeys
from halfdoor.store.generations import generation_of

R = TypeVar("R", bound=msgspec.Struct)
Row = Sequence[Any]
Values = tuple[Any, ...]

# The bucket of every row of the desk.
UB: Final = bucket("review")
# What the lines of the staff log and the heads are sealed for.
LOG: Final = "staff log"
# What heads are of: the staff log, and the numbers of events over all cases.
LINE: Final = "line"
EVENT: Final = "event"
OVER: Final = frozenset({CaseState.DECIDED, CaseState.CLOSED})

# So that no key seals 2^32 rows, and few keys are kept ready beside those of conversations.
_PARTITIONS: Final = 64

_alarm: Final = logging.getLogger("halfdoor.alarm")


class CaseRow(msgspec.Struct, frozen=True):
    """A case as it is kept, with how many rows belong to it, so that none goes unseen."""

    case: Case
    reports: int = 0
    evidence: int = 0
    events: int = 0


class Head(msgspec.Struct, frozen=True):
    """The last number that was given, and in the staff log the chain of its line."""

    n: int = 0
    chain: bytes = START


@final
class DeskRows:
    """Makes rows and reads them; one that was changed is `RowMacError`, with an alarm.

    A row whose generation another process may have made a moment ago is `Denied` without alarm.
    """

    def __init__(self, keys: RowKeys, k_lookup: bytes) -> None:
        """*k_lookup* makes the hashes of names; it outlives every account key."""
        self._keys = keys
        self._k_lookup = k_lookup

    def name(self, kind: str, text: str) -> bytes:
        """Return what stands for *text* in columns of one *kind*, 32 bytes."""
        return mac(self._k_lookup, enc("desk/name", kind, text))

    def person(self, user: str) -> bytes:
        """Return what stands for somebody who is told something."""
        return self.name("told", user)

    # --- writing --------------------------------------------------------------------------------

    def case_row(self, row: CaseRow) -> Values:
        """Return the values of a case, in the order of its table behind the bucket."""
        return (
            *self._case_columns(row.case),
            self._seal("case", partition(row.case.id), (row.case.id,), row),
        )

    def report_row(self, report: Report) -> Values:
        """Return the values of a report."""
        sealed = self._seal("report", partition(report.case), (report.id,), report)
        return (*self._report_columns(report), sealed)

    def evidence_row(self, evidence: Evidence, n: int) -> Values:
        """Return the values of a piece of evidence, the *n*th of its case."""
        key = (evidence.case, n, evidence.id)
        return (*key, self._seal("evidence", partition(evidence.case), key, evidence))

    def event_row(self, event: ModerationEvent) -> Values:
        """Return the values of an event that has its number."""
        sealed = self._seal("event", partition(event.case), (event.case, event.n), event)
        return (event.case, event.n, event.at, event.number, sealed)

    def notice_row(self, notice: Notice) -> Values:
        """Return the values of a notice."""
        columns = self._notice_columns(notice)
        return (*columns, self._seal("notice", partition(notice.id), (notice.id,), notice))

    def line_row(self, line: StaffEntry) -> Values:
        """Return the values of a line of the staff log that has number and chain."""
        return (line.n, self._seal("line", LOG, (line.n,), line))

    def head_row(self, name: str, head: Head) -> Values:
        """Return the values of the head called *name*."""
        return (name, self._seal("head", LOG, (name,), head))

    # --- reading --------------------------------------------------------------------------------

    def case(self, row: Row) -> CaseRow:
        """Return the case of a row: id, the other columns in their order, sealed."""
        *columns, sealed = row
        key = (columns[0],)
        found = self._open("case", partition(*key), key, sealed, CaseRow)
        self._check_columns("case", columns, self._case_columns(found.case))
        return found

    def report(self, row: Row) -> Report:
        """Return the report of a row."""
        *columns, sealed = row
        report = self._open("report", partition(columns[1]), (columns[0],), sealed, Report)
        self._check_columns("report", columns, self._report_columns(report))
        return report

    def evidence(self, row: Row) -> Evidence:
        """Return the evidence of a row."""
        *key, sealed = row
        return self._open("evidence", partition(key[0]), tuple(key), sealed, Evidence)

    def event(self, row: Row) -> ModerationEvent:
        """Return the event of a row."""
        case, n, *columns, sealed = row
        event = self._open("event", partition(case), (case, n), sealed, ModerationEvent)
        self._check_columns("event", columns, (event.at, event.number))
        return event

    def notice(self, row: Row) -> Notice:
        """Return the notice of a row."""
        *columns, sealed = row
        notice = self._open("notice", partition(columns[0]), (columns[0],), sealed, Notice)
        self._check_columns("notice", columns, self._notice_columns(notice))
        return notice

    def line(self, row: Row) -> StaffEntry:
        """Return the line of the staff log of a row."""
        n, sealed = row
        return self._open("line", LOG, (n,), sealed, StaffEntry)

    def head(self, name: str, sealed: bytes) -> Head:
        """Return the head called *name*."""
        return self._open("head", LOG, (name,), sealed, Head)

    def check_whole(self, table: str, found: int, known: int) -> None:
        """Refuse rows of *table* of which there are other than the *known* many."""
        if found != known:
            raise self.changed(table, "rows are missing")

    def changed(self, table: str, why: str) -> RowMacError:
        """Raise the alarm, and return the error that is to be raised."""
        # Who can write the database without the outer key must not decide what reviewers see, and
        # the operator must hear that somebody tried.
        _alarm.critical("desk_%s was changed without the outer key: %s", table, why)
        return RowMacError(f"desk_{table} was changed without the outer key: {why}")

    # --- inside ---------------------------------------------------------------------------------

    def _case_columns(self, case: Case) -> Values:
        over = case.state in OVER
        return (
            case.id,
            case.revision,
            case.queue,
            case.state.value,
            case.rank,
            case.due,
            0 if case.minor else 1,
            self.name("reason", case.reason),
            None if case.language is None else self.name("language", case.language),
            self.name("subject", case.subject),
            case.opened,
            None if case.holder is None or over else self.name("holder", case.holder),
            None if over or case.alarmed else case.due,
            int(case.kind is CaseKind.REPORT and not over),
        )

    def _report_columns(self, report: Report) -> Values:
        return (
            report.id,
            report.case,
            report.at,
            self.name("reporter", report.reporter),
            self.name("subject", report.subject),
        )

    def _notice_columns(self, notice: Notice) -> Values:
        return (notice.id, self.person(notice.user), notice.case, notice.show_at)

    def _seal(
        self, table: str, partition: str, key: tuple[Any, ...], record: msgspec.Struct
    ) -> bytes:
        body = msgspec.msgpack.encode(record)
        return self._keys.outer.seal(self._keys.account, f"desk_{table}", partition, key, body)

    def _open(
        self, table: str, partition: str, key: tuple[Any, ...], sealed: bytes, kind: type[R]
    ) -> R:
        if self._keys.may_be_newer(generation_of(sealed)):
            # Nobody changed it: whoever asks looks for the key and comes again.
            raise Denied
        try:
            body = self._keys.outer.open(f"desk_{table}", partition, key, sealed)
            return msgspec.msgpack.decode(body, type=kind)
        except (Denied, msgspec.MsgspecError):
            pass
        raise self.changed(table, "a row does not open")

    def _check_columns(self, table: str, found: Sequence[Any], said: Values) -> None:
        if tuple(found) != said:
            raise self.changed(table, "a column is not what the row says")


def partition(id: str) -> str:
    """Return what rows of a case, or a notice, are sealed for: many share one, and its key."""
    return f"review {bucket(id) % _PARTITIONS}"


def is_id(text: str) -> bool:
    """Tell whether *text* may be the id of something here; others are asked for in vain."""
    return text.isascii() and text.isprintable()
