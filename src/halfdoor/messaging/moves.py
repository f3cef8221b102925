"""Coming and going: invite, join, leave, kick, ban, unban, and what follows from each."""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from halfdoor import ids
from halfdoor.messaging.contacts import Contacts
from halfdoor.messaging.content import Content
from halfdoor.messaging.drafts import Draft, draft
from halfdoor.messaging.errors import (
    BadJsonError,
    ForbiddenError,
    InviteBlockedError,
    NotFoundError,
)
from halfdoor.messaging.keep import Keeper, Plan
from halfdoor.messaging.ledger import MembershipChange
from halfdoor.messaging.mailbox import MailboxStore
from halfdoor.messaging.membership import check_membership
from halfdoor.messaging.reading import Reader
from halfdoor.messaging.room import Room
from halfdoor.messaging.rooms import Rooms
from halfdoor.messaging.wraps import Wraps


class Profiles(Protocol):
    """Where display names and avatars are found."""

    async def member_content(self, user: str) -> dict[str, str]:
        """Return `displayname` and `avatar_url` as far as *user* has them."""


class Existing(Protocol):
    """Tells who has an account here."""

    async def exists(self, user: str) -> bool:
        """Tell whether there is such an account."""


class Moves:
    """Changes memberships."""

    def __init__(
        self,
        *,
        keeper: Keeper,
        rooms: Rooms,
        contacts: Contacts,
        wraps: Wraps,
        mailbox: MailboxStore,
        profiles: Profiles,
        people: Existing,
    ) -> None:
        """Take what each step needs."""
        self._keeper = keeper
        self._rooms = rooms
        self._contacts = contacts
        self._wraps = wraps
        self._mailbox = mailbox
        self._profiles = profiles
        self._people = people

    async def invite(
        self, reader: Reader, conv: str, user: str, extra: Content | None = None
    ) -> None:
        """Invite *user*. The newcomer's wraps of the history go with it (SEALING §3)."""
        room = await self._rooms.for_member(conv, reader.user)
        self._check(room, reader.user, user, "invite")
        if not await self._people.exists(user):
            raise NotFoundError("there is no such account here")
        await self.check_takes_invites(user)
        content = {"membership": "invite", **(await self._profiles.member_content(user))}
        content.update(_allowed(extra, "reason", "is_direct"))

        async def decide(room: Room) -> Plan:
            self._check(room, reader.user, user, "invite")
            shown = await self._contacts.check_invite(room, reader.user, user)
            made = self._membership(reader, room, user, content, shown=shown)
            await self._contacts.check_request(room, reader.user, user, made)
            if room.members.get(user) == "invite":
                return Plan(drafts=(made,))
            readers = frozenset(room.readers() | {user})
            arrives = room.history_visibility != "joined"
            # With sealed state the new epoch begins here, so that the invitee can read the name.
            return Plan(
                drafts=(made,),
                fresh=arrives and bool(room.sealed_state),
                readers=readers,
                ends_epoch=arrives and not room.sealed_state,
            )

        committed = await self._keeper.keep(reader, conv, decide, about=(user,))
        if user not in committed.events[0].hidden_from:
            await self._wraps.give(reader, await self._rooms.get(conv), user)

    async def join(self, reader: Reader, conv: str, extra: Content | None = None) -> None:
        """Join by invitation; joining again changes nothing."""
        room = await self._rooms.get(conv)
        if room.members.get(reader.user) == "join" and not _allowed(extra, "reason"):
            return
        was_invited = room.members.get(reader.user) == "invite"
        content = {"membership": "join", **(await self._profiles.member_content(reader.user))}
        content.update(_allowed(extra, "reason"))

        async def decide(room: Room) -> Plan:
            await self._contacts.check_presence(room, reader.user)
            self._check(room, reader.user, reader.user, "join")
            # Ages and connections may be others than when the invite was written.
            await self._contacts.postures.check_own(room, reader.user)
            return Plan(
                drafts=(self._membership(reader, room, reader.user, content),),
                ends_epoch=room.history_visibility == "joined",
            )

        await self._keeper.keep(reader, conv, decide)
        if was_invited:
            await self._contacts.accepted(await self._rooms.get(conv), reader.user)

    async def leave(self, reader: Reader, conv: str, extra: Content | None = None) -> None:
        """Leave, or turn an invitation down; leaving again changes nothing."""
        room = await self._rooms.get(conv)
        membership = room.members.get(reader.user)
        if membership == "leave":
            return
        event = room.state.get(("m.room.member", reader.user))
        inviter = event.fields.sender if membership == "invite" and event is not None else None
        await self._put(reader, conv, reader.user, "leave", extra)
        if inviter is not None:
            await self._contacts.refused(room, reader.user, inviter)

    async def kick(self, reader: Reader, conv: str, user: str, extra: Content | None) -> None:
        """Put *user* out."""
        await self._rooms.for_member(conv, reader.user)

        def check_here(room: Room) -> None:
            if room.members.get(user) not in {"join", "invite"}:
                raise ForbiddenError("this person is not in the conversation")

        await self._put(reader, conv, user, "leave", extra, check_here)

    async def ban(self, reader: Reader, conv: str, user: str, extra: Content | None) -> None:
        """Put *user* out for good."""
        await self._rooms.for_member(conv, reader.user)
        await self._put(reader, conv, user, "ban", extra)

    async def unban(self, reader: Reader, conv: str, user: str, extra: Content | None) -> None:
        """Lift a ban."""
        await self._rooms.for_member(conv, reader.user)

        def check_banned(room: Room) -> None:
            if room.members.get(user) != "ban":
                raise ForbiddenError("this person is not banned")

        await self._put(reader, conv, user, "leave", extra, check_banned)

    async def set_member(self, reader: Reader, conv: str, user: str, content: Content) -> str:
        """Do what a state event `m.room.member` asks for; return the id of what stands then."""
        membership = content.get("membership")
        if membership == "invite":
            await self.invite(reader, conv, user, content)
        elif membership == "join" and user == reader.user:
            await self._rejoin(reader, conv, content)
        elif membership == "leave" and user == reader.user:
            await self.leave(reader, conv, content)
        elif membership == "leave":
            room = await self._rooms.get(conv)
            banned = room.members.get(user) == "ban"
            await (self.unban if banned else self.kick)(reader, conv, user, content)
        elif membership == "ban":
            await self.ban(reader, conv, user, content)
        else:
            raise BadJsonError("membership must be join, invite, leave or ban")
        event = (await self._rooms.get(conv)).state[("m.room.member", user)]
        return event.fields.event_id

    async def refresh_profile(self, reader: Reader, conv: str) -> None:
        """Show the new name and picture of *reader* in a conversation they are in."""
        await self._rejoin(reader, conv, {})

    async def _rejoin(self, reader: Reader, conv: str, given: Content) -> None:
        room = await self._rooms.get(conv)
        if room.members.get(reader.user) != "join":
            await self.join(reader, conv, given)
            return
        content = {"membership": "join", **(await self._profiles.member_content(reader.user))}
        content.update(_allowed(given, "displayname", "avatar_url", "reason"))
        if content == room.content("m.room.member", reader.user):
            return

        async def decide(room: Room) -> Plan:
            self._check(room, reader.user, reader.user, "join")
            made = self._membership(reader, room, reader.user, content)
            await self._contacts.check_own_member(room, reader.user, made)
            return Plan(drafts=(made,))

        await self._keeper.keep(reader, conv, decide)

    async def _put(
        self,
        reader: Reader,
        conv: str,
        user: str,
        membership: str,
        extra: Content | None,
        check: Callable[[Room], None] = lambda _room: None,
    ) -> None:
        content: Content = {"membership": membership, **_allowed(extra, "reason")}

        async def decide(room: Room) -> Plan:
            check(room)
            self._check(room, reader.user, user, membership)
            said: Content = {"membership": membership}
            # A suspended person may still go, without a last word; who says none is not judged.
            if user != reader.user or (
                content != said and not await self._contacts.is_silenced(room, user)
            ):
                said = content
            made = self._membership(
                reader, room, user, said, shown=user == reader.user or _sees_removal(room, user)
            )
            if user != reader.user:
                await self._contacts.check_puts_out(room, reader.user)
                if room.members.get(user) == "invite":
                    await self._contacts.check_request(room, reader.user, user, made)
            return Plan(drafts=(made,), ends_epoch=user in room.readers())

        await self._keeper.keep(reader, conv, decide)

    def _check(self, room: Room, sender: str, target: str, new: str) -> None:
        check_membership(
            sender=sender,
            target=target,
            new=new,
            current=room.members,
            join_rule=room.join_rule,
            powers=room.powers,
        )

    def _membership(
        self, reader: Reader, room: Room, user: str, content: Content, *, shown: bool = True
    ) -> Draft:
        return draft(
            "m.room.member",
            content,
            conv=room.conv,
            sender=reader.user,
            state_key=user,
            event_id=ids.random_event_id(room.conv),
            membership=MembershipChange(user, content["membership"], shown),
        )

    async def check_takes_invites(self, user: str) -> None:
        """Refuse an invite for somebody who takes none. Raises `InviteBlockedError`."""
        data = await self._mailbox.one_account_data(user, "", "m.invite_permission_config")
        if data is None:
            return
        config: Any = msgspec.json.decode(data.body)
        if isinstance(config, dict) and config.get("default_action") == "block":
            raise InviteBlockedError("this person takes no invitations")


def _sees_removal(room: Room, user: str) -> bool:
    """Tell whether *user* is told of being put out: not where they never saw that they were in.

    Else a ban, whose reason is free text, would reach anybody at all (SAFETY §5.13).
    """
    membership = room.members.get(user)
    if membership == "invite":
        return user not in room.state[("m.room.member", user)].hidden_from
    return membership == "join"


def _allowed(extra: Content | None, *names: str) -> dict[str, Any]:
    """Return what a client may add to a membership event; a name of the wrong type is refused."""
    given = {}
    for name in names:
        value = (extra or {}).get(name)
        if value is None:
            continue
        if not isinstance(value, bool if name == "is_direct" else str):
            raise BadJsonError(f"{name} is of the wrong type")
        given[name] = value
    return given
