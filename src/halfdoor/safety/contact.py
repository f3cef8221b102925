"""Who may contact whom (SAFETY §5.1 and §5.13): pure decisions from policy and facts.

Each `check_` refuses with `ContactRefused`. What is not refused is accepted, and `shown` says
whether the recipient ever sees it: a block changes nothing else, so nobody can find one out.

For an invite that makes a conversation of two ask `may_start`, for one into a larger or growing
group `check_group`. Until the invitee joins, each event goes through `check_first_contact` and each
piece of state through `check_state_before_accept`, once for every pending invitee; afterwards,
where people in one group do not know each other, messages go through `check_links`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

import msgspec

from halfdoor.policy.model import GroupAdd, Kinds, LinkHandling, Policy
from halfdoor.safety.ages import AgeBand, as_sender, may_be_adult_and_minor
from halfdoor.safety.links import has_foreign_link, has_link
from halfdoor.safety.pairs import (
    NEVER_ROW,
    check_home,
    check_messages,
    check_never,
    check_own_messages,
    check_starter,
    first_contact_of,
    needs_request,
    row,
    rules_of,
)
from halfdoor.safety.people import Person, Relation
from halfdoor.safety.plaintext import texts_of
from halfdoor.safety.postures import E2EE, STANDARD
from halfdoor.safety.refusal import ContactRefused, Reason
from halfdoor.sealing.epochs import Posture

__all__ = [
    "Connected",
    "ContactRefused",
    "FirstEvent",
    "GroupInvite",
    "Person",
    "Reason",
    "Relation",
    "Request",
    "Start",
    "check_first_contact",
    "check_group",
    "check_links",
    "check_state_before_accept",
    "may_start",
]

_MEMBER_KEYS: Final = frozenset({"membership", "displayname", "avatar_url", "is_direct"})


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """The two know each other: an ordinary invite, without limits."""

    shown: bool


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A message request: until it is accepted only *messages_left* events of *kinds* may follow."""

    messages_left: int
    kinds: Kinds
    shown: bool


Start = Connected | Request


class FirstEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that may be sent to an invitee: whether it counts, and what becomes of its links.

    `links` is None where the event has none; otherwise the recipient's clients are told.
    """

    counts: bool
    links: LinkHandling | None
    shown: bool


class GroupInvite(msgspec.Struct, frozen=True, kw_only=True):
    """An invite into a group; the invitee accepts for themselves.

    `adults` are the members to be shown as adults before accepting, sorted by user id, where the
    invitee's rules ask for it; each of them is connected with the invitee.
    """

    start: Start
    adults: tuple[str, ...]


def may_start(
    policy: Policy, sender: Person, recipient: Person, relation: Relation, now_ms: int
) -> Start:
    """Decide whether *sender* may open a conversation of two with *recipient*, and as what.

    *relation* is as seen from the sender, *now_ms* in milliseconds since 1970. Raises
    `ContactRefused`; a block or an ignore is never the reason and only makes `shown` False.
    """
    check_home(policy, sender, recipient)
    check_own_messages(policy, sender, recipient, relation)
    check_never(sender, recipient, relation)
    check_messages(policy, recipient, sender, relation)
    check_starter(policy, sender, recipient, relation)
    return _start(policy, sender, recipient, relation, now_ms)


def check_first_contact(
    policy: Policy,
    sender: Person,
    recipient: Person,
    relation: Relation,
    event_type: str,
    content: Mapping[str, Any],
    *,
    is_own_redaction: bool,
    now_ms: int,
    direct: bool = True,
    posture: Posture = STANDARD,
) -> FirstEvent:
    """Decide whether *sender* may send this event while *recipient* is invited and has not joined.

    Somebody who must ask first may send plain text, as many events as the policy says over all
    rooms (`relation.sent_first_contact`), edits among them; a redaction of one's own event
    (*is_own_redaction*) is free. Links are refused unless `first_contact.kinds` allows the
    platform's own: ordinary clients make a link of whatever looks like one, so that a warning
    beside it would not hold them back. *direct* is False in a group, where `check_group` decided
    about the invite. In the *posture* e2ee an event is `m.room.encrypted`: that it is text, and
    without links, nobody here can see, so only the number holds. Raises `ContactRefused`.
    """
    if direct:
        start = may_start(policy, sender, recipient, relation, now_ms)
    else:
        check_never(sender, recipient, relation)
        start = _start(policy, sender, recipient, relation, now_ms)
    if isinstance(start, Connected):
        return FirstEvent(counts=False, links=None, shown=start.shown)
    if is_own_redaction and event_type == "m.room.redaction":
        if not set(content) <= {"redacts"}:
            raise ContactRefused(Reason.TEXT_ONLY)
        return FirstEvent(counts=False, links=None, shown=start.shown)
    links = None
    if posture != E2EE or event_type != "m.room.encrypted":
        texts = texts_of(event_type, content)
        if texts is None:
            raise ContactRefused(Reason.TEXT_ONLY)
        links = _first_links(policy, recipient, start.kinds, texts)
    if start.messages_left < 1:
        raise ContactRefused(Reason.LIMIT_REACHED)
    return FirstEvent(counts=True, links=links, shown=start.shown)


def check_links(
    policy: Policy, recipient: Person, relation: Relation, content: Mapping[str, Any]
) -> LinkHandling | None:
    """Decide about the links of a message for one who shares a group with its sender.

    Returns None where there is no link or the two know each other, else what the recipient's
    clients are to do; raises `ContactRefused` where the recipient's rules block links.
    """
    if relation.known or not _mentions_link(content):
        return None
    return _handling(policy, recipient)


def check_state_before_accept(
    relation: Relation,
    event_type: str,
    state_key: str,
    content: Mapping[str, Any],
    *,
    preset: Mapping[tuple[str, str], Mapping[str, Any]],
) -> None:
    """Refuse state that would speak to an invitee who has not accepted.

    *relation* is that of whoever sets the state to one pending invitee; *preset* holds, by type and
    state key, what the room's preset set. Membership may change, without a `reason`; all else must
    say what the preset said, so no name, topic or picture comes uninvited. Raises `ContactRefused`.
    """
    if relation.known:
        return
    if event_type == "m.room.member":
        allowed = set(content) <= _MEMBER_KEYS
    else:
        allowed = preset.get((event_type, state_key)) == content
    if not allowed:
        raise ContactRefused(Reason.STATE_BEFORE_ACCEPT)


def check_group(
    policy: Policy,
    people: Iterable[Person],
    connected: Callable[[str, str], bool] | Collection[tuple[str, str]],
    inviter: Person,
    invitee: Person,
    relation: Relation,
    now_ms: int,
) -> GroupInvite:
    """Decide whether *inviter* may bring *invitee* into a group of *people*.

    *people* are all who are present or invited, the inviter among them or not; *connected* tells of
    two user ids whether they are connected (a collection of pairs may hold either order);
    *relation* is that of the inviter to the invitee. An adult and a minor who are not connected
    never share a room, whoever brought them, and an unknown age counts as both. Raises
    `ContactRefused`.
    """
    present = {person.user_id: person for person in (*people, inviter)}
    present.pop(invitee.user_id, None)
    check_home(policy, inviter, invitee)
    for member in present.values():
        _check_together(policy, member, invitee, _linked(connected, member, invitee))
    rule = rules_of(policy, invitee).group_add
    if rule is GroupAdd.MUTUALS_MUST_ACCEPT and not relation.known:
        raise ContactRefused(Reason.NOT_CONNECTED, row(invitee, "group_add"))
    adults: tuple[str, ...] = ()
    if rule is GroupAdd.MUST_ACCEPT_SHOWS_ADULTS:
        adults = tuple(
            sorted(m.user_id for m in present.values() if as_sender(m.band) is AgeBand.ADULT)
        )
    return GroupInvite(start=_start(policy, inviter, invitee, relation, now_ms), adults=adults)


def _start(
    policy: Policy, sender: Person, recipient: Person, relation: Relation, now_ms: int
) -> Start:
    """Return how contact that the rows allow begins; refuse a request where the pair is closed."""
    if not needs_request(policy, sender, recipient, relation):
        return Connected(shown=relation.shown)
    if relation.closed(now_ms):
        raise ContactRefused(Reason.CLOSED, "contact.closed_days")
    limit = first_contact_of(policy, sender, recipient)
    return Request(
        messages_left=max(0, limit.messages - relation.sent_first_contact),
        kinds=limit.kinds,
        shown=relation.shown,
    )


def _first_links(
    policy: Policy, recipient: Person, kinds: Kinds, texts: list[str]
) -> LinkHandling | None:
    if not any(has_link(text) for text in texts):
        return None
    hosts = policy.contact.own_link_hosts
    if kinds is Kinds.TEXT or any(has_foreign_link(text, hosts) for text in texts):
        raise ContactRefused(Reason.LINK)
    return _handling(policy, recipient)


def _handling(policy: Policy, recipient: Person) -> LinkHandling:
    handling = rules_of(policy, recipient).links_from_non_connection
    if handling is LinkHandling.BLOCKED:
        raise ContactRefused(Reason.LINK, row(recipient, "links_from_non_connection"))
    return handling


def _mentions_link(content: Mapping[str, Any]) -> bool:
    """Tell whether the words of a message, or of its edit, hold a link; an HTML anchor is one."""
    edited = content.get("m.new_content")
    parts = (content, edited) if isinstance(edited, Mapping) else (content,)
    texts = [part.get(key) for part in parts for key in ("body", "formatted_body")]
    return any(has_link(text) or "<a" in text.lower() for text in texts if isinstance(text, str))


def _linked(
    connected: Callable[[str, str], bool] | Collection[tuple[str, str]], one: Person, other: Person
) -> bool:
    here, there = one.user_id, other.user_id
    if callable(connected):
        return connected(here, there)
    return (here, there) in connected or (there, here) in connected


def _check_together(policy: Policy, member: Person, invitee: Person, linked: bool) -> None:
    """Refuse two people who may not be in one room."""
    if not linked and may_be_adult_and_minor(member.band, invitee.band):
        raise ContactRefused(Reason.ADULT_AND_MINOR, NEVER_ROW)
    for child, other in ((member, invitee), (invitee, member)):
        guarded = rules_of(policy, child).group_add is GroupAdd.GUARDIAN
        if guarded and not child.guardian_listed(other):
            raise ContactRefused(Reason.GUARDIAN, row(child, "group_add"))
