"""Staff at the door of the console: its own words for sessions, passkeys and links."""

from typing import Any, final

import msgspec

from halfdoor.accounts.errors import ConflictError
from halfdoor.accounts.staff_errors import (
    InvitationSpentError,
    NotSignedInError,
    SignInRefusedError,
)
from halfdoor.accounts.staff_member import StaffMember
from halfdoor.accounts.staff_sessions import StaffSessions
from halfdoor.accounts.staff_sign_in import StaffSignIn
from halfdoor.clock import Clock
from halfdoor.readers.review.errors import RoleError, UnknownCaseError
from halfdoor.web.console.values import Passkey

_OVER = "This link is not good any more. Ask for another one."
_WRONG = "This passkey does not sign in here."


class Entered(msgspec.Struct, frozen=True):
    """A session of staff for the length of one request."""

    staff: StaffMember
    csrf: str
    demo: bool

    def __repr__(self) -> str:
        return f"Entered({self.staff.id!r})"


@final
class ConsoleGate:
    """Implements `web.console.desk.StaffGate` over the accounts of staff."""

    def __init__(self, doors: StaffSignIn, sessions: StaffSessions, clock: Clock) -> None:
        self._doors = doors
        self._sessions = sessions
        self._clock = clock

    async def admit(self, token: str) -> Entered | None:
        """Return the session of *token*, None where there is none, or it has ended."""
        try:
            found = await self._sessions.admit(token, self._clock.now_ms())
        except NotSignedInError:
            return None
        return Entered(found.member, found.csrf, found.demo)

    async def begin(self) -> bytes:
        """Return what the browser is to sign."""
        return msgspec.json.encode(await self._doors.begin_sign_in(self._clock.now_ms()))

    async def finish(self, answer: bytes) -> str:
        """Return the token of a new session; `RoleError` where *answer* is wrong."""
        try:
            signed = await self._doors.finish_sign_in(_read(answer), self._clock.now_ms())
        except (SignInRefusedError, ConflictError):
            raise RoleError(_WRONG) from None
        return signed.token

    async def check_link(self, link: str) -> None:
        """Refuse a *link* that is good no more; `InvitationSpentError`."""
        await self._doors.invited(link, self._clock.now_ms())

    async def begin_joining(self, link: str) -> bytes:
        """Return the passkey that the browser is to make; `UnknownCaseError` for no good link."""
        try:
            asked = await self._doors.begin_joining(link, self._clock.now_ms())
        except InvitationSpentError:
            raise UnknownCaseError(_OVER) from None
        return msgspec.json.encode(asked)

    async def finish_joining(self, link: str, answer: bytes) -> str:
        """Return the token of the first session; `UnknownCaseError`, `RoleError`."""
        try:
            signed = await self._doors.finish_joining(link, _read(answer), self._clock.now_ms())
        except InvitationSpentError:
            raise UnknownCaseError(_OVER) from None
        except (SignInRefusedError, ConflictError):
            raise RoleError(_WRONG) from None
        return signed.token

    async def demo(self, link: str) -> str:
        """Return the token of a session by a link alone, in a demonstration; else `RoleError`."""
        try:
            signed = await self._doors.enter_by_link(link, self._clock.now_ms())
        except InvitationSpentError:
            raise UnknownCaseError(_OVER) from None
        except (SignInRefusedError, ConflictError):
            raise RoleError("Only a demonstration lets a link sign in.") from None
        return signed.token

    async def passkeys(self, staff: StaffMember) -> tuple[Passkey, ...]:
        """Return the passkeys of *staff*, the newest first."""
        found = sorted(await self._doors.passkeys(staff.id), key=lambda one: -one.created)
        return tuple(Passkey(name=one.name, made=one.created, used=one.last_used) for one in found)

    async def begin_adding(self, token: str) -> bytes:
        """Return the further passkey that the browser is to make; `NotSignedInError`."""
        now = self._clock.now_ms()
        session = await self._sessions.admit(token, now)
        return msgspec.json.encode(await self._doors.begin_adding(session, now))

    async def finish_adding(self, token: str, answer: bytes) -> None:
        """Keep it; `RoleError` where *answer* is wrong, `NotSignedInError`."""
        now = self._clock.now_ms()
        session = await self._sessions.admit(token, now)
        try:
            await self._doors.finish_adding(session, _read(answer), now)
        except (SignInRefusedError, ConflictError):
            raise RoleError("This passkey was not taken.") from None

    async def leave(self, token: str) -> None:
        """End the session of *token*."""
        await self._sessions.sign_out(token, self._clock.now_ms())


def _read(answer: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(answer, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise SignInRefusedError from None
