"""What a review policy must hold together: queues, reasons and help lines that know each other."""

from collections.abc import Hashable, Iterable
from typing import Final

from halfdoor.policy.errors import PolicyError
from halfdoor.policy.review import Reason, Review

APPEALS: Final = "appeals"
# Of the European transparency database for statements of reasons (SAFETY §5.4).
CATEGORIES: Final = frozenset(
    f"STATEMENT_CATEGORY_{name}"
    for name in (
        "ANIMAL_WELFARE",
        "CONSUMER_INFORMATION",
        "CYBER_VIOLENCE",
        "CYBER_VIOLENCE_AGAINST_WOMEN",
        "DATA_PROTECTION_AND_PRIVACY_VIOLATIONS",
        "ILLEGAL_OR_HARMFUL_SPEECH",
        "INTELLECTUAL_PROPERTY_INFRINGEMENTS",
        "NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS",
        "NOT_SPECIFIED_NOTICE",
        "OTHER_VIOLATION_TC",
        "PROTECTION_OF_MINORS",
        "RISK_FOR_PUBLIC_SECURITY",
        "SCAMS_AND_FRAUD",
        "SELF_HARM",
        "UNSAFE_AND_PROHIBITED_PRODUCTS",
        "VIOLENCE",
    )
)


def check_review(review: Review, file: str) -> None:
    """Refuse a *review* policy whose parts contradict each other.

    Raises `PolicyError` naming *file* and the key.
    """
    _check_once([one.name for one in review.queues], file, "review.queues", "name")
    _check_once([one.key for one in review.reasons], file, "review.reasons", "key")
    lines = [(one.key, one.region) for one in review.help]
    _check_once(lines, file, "review.help", "key and region")
    if not any(one.child_safety for one in review.reasons):
        raise PolicyError(file, "review.reasons", "no reason has child_safety: children need one")
    if review.queue(APPEALS) is None:
        raise PolicyError(
            file, "review.queues", f'there is no queue "{APPEALS}", so nothing could be contested'
        )
    for at, reason in enumerate(review.reasons):
        _check_reason(review, reason, file, f"review.reasons[{at}]")
    plain = review.intake.plain_reason
    if plain and review.reason(plain) is None:
        raise PolicyError(file, "review.intake.plain_reason", f'there is no reason "{plain}"')


def _check_reason(review: Review, reason: Reason, file: str, where: str) -> None:
    queue = review.queue(reason.queue)
    if queue is None:
        known = ", ".join(one.name for one in review.queues)
        why = f'there is no queue "{reason.queue}"; they are: {known}'
        raise PolicyError(file, f"{where}.queue", why)
    if reason.queue == APPEALS:
        raise PolicyError(file, f"{where}.queue", "appeals come into this queue, and no reports")
    # What is in the vault is seen by its own role alone, and nothing else hides there.
    if reason.child_safety is not (queue.role == "child_safety"):
        why = (
            f'the queue "{queue.name}" has the role "{queue.role}", and only "child_safety" may'
            " see such cases"
            if reason.child_safety
            else f'the queue "{queue.name}" is the vault, and this reason has no child_safety'
        )
        raise PolicyError(file, f"{where}.queue", why)
    if reason.category not in CATEGORIES:
        raise PolicyError(file, f"{where}.category", f'there is no category "{reason.category}"')
    known_help = {one.key for one in review.help}
    for key in reason.help:
        if key not in known_help:
            raise PolicyError(file, f"{where}.help", f'there is no help line "{key}"')


def _check_once(names: Iterable[Hashable], file: str, key: str, what: str) -> None:
    seen: set[Hashable] = set()
    for at, name in enumerate(names):
        if name in seen:
            said = " ".join(name) if isinstance(name, tuple) else name
            raise PolicyError(file, f"{key}[{at}]", f'"{said}" is there twice: {what} must differ')
        seen.add(name)
