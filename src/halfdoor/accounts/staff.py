"""Accounts of staff: who there is, with which roles, and when that ends.

An account comes into being by an invitation from an admin, or from whoever sits at the machine.
No password exists, so none can be the default.
"""

import secrets
from collections.abc import Iterable
from typing import Final, final

from msgspec.structs import replace

from halfdoor.accounts.errors import ForbiddenError, InvalidParameterError, NotFoundError
from halfdoor.accounts.staff_invitations import Invitation, Invitations
from halfdoor.accounts.staff_member import StaffMember
from halfdoor.accounts.staff_records import PasskeyRecord, StaffRecord
from halfdoor.accounts.staff_roles import ADMIN, OPERATOR, check_record, checked_roles
from halfdoor.accounts.staff_store import StaffChange, StaffLog, StaffStore

_PREFIX: Final = "stf_"
_ID_BYTES: Final = 16


@final
class StaffAccounts:
    """Makes, changes and ends accounts. A line in the staff log stands before each change."""

    def __init__(self, store: StaffStore, log: StaffLog, invitations: Invitations) -> None:
        self._store = store
        self._log = log
        self._invitations = invitations

    async def invite(
        self,
        *,
        by: StaffMember | None,
        name: str,
        roles: Iterable[str],
        place: str,
        people: Iterable[str] = (),
        now: int,
    ) -> Invitation:
        """Make an account and its first invitation.

        *by* is an admin, None whoever sits at the machine. `ForbiddenError`, `RolesError`,
        `InvalidParameterError`.
        """
        actor = _actor(by)
        own = tuple(sorted(set(people)))
        check_record(name, place, own)
        staff = StaffRecord(
            id=_PREFIX + secrets.token_urlsafe(_ID_BYTES),
            name=name,
            roles=checked_roles(roles),
            place=place,
            people=own,
            created=now,
        )
        link, row = self._invitations.draw(staff.id, now)
        await self._log.note(actor, "invite", about=staff.id, reason=" ".join(staff.roles), now=now)
        kept = await self._store.commit(StaffChange(staff=staff, adds=(row,)))
        return Invitation(kept, link, row.expires)

    async def invite_again(self, *, by: StaffMember | None, id: str, now: int) -> Invitation:
        """Make another link for an account, for who lost every passkey; earlier ones go."""
        actor = _actor(by)
        staff = await self._active(id)
        link, row = self._invitations.draw(staff.id, now)
        await self._log.note(actor, "invite", about=staff.id, now=now)
        kept = await self._store.commit(StaffChange(staff=staff, ends=("invitation",), adds=(row,)))
        return Invitation(kept, link, row.expires)

    async def members(self) -> list[StaffRecord]:
        """Return all accounts, ended ones too."""
        return await self._store.members()

    async def passkeys(self, id: str) -> list[PasskeyRecord]:
        """Return the passkeys of an account."""
        return await self._store.passkeys(id)

    async def change_roles(
        self, *, by: StaffMember | None, id: str, roles: Iterable[str], now: int
    ) -> StaffRecord:
        """Give an account other roles, from its next request on; nobody changes their own."""
        actor = _actor(by)
        if by is not None and by.id == id:
            raise ForbiddenError("nobody changes their own roles")
        wanted = checked_roles(roles)
        staff = await self._active(id)
        await self._log.note(actor, "roles", about=staff.id, reason=" ".join(wanted), now=now)
        return await self._store.commit(StaffChange(staff=replace(staff, roles=wanted)))

    async def end(self, *, by: StaffMember | None, id: str, now: int) -> StaffRecord:
        """End an account for good: its sessions, links and passkeys go with it, at once."""
        actor = _actor(by)
        staff = await self._active(id)
        await self._log.note(actor, "end", about=staff.id, now=now)
        return await self._store.commit(
            StaffChange(
                staff=replace(staff, ended=now),
                removes=tuple(one.lookup for one in await self._store.passkeys(id)),
                ends=("session", "invitation"),
            )
        )

    async def remove_passkey(
        self, *, by: StaffMember | None, id: str, passkey: str, now: int
    ) -> None:
        """Remove one passkey by its name, and end the sessions; `NotFoundError`."""
        actor = _actor(by)
        staff = await self._active(id)
        found = [one for one in await self._store.passkeys(id) if one.name == passkey]
        if not found:
            raise NotFoundError("there is no such passkey")
        await self._log.note(actor, "passkey_removed", about=staff.id, reason=passkey, now=now)
        removes = tuple(one.lookup for one in found)
        await self._store.commit(StaffChange(staff=staff, removes=removes, ends=("session",)))

    async def opt_out(self, member: StaffMember, groups: Iterable[str], now: int) -> StaffMember:
        """Note which groups of reasons somebody does not want to see; it is theirs to say."""
        wanted = tuple(sorted(set(groups)))
        if not all(group.isidentifier() for group in wanted):
            raise InvalidParameterError("a group of reasons is one word")
        staff = await self._active(member.id)
        await self._log.note(member.id, "opt_out", about=member.id, now=now)
        kept = await self._store.commit(StaffChange(staff=replace(staff, opted_out=wanted)))
        return kept.member()

    async def _active(self, id: str) -> StaffRecord:
        found = await self._store.member(id)
        if found is None or found.ended is not None:
            raise NotFoundError("there is no such account of staff")
        return found


def _actor(by: StaffMember | None) -> str:
    """Return as whom the log knows *by*; `ForbiddenError` for who is no admin."""
    if by is None:
        return OPERATOR
    if not by.may(ADMIN):
        raise ForbiddenError("only an admin may do this")
    return by.id
