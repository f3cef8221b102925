"""What may be decided about a case, with which reason, and what needs a second person. Pure."""

import re
from collections.abc import Collection
from typing import Final

import msgspec

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.policy.review import Reason, Review
from halfdoor.readers.review.errors import ChoiceRefusedError, RoleError, SecondPersonError
from halfdoor.readers.review.queue_roles import VAULT
from halfdoor.readers.review.records import Case
from halfdoor.safety.measures import LADDER_DAYS, Kind, Measure

MAX_ACTIONS: Final = 60
MAX_FACTS: Final = 5_000
# What lasts for a number of days of the ladder.
TIMED: Final = frozenset({Kind.NO_NEW_CONVERSATIONS, Kind.NO_MEDIA, Kind.NO_MINORS, Kind.SUSPENDED})
# What may be taken more than once in one decision: each has another scope.
_MANY: Final = frozenset({Kind.LABEL, Kind.REMOVE_MESSAGE})
# The least severe rank (3 is the mildest) for which each may be taken.
_RANKS: Final = {Kind.SUSPENDED: 2, Kind.TERMINATED: 1}
_LABEL: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do. `days` is 1, 7 or 30 for what lasts, else None.

    `scope` is the name of a label, or the event to remove; `room` its conversation.
    """

    kind: Kind
    days: int | None = None
    scope: str = ""
    room: str = ""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What a reviewer decides: the rule that was broken, what is done, and why.

    Without `actions` and `refer` the report did not hold; then `reason` may be empty. `facts` are
    words of the reviewer's own, never those of a message. `strike` counts the breach against the
    subject; `refer` reports it to the authorities. `reports` is how many reports the case had when
    it was looked at, None where nobody looked: one that came since must be looked at first.
    """

    reason: str = ""
    actions: tuple[Action, ...] = ()
    facts: str = ""
    strike: bool = True
    refer: bool = False
    reports: int | None = None

    def __repr__(self) -> str:
        return f"Choice({self.reason!r}, {[one.kind.value for one in self.actions]})"

    @property
    def acts(self) -> bool:
        """Whether anything is done: else the report did not hold."""
        return bool(self.actions) or self.refer


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A choice that waits for a second person: the detail of a `proposed` event."""

    id: str
    by: str
    people: tuple[str, ...] = ()
    choice: Choice = Choice()


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A choice that was made: the detail of a `decided` event. Times are ms since 1970.

    Nothing of it is done before `acts_at`, the end of the time to take it back; where somebody is
    in `danger` that is at once. `measures` begin at `starts`, which in a conversation of two
    (`pair`) is a random moment later: their hour must not name the reporter (SAFETY §5.10).
    """

    id: str
    case: str
    subject: str
    reason: str
    rank: int
    by: str
    at: int
    undo_until: int
    acts_at: int
    starts: int
    second: str | None = None
    measures: tuple[Measure, ...] = ()
    strike: bool = False
    refer: bool = False
    danger: bool = False
    pair: bool = False
    child_safety: bool = False
    facts: str = ""

    def __repr__(self) -> str:
        return (
            f"Decision({self.id!r}, {self.reason!r}, {[one.kind.value for one in self.measures]})"
        )

    @property
    def holds(self) -> bool:
        """Whether the report held: something was found that is against a rule."""
        return bool(self.measures) or self.refer


def check_choice(
    review: Review,
    staff: StaffMember,
    case: Case,
    choice: Choice,
    *,
    written: Collection[tuple[str, str]],
    strikes: int,
) -> Reason | None:
    """Refuse a choice that is none; return the reason it stands on, None where nothing was found.

    *written* are room and event id of each message that is proven to be the subject's, *strikes*
    how many count against them now. Raises `ChoiceRefusedError`, and `RoleError` for what belongs
    to the vault.
    """
    if len(choice.facts) > MAX_FACTS or not _is_text(choice.facts):
        raise ChoiceRefusedError(f"The facts have at most {MAX_FACTS} characters.")
    if not choice.acts:
        return review.reason(choice.reason) if choice.reason else None
    reason = review.reason(choice.reason)
    if reason is None:
        raise ChoiceRefusedError("The policy has no such reason.")
    if (reason.child_safety or choice.refer) and not staff.may(VAULT):
        raise RoleError("This belongs to the child-safety desk: escalate the case.")
    if reason.child_safety and not case.child_safety:
        raise ChoiceRefusedError("This is child safety: escalate the case to that queue first.")
    if choice.refer and not (reason.child_safety or reason.danger):
        raise ChoiceRefusedError("A breach of this rule is not reported to the authorities.")
    if len(choice.actions) > MAX_ACTIONS:
        raise ChoiceRefusedError(f"A decision has at most {MAX_ACTIONS} actions.")
    for at, action in enumerate(choice.actions):
        before = choice.actions[:at]
        if any(_same(action, one) for one in before):
            raise ChoiceRefusedError("A decision takes each action once.")
        _check_action(review, reason, action, written, strikes)
    return reason


def _check_action(
    review: Review,
    reason: Reason,
    action: Action,
    written: Collection[tuple[str, str]],
    strikes: int,
) -> None:
    if action.kind in TIMED:
        forever = action.days is None and action.kind is Kind.NO_MINORS and reason.child_safety
        if action.days not in LADDER_DAYS and not forever:
            raise ChoiceRefusedError("It lasts for 1, 7 or 30 days.")
    elif action.days is not None:
        raise ChoiceRefusedError("This does not end after days.")
    if action.kind is Kind.LABEL:
        if _LABEL.fullmatch(action.scope) is None:
            raise ChoiceRefusedError("A label is a short name of small letters.")
    elif action.kind is Kind.REMOVE_MESSAGE:
        if (action.room, action.scope) not in written:
            raise ChoiceRefusedError("Only a reported message of theirs can be removed.")
    elif action.scope or action.room:
        raise ChoiceRefusedError("This is about the person, not about one thing.")
    if not _allows(review, reason, action.kind, strikes):
        raise ChoiceRefusedError("This is more than a breach of this rule allows.")


def offered(
    review: Review, staff: StaffMember, case: Case, reason: Reason, strikes: int
) -> tuple[Kind, ...]:
    """Return the kinds of action that *staff* may choose with *reason*, mildest first."""
    if reason.child_safety and not (staff.may(VAULT) and case.child_safety):
        return ()
    return tuple(kind for kind in Kind if _allows(review, reason, kind, strikes))


def _allows(review: Review, reason: Reason, kind: Kind, strikes: int) -> bool:
    """Tell whether a breach of *reason* allows *kind*, or the *strikes* before it do.

    With this one there is one more: so many suspend. An account ends only after as many before.
    """
    if reason.rank <= _RANKS.get(kind, reason.rank):
        return True
    return strikes + (kind is Kind.SUSPENDED) >= review.strikes.suspend_at


def needs_second(choice: Choice, *, minor: bool) -> bool:
    """Tell whether *choice* needs a second person; *minor* says that the subject is a minor.

    That is the end of an account, what has no end, a referral, and whatever is done to a minor.
    """
    ends = any(action.kind is Kind.TERMINATED for action in choice.actions)
    forever = any(action.kind in TIMED and action.days is None for action in choice.actions)
    return ends or forever or choice.refer or (minor and choice.acts)


def check_second(staff: StaffMember, by: str, people: Collection[str] = ()) -> None:
    """Refuse whoever proposed or decided it themselves, under either of their names.

    *by* is the staff id of the first person, *people* their own accounts. `SecondPersonError`.
    """
    if staff.id == by or not set(people).isdisjoint(staff.people):
        raise SecondPersonError("This needs a second person, other than the first.")


def _same(one: Action, other: Action) -> bool:
    alike = one.kind is other.kind
    return alike and (one.kind not in _MANY or (one.scope, one.room) == (other.scope, other.room))


def _is_text(text: str) -> bool:
    """Tell whether *text* is words: no control characters beside the end of a line."""
    return all(one.isprintable() or one == "\n" for one in text)
