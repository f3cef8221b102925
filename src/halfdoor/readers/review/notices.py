"""What each person is told at one moment, as a value: receipt, outcome, statement, answer. Pure.

No function here takes the text of a message or gives one person's name to another (SAFETY §5.10).
A notice's id follows from what it is about, so that whatever is told twice is told once.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from halfdoor.ids import base64url
from halfdoor.policy.review import Reason, Review
from halfdoor.readers.review import words
from halfdoor.readers.review.notice_body import (
    Body,
    Line,
    Rule,
    Shown,
    day_in_words,
    month_in_words,
)
from halfdoor.readers.review.reasons import help_for
from halfdoor.readers.review.records import Notice, Report, Source
from halfdoor.readers.review.statement_fields import Redress, SourceType
from halfdoor.readers.review.statements import Facts, Taken, statement_of
from halfdoor.safety.measures import DAY_MS, Kind, Measure
from halfdoor.sealing.labels import H, enc

RECEIPT: Final = "receipt"
OUTCOME: Final = "outcome"
STATEMENT: Final = "statement"
WARNING: Final = "warning"
ANSWER: Final = "appeal_outcome"
ACTED, NOTED, NOTHING = "acted", "noted", "nothing"
STAYS, CHANGED = "stays", "changed"
_ID_CHARS: Final = 22


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a notice is for. `minor` also where nobody vouches for the age: plain words are safe."""

    user: str
    minor: bool = True
    region: str | None = None


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """A decision as people are told of it, by the id `decision`.

    `at` is when it can no longer be taken back (ms). `reason` is the key of the rule that was
    broken. `pair` says that it was about a conversation of two, `seen` when what it is about
    happened. `referred` says that an authority heard of it, which reporters count as acting.
    """

    decision: str
    at: int
    reason: str
    measures: tuple[Measure, ...] = ()
    seen: int = 0
    pair: bool = True
    by_machine: bool = False
    referred: bool = False

    @property
    def felt(self) -> tuple[Measure, ...]:
        """What the subject feels: everything but labels, which change nothing for them."""
        return tuple(one for one in self.measures if one.kind is not Kind.LABEL)

    @property
    def outcome(self) -> str:
        """What reporters are told became of it."""
        if self.felt or self.referred:
            return ACTED
        return NOTED if self.measures else NOTHING

    @property
    def begins(self) -> int:
        """When the first measure begins, which is when anybody may be told (ms)."""
        return max(self.at, min((one.starts for one in self.felt), default=self.at))


def notice_id(kind: str, about: str, user: str) -> str:
    """Return the id of the one notice of *kind* that *user* gets about one thing."""
    return "ntc_" + base64url(H(enc("notice-id", kind, about, user)))[:_ID_CHARS]


def help_lines(review: Review, reason: Reason | None, region: str | None) -> tuple[Line, ...]:
    """Return who can help: of each kind that the reason names the lines of one's own country.

    Where it has none, those for everybody.
    """
    kinds = reason.help if reason is not None else ()
    return tuple(Line(one.title, one.contact) for one in help_for(review, kinds, region))


def receipt(review: Review, report: Report, reader: Reader) -> Notice:
    """Return what whoever filed *report* is told at once: help first, then what happens next."""
    return _for_reporter(review, RECEIPT, report.id, [report], reader, report.at, "receipt")


def outcomes(
    review: Review, ruling: Ruling, reports: Iterable[Report], reader: Reader, now: int
) -> tuple[Notice, ...]:
    """Return what one reporter, whose *reports* these are, is told of the decision.

    Reports that leave no trace get a notice of their own, which leaves none either.
    """
    own = [one for one in reports if one.reporter == reader.user]
    told = []
    for hidden in (False, True):
        group = [one for one in own if one.hidden is hidden]
        if group:
            told.append(
                _for_reporter(
                    review,
                    OUTCOME,
                    ruling.decision,
                    group,
                    reader,
                    now,
                    f"outcome_{ruling.outcome}",
                    outcome=ruling.outcome,
                )
            )
    return tuple(told)


def statement(
    review: Review,
    case: str,
    ruling: Ruling,
    reader: Reader,
    now: int,
    sources: Sequence[Source] = (Source.USER,),
) -> Notice | None:
    """Return the statement of reasons for the subject; None where they feel nothing of it.

    A decision without measures says nothing to them: they never learn that there was a report.
    """
    felt = ruling.felt
    if not felt:
        return None
    reason = review.reason(ruling.reason)
    title = reason.title if reason is not None else ruling.reason
    name = notice_id(STATEMENT, ruling.decision, reader.user)
    made = statement_of(
        Facts(
            puid=name,
            rule=title,
            category=reason.category if reason is not None else _OTHER_CATEGORY,
            keyword=reason.keyword if reason is not None else _OTHER_KEYWORD,
            measures=tuple(Taken(kind=one.kind, until=one.ends) for one in felt),
            seen=ruling.seen,
            starts=ruling.begins,
            month_only=ruling.pair,
            source=_source(sources),
            by_machine=ruling.by_machine,
        )
    )
    until = now + review.desk.appeal_days * DAY_MS
    kinds = [one.kind for one in felt if one.kind in words.MEASURES]
    key = "warning" if set(kinds) == {Kind.WARNING} else "statement"
    heading, text = words.say(
        key,
        minor=reader.minor,
        rule=title,
        when=month_in_words(ruling.seen) if ruling.pair else day_in_words(ruling.seen),
        measures="; ".join(_measure(one) for one in felt),
        decided=words.DECIDED_BY_A_MACHINE if ruling.by_machine else words.DECIDED_BY_A_PERSON,
        contest=day_in_words(until),
    )
    body = Body(
        title=heading,
        text=text,
        rule=Rule(ruling.reason, title),
        measures=tuple(Shown(one.kind, one.ends) for one in felt),
        contest_until=until,
        statement=made,
        redress=Redress(internal_until=until),
    )
    return _notice(name, reader.user, case, WARNING if key == "warning" else STATEMENT, now, body)


def answer(
    review: Review,
    case: str,
    about: str,
    key: str,
    reader: Reader,
    now: int,
    *,
    reports: Sequence[Report] = (),
    outcome: str,
) -> Notice:
    """Return what somebody is told after a second look; *about* names what was looked at again.

    *key* is one of the catalogue's texts. Whoever reported gets help first here too.
    """
    if reports:
        return _for_reporter(
            review, ANSWER, about, list(reports), reader, now, key, outcome=outcome, contest=False
        )
    title, text = words.say(key, minor=reader.minor)
    body = Body(title=title, text=text, outcome=outcome)
    return _notice(notice_id(ANSWER, about, reader.user), reader.user, case, ANSWER, now, body)


def false_reports(
    case: str, count: int, reader: Reader, now: int, *, hidden: bool = False
) -> Notice:
    """Return the warning to somebody whose last *count* reports did not hold (DSA Art. 23)."""
    title, text = words.say("false_reports", minor=reader.minor, count=str(count))
    body = Body(title=title, text=text)
    name = notice_id("false_reports", case, reader.user)
    return _notice(name, reader.user, case, WARNING, now, body, hidden=hidden)


# --- inside -----------------------------------------------------------------------------------

_OTHER_CATEGORY: Final = "STATEMENT_CATEGORY_OTHER_VIOLATION_TC"
_OTHER_KEYWORD: Final = "KEYWORD_OTHER"


def _for_reporter(
    review: Review,
    kind: str,
    about: str,
    reports: list[Report],
    reader: Reader,
    now: int,
    key: str,
    *,
    outcome: str | None = None,
    contest: bool = True,
) -> Notice:
    reason = review.reason(reports[0].reason)
    until = now + review.desk.appeal_days * DAY_MS if outcome is not None and contest else None
    facts = {"contest": day_in_words(until)} if until is not None else {}
    title, text = words.say(key, minor=reader.minor, **facts)
    lines = help_lines(review, reason, reader.region)
    danger = reason is not None and reason.danger
    body = Body(
        title=title,
        text=text,
        help_first=(words.HELP_DANGER if danger else words.HELP_HARM) if lines else "",
        help=lines,
        reports=tuple(one.id for one in reports),
        outcome=outcome,
        contest_until=until,
    )
    hidden = any(one.hidden for one in reports)
    # Hidden ones apart, even where both are about the same thing.
    name = notice_id(kind, f"{about} {hidden}", reader.user)
    return _notice(name, reader.user, reports[0].case, kind, now, body, hidden=hidden)


def _notice(
    name: str, user: str, case: str, kind: str, now: int, body: Body, *, hidden: bool = False
) -> Notice:
    return Notice(
        id=name,
        user=user,
        case=case,
        kind=kind,
        at=now,
        show_at=now,
        body=msgspec.json.encode(body),
        hidden=hidden,
    )


def _measure(measure: Measure) -> str:
    days = None if measure.ends is None else round((measure.ends - measure.starts) / DAY_MS)
    return words.MEASURES[measure.kind].format(days=words.days_in_words(days))


def _source(sources: Sequence[Source]) -> SourceType:
    """Return how it came to be known, by the strongest of those who told us."""
    if Source.TRUSTED_FLAGGER in sources:
        return SourceType.TRUSTED_FLAGGER
    return SourceType.ARTICLE_16 if sources else SourceType.VOLUNTARY
