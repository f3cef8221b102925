"""Who may contact whom, asked about a conversation: facts gathered here, judged in `safety`."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

import msgspec

from halfdoor.clock import Clock
from halfdoor.messaging.audience import Audience
from halfdoor.messaging.creation import Creation
from halfdoor.messaging.drafts import Draft
from halfdoor.messaging.errors import ForbiddenError
from halfdoor.messaging.mailbox import MailboxStore
from halfdoor.messaging.postures import Postures
from halfdoor.messaging.room import Room
from halfdoor.messaging.standings import Standing, Standings
from halfdoor.policy.model import Policy
from halfdoor.safety import contact
from halfdoor.safety.contact import ContactRefused, Person, Relation
from halfdoor.safety.limiting import check_apart, check_starts, check_words_only
from halfdoor.safety.measures import Limits
from halfdoor.safety.media import check_offer, is_blurred
from halfdoor.safety.pairs import check_never
from halfdoor.safety.postures import E2EE
from halfdoor.safety.refusal import Reason

_TWO: Final = 2
_DAY_MS: Final = 86_400_000


class SuspendedError(Exception):
    """The account is suspended: it may read and leave, and nothing else (M_USER_SUSPENDED)."""


class People(Protocol):
    """The facts about people; every row is checked before it is used (SEALING §2)."""

    @property
    def version(self) -> int:
        """Goes up whenever a person, a connection or a block changes."""

    async def person(self, user: str) -> Person:
        """Return what is known of *user*; an unknown age where nothing is."""

    async def limits(self, user: str) -> Limits:
        """Return what *user* may not do now."""

    async def exists(self, user: str) -> bool:
        """Tell whether there is such an account."""

    async def connection(self, one: str, other: str) -> str | None:
        """Return where the connection of two people comes from, None where there is none."""

    async def blocks(self, user: str) -> frozenset[str]:
        """Return whom *user* blocks."""

    async def connect(self, one: str, other: str, source: str) -> None:
        """Connect two people."""


class Reservation(msgspec.Struct, frozen=True):
    """An event that counts against the first-contact limit of its sender and *recipient*."""

    recipient: str
    limit: int


class Contacts:
    """Judges invites, messages and state by the facts about the people they concern."""

    def __init__(
        self,
        *,
        policy: Policy,
        people: People,
        mailbox: MailboxStore,
        audience: Audience,
        clock: Clock,
    ) -> None:
        """Judge by *policy*."""
        self._policy = policy
        self._people = people
        self._mailbox = mailbox
        self._audience = audience
        self._clock = clock
        self._standings = Standings(people, clock)
        self.postures = Postures(policy, people, self._standings)

    # -- facts ---------------------------------------------------------------------------------

    async def relation(self, sender: str, recipient: str) -> Relation:
        """Return what lies between two people, seen from *sender*."""
        source = await self._people.connection(sender, recipient)
        there = await self._mailbox.contact(sender, recipient)
        back = await self._mailbox.contact(recipient, sender)
        return Relation(
            connected=await self.knows(sender, recipient),
            accepted=source == "accepted",
            blocked_by_recipient=sender in await self._people.blocks(recipient),
            ignored_by_recipient=await self._audience.ignores(recipient, sender),
            sent_first_contact=there.sent,
            closed_until=max(there.closed_until, back.closed_until) or None,
        )

    async def strangers(self, room: Room, user: str) -> frozenset[str]:
        """Return who in *room* is no connection of *user*."""
        return (await self._standings.of(room, user)).strangers

    async def blurred(self, room: Room, user: str) -> frozenset[str]:
        """Return whose pictures in *room* clients of *user* are asked to blur."""
        strangers = (await self._standings.of(room, user)).strangers
        if strangers and not is_blurred(self._policy, await self._people.person(user)):
            return frozenset()
        return strangers

    async def apart(self, room: Room, user: str) -> frozenset[str]:
        """Return who in *room*, now or ever, is an adult or a minor apart from *user*."""
        return (await self._standings.of(room, user)).apart

    async def knows(self, one: str, other: str) -> bool:
        """Tell whether two people are connected (`standings`)."""
        return await self._standings.knows(one, other)

    # -- rules ---------------------------------------------------------------------------------

    async def check_active(self, user: str) -> Limits:
        """Refuse a suspended account, else return what it may not do. Raises `SuspendedError`."""
        limits = await self._people.limits(user)
        if limits.suspended:
            raise SuspendedError("this account is suspended")
        return limits

    async def check_presence(self, room: Room, user: str) -> Limits:
        """Refuse to speak in *room*, by words or by coming, where a measure keeps *user* out of it.

        Whoever may have no contact with minors is kept out of all that minors take part in; a
        minor only of what they would share with nobody else. Returns the limits of *user*. Raises
        `SuspendedError`, `ContactRefused`.
        """
        limits = await self.check_active(user)
        _check_cut(room, limits, await self._standings.of(room, user))
        return limits

    async def check_puts_out(self, room: Room, user: str) -> None:
        """Refuse to put somebody out of *room* as `check_presence` does, except to a minor.

        Who is to be kept from them may always be put out. Raises as it does.
        """
        if (await self.check_active(user)).no_minors:
            await self.check_presence(room, user)

    async def is_silenced(self, room: Room, user: str) -> bool:
        """Tell whether *user* may say nothing in *room*: not even why they leave it."""
        try:
            await self.check_presence(room, user)
        except (SuspendedError, ContactRefused):
            return True
        return False

    async def check_event(
        self, room: Room, sender: str, draft: Draft, *, own: bool = False
    ) -> list[Reservation]:
        """Decide about an event in *room*; return what it uses up of first contacts.

        *own* says that a redaction is of the sender's own event. Raises `ContactRefused`,
        `SuspendedError`.
        """
        back = own and _takes_back(draft)
        limits = await self.check_active(sender)
        standing = await self._standings.of(room, sender)
        if not back:
            _check_cut(room, limits, standing)
            check_words_only(limits, draft.type, draft.content)
            if room.posture == E2EE:
                await self.postures.check_own(room, sender)
        if not standing.strangers:
            return []
        people = room.with_membership("join", "invite")
        here = await self._people.person(sender)
        reservations = []
        for other in sorted(standing.strangers):
            there = await self._people.person(other)
            relation = await self.relation(sender, other)
            pending = room.members.get(other) == "invite"
            if pending and draft.state_key is not None:
                contact.check_state_before_accept(
                    relation, draft.type, draft.state_key, draft.content, preset=_preset(room)
                )
            elif pending and len(people) <= _TWO:
                first = contact.check_first_contact(
                    self._policy, here, there, relation, draft.type, draft.content,
                    is_own_redaction=own, now_ms=self._clock.now_ms(), posture=room.posture,
                )  # fmt: skip
                if first.counts:
                    limit = relation.sent_first_contact + _left(
                        self._policy, here, there, relation, self._clock.now_ms()
                    )
                    reservations.append(Reservation(other, limit))
            elif not pending and not back:
                # Nobody reads a larger conversation before joining it, so the invited need no
                # shelter here; adult and minor who are not connected never write to each other.
                check_never(here, there, relation)
                contact.check_links(self._policy, there, relation, draft.content)
                check_offer(self._policy, there, relation, draft.type, draft.content)
        return reservations

    async def check_invite(self, room: Room, inviter: str, invitee: str) -> bool:
        """Decide about an invite into *room*; tell whether it is shown. Raises `ContactRefused`."""
        check_starts(await self.check_presence(room, inviter))
        present = [user for user in room.with_membership("join", "invite") if user != invitee]
        shown = await self._check_arrival(inviter, invitee, present)
        await self.postures.check_invite(room, invitee)
        return shown

    async def check_own_member(self, room: Room, user: str, draft: Draft) -> None:
        """Refuse words that *user* would show beside their name to people who have not accepted.

        Raises `ContactRefused`, `SuspendedError`.
        """
        await self.check_presence(room, user)
        for other in sorted(await self.strangers(room, user)):
            if room.members.get(other) == "invite":
                await self.check_request(room, user, other, draft)

    async def check_request(
        self, room: Room, inviter: str, invitee: str, invitation: Draft
    ) -> None:
        """Refuse words in an invitation to somebody who does not know *inviter*."""
        relation = await self.relation(inviter, invitee)
        contact.check_state_before_accept(
            relation, invitation.type, invitee, invitation.content, preset={}
        )

    async def check_creation(self, creator: str, creation: Creation) -> dict[str, bool]:
        """Decide about a new conversation; return for each invitee whether the invite is shown.

        Raises `ContactRefused`, `SuspendedError`.
        """
        check_starts(await self.check_active(creator))
        invitees = [event.state_key for event in creation.invites]
        shown = {}
        for at, invitee in enumerate(invitees):
            if not await self._people.exists(invitee):
                raise ForbiddenError("there is no such account here")
            # Earlier invitees are company; later ones are asked about when it is their turn.
            company = [creator, *invitees[:at]] if len(invitees) > 1 else [creator]
            shown[invitee] = await self._check_arrival(
                creator, invitee, company, group=len(invitees) > 1
            )
            relation = await self.relation(creator, invitee)
            for event in creation.events:
                if event.type in {"m.room.name", "m.room.topic", "m.room.avatar"}:
                    contact.check_state_before_accept(
                        relation, event.type, event.state_key, event.content, preset={}
                    )
        return shown

    async def _check_arrival(
        self, inviter: str, invitee: str, present: Iterable[str], *, group: bool = False
    ) -> bool:
        here, there = await self._people.person(inviter), await self._people.person(invitee)
        relation = await self.relation(inviter, invitee)
        now = self._clock.now_ms()
        company = [user for user in present if user != inviter]
        limits = await self._people.limits(invitee)
        for user in (inviter, *company):
            other = await self._people.person(user)
            check_apart(other, await self._people.limits(user), there, limits)
        if not company and not group:
            return contact.may_start(self._policy, here, there, relation, now).shown
        connected = {
            (user, invitee): await self.knows(user, invitee) for user in (*company, inviter)
        }
        invite = contact.check_group(
            self._policy,
            [await self._people.person(user) for user in company],
            lambda one, other: connected.get((one, other), connected.get((other, one), False)),
            here,
            there,
            relation,
            now,
        )
        return invite.start.shown

    # -- what follows --------------------------------------------------------------------------

    async def reserve(self, sender: str, event_id: str, wanted: Iterable[Reservation]) -> None:
        """Count *event_id* against first contacts before it is kept. Raises `ContactRefused`.

        A crash in between uses up the chance without an event: too little rather than too much.
        """
        for one in wanted:
            if not await self._mailbox.reserve_contact(
                sender, one.recipient, event_id, limit=one.limit
            ):
                raise ContactRefused(contact.Reason.LIMIT_REACHED, "first_contact.messages")

    async def accepted(self, room: Room, user: str) -> None:
        """Connect two people who accepted each other: *user* joined a conversation of the two."""
        people = room.with_membership("join", "invite")
        others = [other for other in people if other != user]
        if len(others) != 1 or room.members.get(others[0]) != "join":
            return
        if await self._people.connection(user, others[0]) is None:
            await self._people.connect(user, others[0], "accepted")

    async def refused(self, room: Room, user: str, inviter: str) -> None:
        """Close the pair for new requests: *user* turned down a request of *inviter*."""
        if not await self.knows(inviter, user):
            until = self._clock.now_ms() + self._policy.contact.closed_days * _DAY_MS
            await self._mailbox.close_contact(inviter, user, until)


def _check_cut(room: Room, limits: Limits, standing: Standing) -> None:
    """Refuse somebody in *room* whom a measure keeps out of it. Raises `ContactRefused`."""
    if standing.cut and (limits.no_minors or len(room.with_membership("join", "invite")) <= _TWO):
        raise ContactRefused(Reason.NO_MINORS)


def _left(policy: Policy, here: Person, there: Person, relation: Relation, now: int) -> int:
    start = contact.may_start(policy, here, there, relation, now)
    return start.messages_left if isinstance(start, contact.Request) else 0


def _takes_back(draft: Draft) -> bool:
    """Tell whether *draft* redacts, and says nothing."""
    return draft.type == "m.room.redaction" and set(draft.content) <= {"redacts"}


def _preset(room: Room) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return the state in force that the creation set: saying it again says nothing new."""
    return {
        key: room.content(*key) or {}
        for key, event in room.state.items()
        if event.fields.type != "m.room.member" and room.content(*key)
    }
