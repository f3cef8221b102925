"""The rows of SAFETY §5.1 that concern two people, each as one check."""

from typing import Final

from halfdoor.policy.model import Band, DmEnabled, FirstContact, Kinds, Policy, WhoCanStart
from halfdoor.safety.ages import adjacent, adult_and_minor
from halfdoor.safety.people import Person, Relation
from halfdoor.safety.refusal import ContactRefused, Reason

NEVER_ROW: Final = "contact.adult_minor_unconnected"


def rules_of(policy: Policy, person: Person) -> Band:
    """Return the column of *policy* that *person* falls under."""
    return policy.bands.of(person.band.value)


def row(person: Person, key: str) -> str:
    """Return how a policy file spells *key* for the band of *person*."""
    return f"bands.{person.band.value}.{key}"


def check_home(policy: Policy, *people: Person) -> None:
    """Refuse people whose home is another entity: nothing crosses until that is built."""
    for person in people:
        if not policy.entity.is_home_of(person.region):
            raise ContactRefused(Reason.OTHER_ENTITY, "entity.regions")


def check_never(sender: Person, recipient: Person, relation: Relation) -> None:
    """Refuse an adult and a minor who are not connected; having accepted does not change it."""
    if not relation.connected and adult_and_minor(sender.band, recipient.band):
        raise ContactRefused(Reason.ADULT_AND_MINOR, NEVER_ROW)


def check_own_messages(policy: Policy, sender: Person, other: Person, relation: Relation) -> None:
    """Refuse a sender whose own rules keep them out of direct messages with *other*."""
    reason = _not_enabled(policy, sender, other, relation)
    if reason is not None:
        own = {
            Reason.GUARDIAN: Reason.OWN_GUARDIAN,
            Reason.NOT_CONNECTED: Reason.OWN_NOT_CONNECTED,
        }
        key = row(sender, "dm.enabled")
        raise ContactRefused(own.get(reason, Reason.OWN_MESSAGES_OFF), key)


def check_messages(policy: Policy, recipient: Person, other: Person, relation: Relation) -> None:
    """Refuse where the recipient's rules keep *other* out of their direct messages."""
    reason = _not_enabled(policy, recipient, other, relation)
    if reason is not None:
        raise ContactRefused(reason, row(recipient, "dm.enabled"))


def check_starter(policy: Policy, sender: Person, recipient: Person, relation: Relation) -> None:
    """Refuse a sender who may not open a conversation with *recipient*."""
    key = row(recipient, "dm.who_can_start")
    match rules_of(policy, recipient).dm.who_can_start:
        case WhoCanStart.GUARDIAN_LIST:
            if not recipient.guardian_listed(sender):
                raise ContactRefused(Reason.GUARDIAN, key)
        case WhoCanStart.MUTUALS_ADJACENT_BAND:
            if not relation.known:
                raise ContactRefused(Reason.NOT_CONNECTED, key)
            if not adjacent(sender.band, recipient.band):
                raise ContactRefused(Reason.BANDS_APART, key)
        case WhoCanStart.MUTUALS:
            if not relation.known:
                raise ContactRefused(Reason.NOT_CONNECTED, key)
        case WhoCanStart.EVERYONE_BY_REQUEST:
            pass


def needs_request(policy: Policy, sender: Person, recipient: Person, relation: Relation) -> bool:
    """Tell whether *sender* must ask first.

    A connection need not, nor somebody whom the recipient's guardian listed where that list is
    the rule: the guardian has answered already.
    """
    listed = rules_of(policy, recipient).dm.who_can_start is WhoCanStart.GUARDIAN_LIST
    return not (relation.known or (listed and recipient.guardian_listed(sender)))


def first_contact_of(policy: Policy, sender: Person, recipient: Person) -> FirstContact:
    """Return the first-contact rules of the pair: of each row the stricter of the two columns."""
    one, other = (rules_of(policy, person).first_contact for person in (sender, recipient))
    return FirstContact(
        messages=min(one.messages, other.messages),
        kinds=Kinds.TEXT if Kinds.TEXT in (one.kinds, other.kinds) else Kinds.TEXT_AND_OWN_LINKS,
    )


def _not_enabled(
    policy: Policy, person: Person, other: Person, relation: Relation
) -> Reason | None:
    """Return why *person* is out of direct messages with *other*, or None where they are in.

    One's own "off" holds for every band: tightening needs nobody's leave.
    """
    if person.dm_choice is False:
        return Reason.MESSAGES_OFF
    match rules_of(policy, person).dm.enabled:
        case DmEnabled.OFF:
            return Reason.MESSAGES_OFF
        case DmEnabled.GUARDIAN_LIST:
            return None if person.guardian_listed(other) else Reason.GUARDIAN
        case DmEnabled.MUTUALS:
            if not relation.known:
                return Reason.NOT_CONNECTED
            needs_leave = person.guardian is not None and not person.guardian_listed(other)
            return Reason.GUARDIAN if needs_leave else None
        case DmEnabled.EXPLICIT_CHOICE:
            return None if person.dm_choice is True else Reason.MESSAGES_OFF
        case DmEnabled.ON:
            return None
