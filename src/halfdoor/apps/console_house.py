"""The state of the house for the console's administrators: no case and no message is in reach."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.accounts.staff_roles import ADMIN
from halfdoor.apps.backup_record import read_record
from halfdoor.apps.checks import Check
from halfdoor.apps.console_choices import RUNGS
from halfdoor.apps.doctor import examine_beside
from halfdoor.apps.doctor_desk import staff_log_check
from halfdoor.apps.house_state import backup_state, custody_state, drill_states, policy_state
from halfdoor.apps.release import release
from halfdoor.apps.staff_log import DeskLog
from halfdoor.config.model import Config
from halfdoor.ids import is_user_id
from halfdoor.readers.review.errors import ReviewError, RoleError
from halfdoor.safety.measures import LIMITING, Kind, fold, holds
from halfdoor.web.console.house_values import (
    Account,
    Examination,
    Finding,
    HouseState,
    PolicyState,
    ReleaseState,
)

if TYPE_CHECKING:
    from halfdoor.apps.house import House

# So many accounts are looked at for the numbers; a house of millions has others (metrics).
_COUNTED: Final = 10_000
_AT_ONCE: Final = 200


@final
class ConsoleHouse:
    """Implements `web.console.desk.Houses` over a house and its configuration."""

    def __init__(self, house: "House", config: Config) -> None:
        self._house = house
        self._config = config
        self._log = DeskLog(house.desk.store)
        self._examined: Examination | None = None
        self._examining = asyncio.Lock()

    async def state(self, staff: StaffMember) -> HouseState:
        """Return all that the page shows; `RoleError` for anybody but an admin."""
        _check_admin(staff)
        # Files are read, so that requests of others do not wait.
        policy, installed = await asyncio.to_thread(self._from_files)
        record = await asyncio.to_thread(read_record, self._house.setting.data_dir)
        return HouseState(
            policy=policy,
            release=installed,
            custody=custody_state(self._house.setting.escrow, policy.entity),
            backup=backup_state(record),
            drills=drill_states(record),
            examined=self._examined,
        )

    async def examine(self, staff: StaffMember) -> None:
        """Ask the doctor, and count accounts; whoever asks meanwhile waits for the same answer."""
        _check_admin(staff)
        asked = self._house.clock.now_ms()
        async with self._examining:
            if self._examined is None or self._examined.at < asked:
                await self._log.note(staff.id, "examine", now=asked)
                self._examined = await self._look()

    async def look_up(self, staff: StaffMember, user: str) -> Account:
        """Return how the account *user* stands; the staff log has the question first."""
        _check_admin(staff)
        house, now = self._house, self._house.clock.now_ms()
        if not is_user_id(user) or user.partition(":")[2] != house.setting.server_name:
            raise ReviewError(f"Type the whole id, such as @ada:{house.setting.server_name}.")
        await self._log.note(staff.id, "look_up", about=user, now=now)
        await house.people.look_anew([user])
        if not await house.people.exists(user):
            return Account(user=user, known=False)
        person, state = await house.people.person(user), await house.account_store.state(user)
        return Account(
            user=user,
            created=state.account.created if state is not None else None,
            closed=state is not None and state.account.deactivated,
            suspended=person.suspended,
            limits=tuple(
                (RUNGS[Kind(one.kind)][0], one.ends)
                for one in person.measures
                if one.kind in LIMITING and one.kind != Kind.LABEL and holds(one, now)
            ),
            devices=len(state.devices) if state is not None else 0,
            waiting=sum(one.approval is None for one in state.pending) if state is not None else 0,
        )

    # --- inside -----------------------------------------------------------------------------------

    def _from_files(self) -> tuple[PolicyState, ReleaseState]:
        found = release()
        file: Path | None = self._config.policy_file
        return policy_state(self._house.setting.policy, file), ReleaseState(
            version=found.version, digest=found.digest, files=found.files, changed=found.changed
        )

    async def _look(self) -> Examination:
        checks = [self._sign_in(), *await asyncio.to_thread(examine_beside, self._config)]
        if self._house.setting.database is None:
            checks.append(await staff_log_check(self._house.store.desk, _AT_ONCE))
        accounts, suspended, limited, many = await self._count()
        return Examination(
            at=self._house.clock.now_ms(),
            findings=tuple(
                Finding(title=one.name, result=one.result, said=one.found, todo=one.todo)
                for one in checks
            ),
            accounts=accounts,
            suspended=suspended,
            limited=limited,
            many=many,
        )

    def _sign_in(self) -> Check:
        place = self._house.setting.console
        if place is not None and place.demo:
            return Check("staff sign-in", "advice", "A demonstration: links sign in.")
        return Check("staff sign-in", "ok", "By passkeys; nothing else signs in.")

    async def _count(self) -> tuple[int, int, int, bool]:
        """Return how many accounts there are, are suspended, are limited; and if there are more."""
        now, store = self._house.clock.now_ms(), self._house.account_store
        after, accounts, suspended, limited = "", 0, 0, 0
        while accounts < _COUNTED:
            users = await store.user_ids(after, _AT_ONCE)
            if not users:
                return accounts, suspended, limited, False
            after = users[-1]
            accounts += len(users)
            for person in (await store.persons(users)).values():
                bound = fold(person.measures, now, suspended=person.suspended)
                suspended += bound.suspended
                limited += bound.no_new_conversations or bound.no_media or bound.no_minors
            # Others are served between two of these.
            await asyncio.sleep(0)
        return accounts, suspended, limited, bool(await store.user_ids(after, 1))


def _check_admin(staff: StaffMember) -> None:
    if not staff.may(ADMIN):
        raise RoleError("Only an admin may see this.")
