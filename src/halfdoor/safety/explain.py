"""Why contact between two people is allowed or refused, said for whoever answers for the policy."""

from typing import Final

from halfdoor.policy.explain import spelled
from halfdoor.policy.model import EndToEnd, Kinds, Policy
from halfdoor.safety.ages import AgeBand
from halfdoor.safety.contact import ContactRefused, Reason, Request, check_group, may_start
from halfdoor.safety.pairs import first_contact_of, rules_of
from halfdoor.safety.people import Person, Relation
from halfdoor.safety.postures import E2EE, check_end_to_end

# {sender} writes, {recipient} receives.
_WHY: Final = {
    Reason.OTHER_ENTITY: "the home of one of them is another entity",
    Reason.ADULT_AND_MINOR: "they are, or may be, an adult and a minor, and are not connected",
    Reason.OWN_MESSAGES_OFF: "{sender} has no direct messages, by the rule or by their own choice",
    Reason.OWN_GUARDIAN: "{recipient} is not on the list of {sender}'s guardian",
    Reason.OWN_NOT_CONNECTED: "{sender} has direct messages with connections alone",
    Reason.MESSAGES_OFF: "{recipient} has no direct messages, by the rule or by their own choice",
    Reason.GUARDIAN: "somebody is not on the list of a child's guardian",
    Reason.NOT_CONNECTED: "{recipient} is open to connections alone",
    Reason.BANDS_APART: "the age of {sender} is not next to that of {recipient}",
    Reason.CLOSED: "an earlier request between them was refused or left",
}
_KINDS: Final = {
    Kinds.TEXT: "plain text without links",
    Kinds.TEXT_AND_OWN_LINKS: "plain text, with links to the platform's own hosts",
}


def explain(
    policy: Policy, alice: Person, bob: Person, relation: Relation, now_ms: int
) -> list[str]:
    """Return the sentences that say who of the two may write to whom, and which row decides.

    *relation* is what lies between them; counts, blocks and ignores in it are left out, because
    they belong to one direction and never change what the policy answers.
    """
    between = Relation(
        connected=relation.connected,
        accepted=relation.accepted,
        closed_until=relation.closed_until,
    )
    said = [_age(alice), _age(bob), _connection(between)]
    for sender, recipient in ((alice, bob), (bob, alice)):
        said.append(_alone(policy, sender, recipient, between, now_ms))
        said.append(_in_a_group(policy, sender, recipient, between, now_ms))
    said.append(_posture(policy, alice, bob, between))
    said.append("A block or an ignore changes none of this: what is accepted is then never shown.")
    return said


def _age(person: Person) -> str:
    if person.band is AgeBand.UNKNOWN:
        return (
            f"{person.user_id}: nobody has claimed an age. Counts as a minor when receiving and as"
            " an adult when sending."
        )
    return f"{person.user_id}: age band {person.band.value}."


def _connection(relation: Relation) -> str:
    if relation.connected:
        return "They are connected."
    if relation.accepted:
        return "They are not connected, but one has accepted the other's request."
    return "They are not connected."


def _alone(
    policy: Policy, sender: Person, recipient: Person, relation: Relation, now_ms: int
) -> str:
    head = f"{sender.user_id} to {recipient.user_id}:"
    try:
        start = may_start(policy, sender, recipient, relation, now_ms)
    except ContactRefused as refused:
        return f"{head} refused ({refused.reason}). {_why(policy, refused, sender, recipient)}"
    rows = ", ".join(
        spelled(policy, key)
        for key in (
            f"bands.{sender.band.value}.dm.enabled",
            f"bands.{recipient.band.value}.dm.enabled",
            f"bands.{recipient.band.value}.dm.who_can_start",
        )
    )
    if not isinstance(start, Request):
        return f"{head} an ordinary invite. Allowed by {rows}."
    limit = first_contact_of(policy, sender, recipient)
    events = "1 event" if limit.messages == 1 else f"{limit.messages} events"
    return (
        f"{head} a message request. Until it is accepted at most {events}, {_KINDS[limit.kinds]}."
        f" Allowed by {rows}; limited by first_contact of both bands, the stricter holds."
    )


def _in_a_group(
    policy: Policy, sender: Person, recipient: Person, relation: Relation, now_ms: int
) -> str:
    head = f"{sender.user_id} bringing {recipient.user_id} into a group:"
    try:
        check_group(
            policy, (), lambda _one, _other: relation.connected, sender, recipient, relation, now_ms
        )
    except ContactRefused as refused:
        return f"{head} refused ({refused.reason}). {_why(policy, refused, sender, recipient)}"
    row = spelled(policy, f"bands.{recipient.band.value}.group_add")
    return f"{head} an invite that {recipient.user_id} may accept. Allowed by {row}."


def _posture(policy: Policy, alice: Person, bob: Person, relation: Relation) -> str:
    """Say whether a conversation of the two may be end-to-end encrypted, and which row decides."""
    head = "End-to-end encryption between them:"
    rules = spelled(policy, "posture.allowed")
    if E2EE not in policy.posture.allowed:
        return f"{head} not offered. Decided by {rules}."
    try:
        check_end_to_end(policy, alice, bob, connected=relation.connected)
    except ContactRefused as refused:
        decided = spelled(policy, refused.row)
        return f"{head} refused. Decided by {decided}: {_unfit(policy, refused, alice, bob)}."
    rows = dict.fromkeys(f"bands.{one.band.value}.end_to_end" for one in (alice, bob))
    when = (
        "unless its creator asks for standard" if policy.posture.default == E2EE else "on request"
    )
    return f"{head} allowed, {when}. Allowed by {', '.join(spelled(policy, key) for key in rows)}."


def _unfit(policy: Policy, refused: ContactRefused, alice: Person, bob: Person) -> str:
    """Say which of the two stands against it, and why."""
    one = alice if refused.row == f"bands.{alice.band.value}.end_to_end" else bob
    others = [person for person in (alice, bob) if person.band is one.band]
    if rules_of(policy, one).end_to_end is EndToEnd.NEVER:
        return f"people of the age band of {one.user_id} are in no such conversation"
    unchecked = [person.user_id for person in others if not person.device_checks]
    if unchecked:
        return f"the app of {' and '.join(unchecked)} has no checks on the device"
    return "they are not connected"


def _why(policy: Policy, refused: ContactRefused, sender: Person, recipient: Person) -> str:
    why = _WHY[refused.reason].format(sender=sender.user_id, recipient=recipient.user_id)
    return f"Decided by {spelled(policy, refused.row)}: {why}."
