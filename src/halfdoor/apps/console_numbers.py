"""Budgets and boards of the console, over the desk's own services."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, final

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.clock import day_of
from halfdoor.readers.review.board import Times, board
from halfdoor.readers.review.errors import RoleError
from halfdoor.readers.review.records import ModerationEvent
from halfdoor.readers.review.vault import counts_for, lies_in_vault
from halfdoor.readers.review.wellness import LEAST_PEOPLE
from halfdoor.web.console.values import Backlog, Budget, Figures, Health, Spread, Team

if TYPE_CHECKING:
    from halfdoor.apps.desk import Desk

_DAYS: Final = 14
_DAY_MS: Final = 86_400_000
_MINUTE_MS: Final = 60_000
# What a board is made of: more would make a page wait.
_EVENTS: Final = 5_000
_BOARD: Final = frozenset({"lead", "auditor", "admin"})


@final
class ConsoleWellness:
    """Implements `web.console.desk.Wellness`."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk

    async def mine(self, staff: StaffMember) -> Health:
        """Return what *staff* themselves may know."""
        used = await self._desk.cases.meter(staff)
        return Health(
            budgets=(
                Budget(title="Messages revealed", used=used.reveals, most=used.reveals_limit),
                Budget(title="Of the most severe cases", used=used.severe, most=used.severe_limit),
            ),
            streak=used.in_a_row,
            longest=used.in_a_row_limit,
            opted_out=staff.opted_out,
        )

    async def opt_out(self, staff: StaffMember, groups: frozenset[str]) -> None:
        """Hide the cases of these groups of reasons from *staff*, at once."""
        await self._desk.staff.opt_out(staff, groups, self._desk.house.clock.now_ms())

    async def team(self, staff: StaffMember) -> Team | None:
        """Return averages; None for fewer than five people."""
        if not staff.may("lead"):
            raise RoleError("Only a lead sees the team.")
        days = await self._desk.days.everyone(self._desk.house.clock.now_ms())
        seen = [day for day in days if day.claims or day.reveals]
        if len(seen) < LEAST_PEOPLE:
            return None
        reveals = [one for day in seen for one in day.reveals]
        return Team(
            people=len(seen),
            reveals=len(reveals) / len(seen),
            severe=sum(one.severe for one in reveals) / len(seen),
        )


@final
class ConsoleBoards:
    """Implements `web.console.desk.Boards`."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk

    async def figures(self, staff: StaffMember) -> Figures:
        """Return the last fourteen days; of the vault only to those who work there."""
        if not _BOARD & staff.roles:
            raise RoleError("Your role has no access to this page.")
        store, review = self._desk.store, self._desk.review
        last = day_of(self._desk.house.clock.now_ms())
        first = last - _DAYS + 1
        events, ranks = await self._known(staff, first * _DAY_MS)
        counts = counts_for(staff, await store.counts(), review)
        made = board(events, counts, ranks, first, last)
        return Figures(
            days=tuple(_day(one.day) for one in made.inflow),
            opened=tuple(one.opened for one in made.inflow),
            decided=tuple(one.decided for one in made.inflow),
            backlog=tuple(
                Backlog(
                    queue=one.queue,
                    waiting=one.waiting,
                    worked=one.worked_on,
                    oldest_due=one.due,
                )
                for one in made.backlog
            ),
            spread=tuple(_spread(one) for one in made.times),
        )

    async def _known(
        self, staff: StaffMember, since: int
    ) -> tuple[list[ModerationEvent], dict[str, int]]:
        """Return what happened in the cases that *staff* may know of, and how severe each is."""
        events = await self._desk.store.events_since(since, _EVENTS)
        ranks: dict[str, int] = {}
        for name in {one.case for one in events}:
            case = await self._desk.store.case(name)
            if case is None:
                continue
            if staff.may("child_safety") or not lies_in_vault(case, self._desk.review):
                ranks[name] = case.rank
        return [one for one in events if one.case in ranks], ranks


def _spread(times: Times) -> Spread:
    return Spread(
        rank=times.rank,
        cases=times.cases,
        claim_median=_minutes(times.claim_median),
        claim_p90=_minutes(times.claim_p90),
        decide_median=_minutes(times.decide_median),
        decide_p90=_minutes(times.decide_p90),
    )


def _minutes(ms: int | None) -> float | None:
    return None if ms is None else round(ms / _MINUTE_MS, 1)


def _day(day: int) -> str:
    return f"{datetime.fromtimestamp(day * 86_400, UTC):%Y-%m-%d}"
