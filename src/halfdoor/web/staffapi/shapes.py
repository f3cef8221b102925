"""The answers of the staff interface; its OpenAPI document is made from them.

Records of the desk are copied field by field: a case holds the key of its evidence, and what is
added to a record later must not go out by itself.
"""

from base64 import b64encode
from typing import Any

import msgspec

from halfdoor.readers.review.case_view import CaseSummary
from halfdoor.readers.review.choices import Choice, Decision, Proposal
from halfdoor.readers.review.contests import Contest
from halfdoor.readers.review.megolm_evidence import Proof
from halfdoor.readers.review.records import Case, CaseKind, CaseState, StaffEntry
from halfdoor.readers.review.referral_events import Referral
from halfdoor.readers.review.reveal import Revealed, Verdict
from halfdoor.readers.review.sealed_files import Package
from halfdoor.safety.measures import Kind


class Nothing(msgspec.Struct, frozen=True, kw_only=True):
    """An empty object."""


class CaseShown(msgspec.Struct, frozen=True, kw_only=True):
    """A case, without people, content or keys. Times are ms since 1970."""

    id: str
    kind: CaseKind
    reason: str
    queue: str
    rank: int
    state: CaseState
    opened: int
    due: int
    minor: bool
    child_safety: bool
    language: str | None
    region: str | None
    reports: int
    lease_until: int
    decided_at: int | None
    origin: str | None
    merged_into: str | None
    revision: int


def case_shown(case: Case) -> CaseShown:
    """Return what goes out of *case*."""
    return CaseShown(
        id=case.id,
        kind=case.kind,
        reason=case.reason,
        queue=case.queue,
        rank=case.rank,
        state=case.state,
        opened=case.opened,
        due=case.due,
        minor=case.minor,
        child_safety=case.child_safety,
        language=case.language,
        region=case.region,
        reports=case.reports,
        lease_until=case.lease_until,
        decided_at=case.decided_at,
        origin=case.origin,
        merged_into=case.merged_into,
        revision=case.revision,
    )


class QueueShown(msgspec.Struct, frozen=True, kw_only=True):
    """Cases in the order of the desk; go on behind the last one with `after`."""

    cases: list[CaseSummary]


class NextCase(msgspec.Struct, frozen=True, kw_only=True):
    """The case that was claimed, null where none waits."""

    case: CaseShown | None


class RevealedShown(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was opened; `content` is the event's, hostile or not, to be shown as text.

    Of what was encrypted end to end: `proof` is how it is known, `loose` what of it the reporter
    could have chosen, `hashes` (hex) files that the reporter named.
    """

    id: str
    type: str
    content: dict[str, Any]
    by: str
    at: int
    verdict: Verdict
    context: bool
    redacted: bool
    proof: Proof | None = None
    loose: str = ""
    hashes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"RevealedShown({self.id!r})"


def revealed_shown(one: Revealed) -> RevealedShown:
    """Return what goes out of *one*."""
    return RevealedShown(
        id=one.id,
        type=one.type,
        content=one.content,
        by=one.by,
        at=one.at,
        verdict=one.verdict,
        context=one.context,
        redacted=one.redacted,
        proof=one.proof,
        loose=one.loose,
        hashes=tuple(each.hex() for each in one.hashes),
    )


class Unmasked(msgspec.Struct, frozen=True, kw_only=True):
    """Who a label stands for."""

    label: str
    user: str


class MeasureShown(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a decision does."""

    kind: Kind
    starts: int
    ends: int | None
    scope: str


class DecisionShown(msgspec.Struct, frozen=True, kw_only=True):
    """A decision, without the person it is about: a name takes unmasking."""

    id: str
    case: str
    reason: str
    by: str
    second: str | None
    at: int
    undo_until: int
    starts: int
    measures: list[MeasureShown]
    strike: bool
    refer: bool
    facts: str


def decision_shown(one: Decision) -> DecisionShown:
    """Return what goes out of *one*."""
    return DecisionShown(
        id=one.id,
        case=one.case,
        reason=one.reason,
        by=one.by,
        second=one.second,
        at=one.at,
        undo_until=one.undo_until,
        starts=one.starts,
        measures=[
            MeasureShown(kind=it.kind, starts=it.starts, ends=it.ends, scope=it.scope)
            for it in one.measures
        ],
        strike=one.strike,
        refer=one.refer,
        facts=one.facts,
    )


class ProposalShown(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody proposed, for a second person to look at."""

    id: str
    by: str
    choice: Choice


def proposal_shown(one: Proposal) -> ProposalShown:
    """Return what goes out of *one*."""
    return ProposalShown(id=one.id, by=one.by, choice=one.choice)


class ContestShown(msgspec.Struct, frozen=True, kw_only=True):
    """An appeal (by the subject) or a complaint (by a reporter), without their names.

    `text` is there while you hold it, `original` once you judged for yourself.
    """

    case: CaseShown
    at: int
    text: str | None
    judged: Choice | None
    original: DecisionShown | None
    own: bool

    def __repr__(self) -> str:
        return f"ContestShown({self.case.id!r})"


def contest_shown(one: Contest) -> ContestShown:
    """Return what goes out of *one*."""
    return ContestShown(
        case=case_shown(one.case),
        at=one.at,
        text=one.text,
        judged=one.judged,
        original=decision_shown(one.original) if one.original is not None else None,
        own=one.own,
    )


class Contests(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for an answer."""

    appeals: list[ContestShown]


class ReferralsShown(msgspec.Struct, frozen=True, kw_only=True):
    """The referrals of a case, oldest first."""

    referrals: list[Referral]


class PackageFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file beside a report, in base64."""

    name: str
    content: str
    viewed: bool


class PackageShown(msgspec.Struct, frozen=True, kw_only=True):
    """A referral to be filed by hand: the report (XML, base64), and its files."""

    referral: str
    case: str
    report: str
    files: list[PackageFile]


def package_shown(package: Package) -> PackageShown:
    """Return what goes out of *package*."""
    return PackageShown(
        referral=package.referral,
        case=package.case,
        report=b64encode(package.report).decode(),
        files=[
            PackageFile(name=one.name, content=b64encode(one.content).decode(), viewed=one.viewed)
            for one in package.files
        ],
    )


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the staff log; `chain` (hex) hangs on the line before."""

    n: int
    at: int
    staff: str
    what: str
    case: str | None
    about: str | None
    reason: str
    chain: str


def log_line(line: StaffEntry) -> LogLine:
    """Return what goes out of *line*."""
    return LogLine(
        n=line.n,
        at=line.at,
        staff=line.staff,
        what=line.what,
        case=line.case,
        about=line.about,
        reason=line.reason,
        chain=line.chain.hex(),
    )


class LogPage(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of the staff log; go on behind `next`."""

    lines: list[LogLine]
    next: int


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """One event, as a webhook tells it."""

    number: int
    type: str
    case: str
    at: int
    late: str | None


class EventPage(msgspec.Struct, frozen=True, kw_only=True):
    """Events in their order; go on behind `next`."""

    events: list[Happened]
    next: int


class Myself(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks."""

    id: str
    name: str
    roles: list[str]
    place: str
    opted_out: list[str]


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A session: send the token as `Authorization: Bearer`."""

    token: str

    def __repr__(self) -> str:
        return "Token(…)"


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why nothing was done."""

    errcode: str
    error: str
