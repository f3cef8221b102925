"""Sessions of staff: short, ended by silence, found by a keyed hash of what a browser keeps."""

from typing import Final, final

import msgspec

from halfdoor.accounts.errors import ForbiddenError
from halfdoor.accounts.staff_errors import NotSignedInError
from halfdoor.accounts.staff_member import StaffMember
from halfdoor.accounts.staff_records import StaffToken
from halfdoor.accounts.staff_roles import ADMIN
from halfdoor.accounts.staff_secrets import StaffSecrets
from halfdoor.accounts.staff_store import StaffLog, StaffStore
from halfdoor.policy.review import Staff as StaffPolicy

_MINUTE_MS: Final = 60_000
# A session in use is noted no more often than this, so that reading pages writes little.
_TOUCH_MS: Final = 15_000


@final
class StaffSession(msgspec.Struct, frozen=True, kw_only=True):
    """Who is signed in. `csrf` is the mark of every form; `demo` where a link did for a passkey.

    `since` and `ends` are ms since 1970; without a sign it ends sooner.
    """

    member: StaffMember
    csrf: str
    demo: bool
    since: int
    ends: int

    def __repr__(self) -> str:
        return f"StaffSession({self.member.id!r})"


@final
class Opening(msgspec.Struct, frozen=True):
    """A session that is about to begin: the token to hand over, and the row that makes it one."""

    token: str
    row: StaffToken

    def __repr__(self) -> str:
        return f"Opening({self.row.staff!r})"


@final
class StaffSessions:
    """Begins sessions, admits their requests, ends them."""

    def __init__(
        self,
        store: StaffStore,
        log: StaffLog,
        secrets: StaffSecrets,
        policy: StaffPolicy,
        *,
        demo: bool = False,
    ) -> None:
        """*demo* admits sessions that a link began; elsewhere what a demonstration left is void."""
        self._demo = demo
        self._store = store
        self._log = log
        self._secrets = secrets
        self._length = policy.session_minutes * _MINUTE_MS
        self._idle = policy.idle_minutes * _MINUTE_MS

    def opening(self, staff: str, now: int, *, demo: bool = False) -> Opening:
        """Return a session for *staff* that begins once its row is durable."""
        made = self._secrets.make("session")
        return Opening(
            made.text,
            StaffToken(
                kind="session",
                lookup=made.lookup,
                staff=staff,
                created=now,
                expires=now + self._length,
                last_used=now,
                demo=demo,
            ),
        )

    async def admit(self, token: str, now: int) -> StaffSession:
        """Return the session of *token* as its account stands now; `NotSignedInError`."""
        lookup = self._secrets.read("session", token)
        row = await self._store.token("session", lookup) if lookup is not None else None
        if row is None or now >= min(row.expires, row.last_used + self._idle):
            raise NotSignedInError
        if row.demo and not self._demo:
            raise NotSignedInError
        record = await self._store.member(row.staff)
        # Read with every request: whose account has ended is out at once, on every server.
        if record is None or record.ended is not None:
            raise NotSignedInError
        if now >= row.last_used + _TOUCH_MS:
            await self._store.touch(row.lookup, now)
        return StaffSession(
            member=record.member(),
            csrf=self._secrets.mark(token),
            demo=row.demo,
            since=row.created,
            ends=row.expires,
        )

    async def sign_out(self, token: str, now: int) -> None:
        """End the session of *token*; nothing where there is none."""
        lookup = self._secrets.read("session", token)
        row = await self._store.token("session", lookup) if lookup is not None else None
        if row is not None:
            await self._store.drop("session", row.lookup)
            await self._log.note(row.staff, "sign_out", now=now)

    async def live(self, now: int) -> list[StaffToken]:
        """Return the sessions that stand, for whoever administers them."""
        rows = await self._store.tokens("session")
        return [row for row in rows if now < min(row.expires, row.last_used + self._idle)]

    async def end(self, *, by: StaffMember, name: str, now: int) -> None:
        """End one session by its name; nothing where it has ended. `ForbiddenError`."""
        if not by.may(ADMIN):
            raise ForbiddenError("only an admin may do this")
        for row in await self._store.tokens("session"):
            if row.name == name:
                await self._log.note(by.id, "session_ended", about=row.staff, now=now)
                await self._store.drop("session", row.lookup)

    async def sweep(self, now: int) -> int:
        """Remove what has expired; return how many rows there were."""
        return await self._store.sweep(now)
