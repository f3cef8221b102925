"""Which posture a conversation may have (SAFETY §5.1): pure decisions from policy and facts.

Whether two people may have contact at all is decided before, in `contact`.
"""

from collections.abc import Callable, Iterable
from itertools import combinations
from typing import Final

from halfdoor.policy.model import EndToEnd, Policy
from halfdoor.safety.pairs import row, rules_of
from halfdoor.safety.people import Person
from halfdoor.safety.refusal import ContactRefused, Reason
from halfdoor.sealing.epochs import Posture

STANDARD: Final = "standard"
E2EE: Final = "e2ee"

_KEY: Final = "end_to_end"


def posture_for(
    policy: Policy,
    asked: Posture | None,
    creator: Person,
    others: Iterable[Person],
    connected: Callable[[str, str], bool],
) -> Posture:
    """Return the posture of a new conversation of *creator* with *others*.

    *asked* is what the creator's client asks for, None where it names none: only then may it be
    another than the policy's default. *connected* tells of two user ids whether they know each
    other. Raises `ContactRefused`.
    """
    rules = policy.posture
    if asked is not None and asked not in rules.allowed:
        reason = Reason.NO_END_TO_END if asked == E2EE else Reason.ONLY_END_TO_END
        raise ContactRefused(reason, "posture.allowed")
    wanted = asked or rules.default
    if wanted == STANDARD:
        return STANDARD
    try:
        check_all_end_to_end(policy, creator, others, connected)
    except ContactRefused:
        # Nobody asked for it, so nothing is taken away; whoever asked is never given less.
        if asked is None and STANDARD in rules.allowed:
            return STANDARD
        raise
    return E2EE


def check_all_end_to_end(
    policy: Policy,
    one: Person,
    others: Iterable[Person],
    connected: Callable[[str, str], bool],
) -> None:
    """Refuse an end-to-end encrypted conversation that somebody in it may not have.

    It is *one* who is told: their own rules are named first. Raises `ContactRefused`.
    """
    check_own_end_to_end(policy, one)
    people = [one, *others]
    for here, there in combinations(people, 2):
        check_end_to_end(policy, here, there, connected=connected(here.user_id, there.user_id))


def check_own_end_to_end(policy: Policy, person: Person) -> None:
    """Refuse *person* whose own rules rule end-to-end encryption out, whoever else is there."""
    if not _may_at_all(policy, person):
        raise ContactRefused(Reason.OWN_NOT_END_TO_END, row(person, _KEY))


def check_end_to_end(policy: Policy, one: Person, other: Person, *, connected: bool) -> None:
    """Refuse two people who may not be in one end-to-end encrypted conversation.

    Raises `ContactRefused` with one reason for them all: age, checks and connections of other
    people are theirs.
    """
    for person in (one, other):
        needs_connection = rules_of(policy, person).end_to_end is not EndToEnd.ALLOW
        if not _may_at_all(policy, person) or (needs_connection and not connected):
            raise ContactRefused(Reason.NOT_END_TO_END, row(person, _KEY))


def _may_at_all(policy: Policy, person: Person) -> bool:
    match rules_of(policy, person).end_to_end:
        case EndToEnd.NEVER:
            return False
        case EndToEnd.MUTUALS_WITH_DEVICE_CHECKS:
            return person.device_checks
        case EndToEnd.ALLOW:
            return True
