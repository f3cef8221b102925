"""What stands in a notice, and how it is shown: by the API, and as a message in the app. Pure."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from halfdoor.readers.review.records import Notice
from halfdoor.readers.review.statement_fields import Redress, Statement

_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


class Line(msgspec.Struct, frozen=True):
    """A line of help."""

    title: str
    contact: str


class Rule(msgspec.Struct, frozen=True):
    """A rule by its key and its title."""

    key: str
    title: str


class Shown(msgspec.Struct, frozen=True):
    """A measure as the person concerned is shown it; `until` in ms, None where it stays."""

    kind: str
    until: int | None


class Body(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of a notice. A client shows `help_first` and `help`, where given, before the rest.

    `contest_until` is until when an appeal or a complaint about it is taken (ms).
    """

    title: str
    text: tuple[str, ...]
    help_first: str = ""
    help: tuple[Line, ...] = ()
    reports: tuple[str, ...] = ()
    outcome: str | None = None
    rule: Rule | None = None
    measures: tuple[Shown, ...] = ()
    contest_until: int | None = None
    statement: Statement | None = None
    redress: Redress | None = None


def body_of(notice: Notice) -> Body:
    """Return the body of a notice."""
    return msgspec.json.decode(notice.body, type=Body)


def shown(notice: Notice) -> dict[str, Any]:
    """Return a notice as the API shows it: without the case, and without when it was decided."""
    body: dict[str, Any] = msgspec.json.decode(notice.body)
    return {
        "id": notice.id,
        "kind": notice.kind,
        "at": notice.show_at,
        "read": notice.read,
        **body,
    }


def in_a_message(body: Body) -> str:
    """Return a notice as plain text for a conversation: help first, then the rest."""
    lines = [f"{one.title}: {one.contact}" for one in body.help]
    first = ["\n".join([body.help_first, *lines])] if lines else []
    return "\n\n".join([*first, body.title, *body.text])


def month_in_words(ms: int) -> str:
    """Return the month of a time (UTC), such as November 2026."""
    at = datetime.fromtimestamp(ms / 1000, tz=UTC)
    return f"{_MONTHS[at.month - 1]} {at.year}"


def day_in_words(ms: int) -> str:
    """Return the day of a time (UTC), such as 23 November 2026."""
    at = datetime.fromtimestamp(ms / 1000, tz=UTC)
    return f"{at.day} {month_in_words(ms)}"
