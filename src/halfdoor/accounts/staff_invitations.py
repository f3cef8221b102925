"""Invitations of staff: a link that is good once, for so many hours, to one account."""

from typing import final

import msgspec

from halfdoor.accounts.staff_errors import InvitationSpentError
from halfdoor.accounts.staff_records import StaffRecord, StaffToken
from halfdoor.accounts.staff_secrets import StaffSecrets
from halfdoor.accounts.staff_store import StaffStore
from halfdoor.policy.review import Staff as StaffPolicy

_HOUR_MS = 3_600_000


@final
class Invitation(msgspec.Struct, frozen=True):
    """An invitation to hand over: `link` is the secret, which is stored nowhere."""

    staff: StaffRecord
    link: str
    expires: int

    def __repr__(self) -> str:
        return f"Invitation({self.staff.id!r})"


@final
class Invited(msgspec.Struct, frozen=True):
    """Whose invitation somebody holds, and the row that goes when it is used."""

    staff: StaffRecord
    row: StaffToken


@final
class Invitations:
    """Makes invitations, and finds whose they are."""

    def __init__(self, store: StaffStore, secrets: StaffSecrets, policy: StaffPolicy) -> None:
        self._store = store
        self._secrets = secrets
        self._lasts = policy.invite_hours * _HOUR_MS

    def draw(self, staff: str, now: int) -> tuple[str, StaffToken]:
        """Return a link for *staff*, and the row that makes it good once it is durable."""
        made = self._secrets.make("invitation")
        row = StaffToken(
            kind="invitation",
            lookup=made.lookup,
            staff=staff,
            created=now,
            expires=now + self._lasts,
            last_used=now,
        )
        return made.text, row

    async def open(self, now: int) -> list[StaffToken]:
        """Return the invitations that nobody used yet, for whoever administers them."""
        return [row for row in await self._store.tokens("invitation") if now < row.expires]

    async def find(self, link: str, now: int) -> Invited:
        """Return whose invitation *link* is; `InvitationSpentError` if it is good no more."""
        lookup = self._secrets.read("invitation", link)
        row = await self._store.token("invitation", lookup) if lookup is not None else None
        if row is None or now >= row.expires:
            raise InvitationSpentError
        staff = await self._store.member(row.staff)
        if staff is None or staff.ended is not None:
            raise InvitationSpentError
        return Invited(staff, row)


def address(public_url: str, link: str, *, demo: bool = False) -> str:
    """Return the address that somebody opens to use *link* at the console at *public_url*.

    In a *demo* the link signs in by itself; elsewhere it leads to the making of a passkey.
    """
    return f"{public_url.rstrip('/')}/{'demo' if demo else 'join'}/{link}"
