"""How staff come in: with a passkey, made once at an invitation. Nothing else signs in.

A demonstration, and it alone, takes the link itself for the passkey.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final, final

import msgspec
from msgspec.structs import replace

from halfdoor.accounts.errors import NotFoundError
from halfdoor.accounts.staff_ceremonies import Ceremonies, Presented, is_copied
from halfdoor.accounts.staff_errors import (
    InvitationSpentError,
    SignInRefusedError,
    SpentError,
)
from halfdoor.accounts.staff_invitations import Invitations
from halfdoor.accounts.staff_records import PasskeyRecord, StaffRecord, StaffToken
from halfdoor.accounts.staff_secrets import StaffSecrets
from halfdoor.accounts.staff_sessions import Opening, StaffSession, StaffSessions
from halfdoor.accounts.staff_store import StaffChange, StaffLog, StaffStore

_SIGN_IN: Final = "sign in"

_alarm: Final = logging.getLogger("halfdoor.alarm")


@final
class SignedIn(msgspec.Struct, frozen=True):
    """A session that has begun: `token` is the cookie's value."""

    token: str
    session: StaffSession

    def __repr__(self) -> str:
        return f"SignedIn({self.session!r})"


@final
class StaffSignIn:
    """Joins ceremonies, invitations and sessions; each step is checked before it is written."""

    def __init__(
        self,
        *,
        store: StaffStore,
        log: StaffLog,
        secrets: StaffSecrets,
        invitations: Invitations,
        sessions: StaffSessions,
        ceremonies: Ceremonies,
        demo: bool = False,
    ) -> None:
        """*demo* lets a link sign in by itself, as only a throwaway house may."""
        self._store = store
        self._log = log
        self._secrets = secrets
        self._invitations = invitations
        self._sessions = sessions
        self._ceremonies = ceremonies
        self.demo = demo

    # --- with a passkey -------------------------------------------------------------------------

    async def begin_sign_in(self, now: int) -> dict[str, Any]:
        """Return what the browser is to sign; nothing is written."""
        return self._ceremonies.ask_to_sign(self._secrets.challenge(_SIGN_IN, now))

    async def finish_sign_in(self, credential: Mapping[str, Any], now: int) -> SignedIn:
        """Sign in with what a browser signed; `SignInRefusedError`, `ConflictError` in a race."""
        presented = self._ceremonies.presented(credential, new=False)
        used = self._used(presented, _SIGN_IN, now)
        passkey = await self._store.passkey(self._secrets.passkey(presented.credential))
        if passkey is None:
            raise SignInRefusedError
        staff = await self._store.member(passkey.staff)
        if staff is None or staff.ended is not None:
            raise SignInRefusedError
        shown = self._ceremonies.check_signed(presented, passkey)
        if is_copied(passkey.count, shown):
            # The signature holds, so somebody has this key: twice, by its own counter.
            _alarm.critical("a passkey of %s was copied: its counter went back", staff.id)
            await self._log.note(staff.id, "passkey_copied", about=passkey.name, now=now)
            raise SignInRefusedError
        await self._log.note(staff.id, "sign_in", about=passkey.name, now=now)
        opening = self._sessions.opening(staff.id, now)
        change = StaffChange(
            staff=staff,
            passkeys=(replace(passkey, count=shown, last_used=now),),
            adds=(used, opening.row),
        )
        return await self._opened(change, opening, now)

    # --- at an invitation -----------------------------------------------------------------------

    async def invited(self, link: str, now: int) -> StaffRecord:
        """Return whose invitation *link* is, without using it up; `InvitationSpentError`."""
        return (await self._invitations.find(link, now)).staff

    async def begin_joining(self, link: str, now: int) -> dict[str, Any]:
        """Return the passkey that the browser is to make; `InvitationSpentError`."""
        invited = await self._invitations.find(link, now)
        purpose = _joining(invited.row)
        have = await self._store.passkeys(invited.staff.id)
        challenge = self._secrets.challenge(purpose, now)
        return self._ceremonies.ask_to_make(invited.staff, challenge, have)

    async def finish_joining(self, link: str, credential: Mapping[str, Any], now: int) -> SignedIn:
        """Keep the passkey that was made, use the link up, and sign in.

        `InvitationSpentError`, also for whoever comes second; `SignInRefusedError`.
        """
        invited = await self._invitations.find(link, now)
        passkey, used = await self._made(invited.staff, credential, _joining(invited.row), now)
        await self._log.note(invited.staff.id, "join", about=passkey.name, now=now)
        opening = self._sessions.opening(invited.staff.id, now)
        change = StaffChange(
            staff=replace(invited.staff, joined=invited.staff.joined or now),
            passkeys=(passkey,),
            takes=(("invitation", invited.row.lookup),),
            adds=(used, opening.row),
        )
        return await self._opened(change, opening, now, InvitationSpentError())

    # --- a further passkey ----------------------------------------------------------------------

    async def passkeys(self, staff: str) -> list[PasskeyRecord]:
        """Return the passkeys of an account."""
        return await self._store.passkeys(staff)

    async def begin_adding(self, session: StaffSession, now: int) -> dict[str, Any]:
        """Return a further passkey that the browser is to make for whoever is signed in."""
        staff = await self._record(session)
        challenge = self._secrets.challenge(_adding(staff), now)
        return self._ceremonies.ask_to_make(staff, challenge, await self._store.passkeys(staff.id))

    async def finish_adding(
        self, session: StaffSession, credential: Mapping[str, Any], now: int
    ) -> PasskeyRecord:
        """Keep a further passkey; `SignInRefusedError`, `ConflictError`."""
        staff = await self._record(session)
        passkey, used = await self._made(staff, credential, _adding(staff), now)
        await self._log.note(staff.id, "passkey_added", about=passkey.name, now=now)
        await self._commit(StaffChange(staff=staff, passkeys=(passkey,), adds=(used,)))
        return passkey

    # --- in a demonstration ---------------------------------------------------------------------

    async def enter_by_link(self, link: str, now: int) -> SignedIn:
        """Sign in with the link alone; `SignInRefusedError` anywhere but in a demonstration."""
        if not self.demo:
            raise SignInRefusedError
        invited = await self._invitations.find(link, now)
        await self._log.note(invited.staff.id, "sign_in", about="demonstration", now=now)
        opening = self._sessions.opening(invited.staff.id, now, demo=True)
        change = StaffChange(
            staff=replace(invited.staff, joined=invited.staff.joined or now),
            takes=(("invitation", invited.row.lookup),),
            adds=(opening.row,),
        )
        return await self._opened(change, opening, now, InvitationSpentError())

    # --- inside ---------------------------------------------------------------------------------

    def _used(self, presented: Presented, purpose: str, now: int) -> StaffToken:
        """Return the row that keeps a challenge from being answered twice."""
        ends = self._secrets.ends(presented.challenge, purpose, now)
        if ends is None:
            raise SignInRefusedError
        return StaffToken(
            kind="challenge",
            lookup=self._secrets.used(presented.challenge),
            staff="",
            created=now,
            expires=ends,
            last_used=now,
        )

    async def _made(
        self, staff: StaffRecord, credential: Mapping[str, Any], purpose: str, now: int
    ) -> tuple[PasskeyRecord, StaffToken]:
        """Return the passkey that was made for *staff*, which is nobody's yet."""
        presented = self._ceremonies.presented(credential, new=True)
        used = self._used(presented, purpose, now)
        made = self._ceremonies.made(presented)
        lookup = self._secrets.passkey(made.credential)
        # Registering somebody's credential id again would put one's own key in its place.
        if await self._store.passkey(lookup) is not None:
            raise SignInRefusedError
        passkey = PasskeyRecord(
            lookup=lookup,
            staff=staff.id,
            credential=made.credential,
            public_key=made.public_key,
            count=made.count,
            created=now,
            last_used=now,
        )
        return passkey, used

    async def _record(self, session: StaffSession) -> StaffRecord:
        found = await self._store.member(session.member.id)
        if found is None:
            raise NotFoundError("there is no such account of staff")
        return found

    async def _opened(
        self,
        change: StaffChange,
        opening: Opening,
        now: int,
        spent: Exception | None = None,
    ) -> SignedIn:
        await self._commit(change, spent)
        return SignedIn(opening.token, await self._sessions.admit(opening.token, now))

    async def _commit(self, change: StaffChange, spent: Exception | None = None) -> None:
        try:
            await self._store.commit(change)
        except SpentError:
            raise spent or SignInRefusedError from None


def _joining(row: StaffToken) -> str:
    return f"join {row.lookup.hex()}"


def _adding(staff: StaffRecord) -> str:
    return f"add {staff.id}"
