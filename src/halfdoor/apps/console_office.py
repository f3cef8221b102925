"""The accounts of staff as an administrator sees them in the console. No content is in reach."""

from collections import Counter
from typing import final

from halfdoor.accounts.errors import AccountsError, ForbiddenError
from halfdoor.accounts.staff import StaffAccounts
from halfdoor.accounts.staff_invitations import Invitations, address
from halfdoor.accounts.staff_member import StaffMember
from halfdoor.accounts.staff_roles import ADMIN
from halfdoor.accounts.staff_sessions import StaffSessions
from halfdoor.apps.setting import Setting
from halfdoor.clock import Clock
from halfdoor.readers.review.errors import ReviewError, RoleError
from halfdoor.web.console.values import Invite, Member, Office, Sitting


@final
class ConsoleOffice:
    """Implements `web.console.desk.Offices` over the accounts of staff."""

    def __init__(
        self,
        setting: Setting,
        staff: StaffAccounts,
        sessions: StaffSessions,
        invitations: Invitations,
        clock: Clock,
    ) -> None:
        self._setting = setting
        self._staff = staff
        self._sessions = sessions
        self._invitations = invitations
        self._clock = clock

    async def office(self, staff: StaffMember) -> Office:
        """Return everything on the administrator's page; `RoleError` for anybody else."""
        if not staff.may(ADMIN):
            raise RoleError("Only an admin may see this.")
        now = self._clock.now_ms()
        records = {one.id: one for one in await self._staff.members()}
        sitting = await self._sessions.live(now)
        count = Counter(one.staff for one in sitting)
        return Office(
            members=tuple(
                Member(
                    id=one.id,
                    name=one.name,
                    roles=one.roles,
                    place=one.place,
                    active=one.ended is None,
                    sessions=count[one.id],
                )
                for one in records.values()
            ),
            invites=tuple(
                Invite(
                    id=one.name,
                    name=records[one.staff].name,
                    roles=records[one.staff].roles,
                    until=one.expires,
                )
                for one in await self._invitations.open(now)
            ),
            sessions=tuple(
                Sitting(
                    id=one.name,
                    name=records[one.staff].name,
                    since=one.created,
                    seen=one.last_used,
                    own=one.staff == staff.id,
                )
                for one in sitting
            ),
        )

    async def invite(self, staff: StaffMember, name: str, roles: frozenset[str], place: str) -> str:
        """Return the address to hand to somebody who is to join; it is shown once."""
        console = self._setting.console
        if console is None:
            raise ReviewError("There is no console that a link could lead to.")
        try:
            made = await self._staff.invite(
                by=staff, name=name, roles=roles, place=place, now=self._clock.now_ms()
            )
        except AccountsError as error:
            raise _refusal(error) from None
        return address(console.public_url, made.link, demo=console.demo)

    async def end_session(self, staff: StaffMember, session: str) -> None:
        """End one session by its name."""
        try:
            await self._sessions.end(by=staff, name=session, now=self._clock.now_ms())
        except AccountsError as error:
            raise _refusal(error) from None

    async def end_member(self, staff: StaffMember, member: str) -> None:
        """End an account of staff and all its sessions."""
        try:
            await self._staff.end(by=staff, id=member, now=self._clock.now_ms())
        except AccountsError as error:
            raise _refusal(error) from None


def _refusal(error: AccountsError) -> ReviewError:
    """Return *error* in the words of the desk, whose pages tell it."""
    said = f"{str(error)[:1].upper()}{str(error)[1:]}."
    return RoleError(said) if isinstance(error, ForbiddenError) else ReviewError(said)
