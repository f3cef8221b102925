"""What a decision does to a person, what of it holds at a moment, and which strikes count. Pure.

Measures form a set in which each is found by its id and may be reversed once: joining two sets
gives the same whatever came first or came twice, so that whoever carries a decision out may do it
again, late, and in any order (SAFETY §5.3).
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Protocol

import msgspec

DAY_MS: Final = 86_400_000


class Kind(StrEnum):
    """The rungs of the ladder, from the mildest to the end of an account."""

    LABEL = "label"
    REMOVE_MESSAGE = "remove_message"
    WARNING = "warning"
    NO_NEW_CONVERSATIONS = "no_new_conversations"
    NO_MEDIA = "no_media"
    NO_MINORS = "no_minors"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"


# What binds a person until it ends; the others happen once.
LIMITING: Final = frozenset(
    {
        Kind.LABEL,
        Kind.NO_NEW_CONVERSATIONS,
        Kind.NO_MEDIA,
        Kind.NO_MINORS,
        Kind.SUSPENDED,
        Kind.TERMINATED,
    }
)
# For how many days features are limited or an account is suspended (SAFETY §5.3).
LADDER_DAYS: Final = (1, 7, 30)


class Held(Protocol):
    """What the fold reads of a measure, however it is kept."""

    @property
    def kind(self) -> str:
        """The value of a `Kind`."""

    @property
    def scope(self) -> str:
        """What it is about beside the person: the name of a label, or an event id."""

    @property
    def starts(self) -> int:
        """From when it holds (ms since 1970)."""

    @property
    def ends(self) -> int | None:
        """Until when, this moment not included; None for as long as nobody reverses it."""

    @property
    def reversed(self) -> int | None:
        """When it was taken back; None while it stands."""


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """One measure of one decision. Times are ms since 1970, `ends` None where it has no end.

    `scope` names a label, or the event that is removed from `room`.
    """

    id: str
    kind: Kind
    decision: str
    starts: int
    ends: int | None = None
    scope: str = ""
    room: str = ""
    reversed: int | None = None


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a person may not do at a moment; `until` is when that may change by time alone."""

    no_new_conversations: bool = False
    no_media: bool = False
    no_minors: bool = False
    suspended: bool = False
    terminated: bool = False
    labels: frozenset[str] = frozenset()
    until: int | None = None

    def stand(self, now: int) -> bool:
        """Tell whether these limits are still those of the moment *now*."""
        return self.until is None or now < self.until


# Of everybody about whom nothing was decided.
NONE: Final = Limits()
SUSPENDED: Final = Limits(suspended=True)


def holds(measure: Held, now: int) -> bool:
    """Tell whether *measure* holds at *now*: it has begun, not ended, and was not taken back."""
    if measure.reversed is not None or now < measure.starts:
        return False
    return measure.ends is None or now < measure.ends


def fold(measures: Iterable[Held], now: int, *, suspended: bool = False) -> Limits:
    """Return what *measures* forbid at *now*, in whatever order they come.

    *suspended* is what somebody else than the review desk decided; neither lifts the other. An
    account that was ended is suspended too, wherever a session of it is still on its way.
    """
    kinds: set[str] = set()
    labels: set[str] = set()
    changes: list[int] = []
    for one in measures:
        if one.reversed is not None:
            continue
        if now < one.starts:
            changes.append(one.starts)
        elif one.ends is None or now < one.ends:
            kinds.add(one.kind)
            if one.kind == Kind.LABEL:
                labels.add(one.scope)
            if one.ends is not None:
                changes.append(one.ends)
    terminated = Kind.TERMINATED in kinds
    return Limits(
        no_new_conversations=Kind.NO_NEW_CONVERSATIONS in kinds,
        no_media=Kind.NO_MEDIA in kinds,
        no_minors=Kind.NO_MINORS in kinds,
        suspended=suspended or terminated or Kind.SUSPENDED in kinds,
        terminated=terminated,
        labels=frozenset(labels),
        until=min(changes, default=None),
    )


class Strike(msgspec.Struct, frozen=True, kw_only=True):
    """That somebody broke a rule: of severity *rank* (0 the worst), by the decision *decision*."""

    decision: str
    at: int
    rank: int
    child_safety: bool = False


def strike_ends(strike: Strike, days: int, severe_days: int) -> int | None:
    """Return when *strike* counts no more: after *days*, a severe one after *severe_days*.

    None for never: harm to a child is not forgotten (SAFETY §5.3).
    """
    if strike.child_safety:
        return None
    return strike.at + (severe_days if strike.rank <= 1 else days) * DAY_MS


def standing(
    strikes: Iterable[Strike], now: int, *, days: int, severe_days: int
) -> tuple[Strike, ...]:
    """Return the strikes that count at *now*, each decision once, oldest first."""
    found: dict[str, Strike] = {}
    for one in strikes:
        ends = strike_ends(one, days, severe_days)
        if one.at <= now and (ends is None or now < ends):
            found[one.decision] = one
    return tuple(sorted(found.values(), key=lambda one: (one.at, one.decision)))
