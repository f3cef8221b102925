"""Pictures and files between people who do not know each other (SAFETY §5.1). Pure."""

from collections.abc import Mapping
from typing import Any

from halfdoor.policy.model import MediaHandling, Policy
from halfdoor.safety.limiting import shows_media
from halfdoor.safety.pairs import check_never, row, rules_of
from halfdoor.safety.people import Person, Relation
from halfdoor.safety.refusal import ContactRefused, Reason

_KEY = "media_from_non_connection"


def check_offer(
    policy: Policy,
    recipient: Person,
    relation: Relation,
    event_type: str,
    content: Mapping[str, Any],
) -> None:
    """Refuse an event that shows a file to a *recipient* whose rules block those of strangers.

    *relation* is seen from the sender; the two share a group. Raises `ContactRefused`.
    """
    if relation.known or not shows_media(event_type, content):
        return
    if rules_of(policy, recipient).media_from_non_connection is MediaHandling.BLOCKED:
        raise ContactRefused(Reason.MEDIA, row(recipient, _KEY))


def check_fetch(
    policy: Policy, sender: Person, recipient: Person, relation: Relation, *, accepted: bool
) -> None:
    """Refuse *recipient* a file that *sender* sent them, where the two do not know each other.

    Asked again at each fetch: a connection may have ended, or an age become known, since it was
    sent. *accepted* says that the recipient joined the conversation. Raises `ContactRefused`.
    """
    check_never(sender, recipient, relation)
    if relation.known:
        return
    handling = rules_of(policy, recipient).media_from_non_connection
    if not accepted or handling is MediaHandling.BLOCKED:
        raise ContactRefused(Reason.MEDIA, row(recipient, _KEY))


def is_blurred(policy: Policy, recipient: Person) -> bool:
    """Tell whether clients of *recipient* are asked to blur what strangers sent them."""
    return rules_of(policy, recipient).media_from_non_connection is not MediaHandling.ALLOW
