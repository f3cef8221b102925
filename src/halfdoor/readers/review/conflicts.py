"""Nobody judges themselves, a report of their own, somebody they know, or their own decision."""

from collections.abc import Iterable
from typing import Final, Protocol, final

import msgspec

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.readers.review.errors import ConflictOfInterestError
from halfdoor.readers.review.merging import family
from halfdoor.readers.review.records import Case, ModerationEvent
from halfdoor.readers.review.store import DeskStore

# How many decisions before an appeal are looked at; there is one appeal and one complaint.
_STEPS: Final = 4
_DECIDING: Final = frozenset({"proposed", "confirmed", "decided"})


class Ties(Protocol):
    """Who knows whom, as the accounts room keeps it."""

    async def look_anew(self, users: Iterable[str]) -> None:
        """Remember nothing of *users* that another process changed."""
        ...

    async def connections(self, user: str) -> frozenset[str]:
        """Return with whom *user* is connected."""
        ...


class OwnLife(msgspec.Struct, frozen=True):
    """What a member of staff must not judge: own accounts, whom they know, their own reports."""

    people: frozenset[str]
    known: frozenset[str]
    cases: frozenset[str]


def concerns(life: OwnLife, case: Case) -> bool:
    """Tell whether *case* names one's own account or somebody known, or holds an own report."""
    near = life.people | life.known
    return case.id in life.cases or case.subject in near or not near.isdisjoint(case.victims)


def conflict_of(
    staff: str, life: OwnLife, case: Case, reporters: Iterable[str], deciders: Iterable[str]
) -> str | None:
    """Return why *staff* may not judge *case*, None where they may.

    *reporters* are all who reported, *deciders* whoever of the staff decided what is contested.
    The sentence does not say which person it is about: it could tell somebody that they were
    reported.
    """
    if staff in deciders:
        return "You took part in the decision that is contested here: another person decides."
    if concerns(life, case) or not (life.people | life.known).isdisjoint(reporters):
        return "You are too close to this case: another person decides."
    return None


def deciders_of(case: Case, events: Iterable[ModerationEvent]) -> frozenset[str]:
    """Return who proposed, confirmed or took the decision of *case*."""
    acted = {one.actor for one in events if one.kind in _DECIDING}
    return frozenset(acted | {case.decided_by or ""}) - {""}


@final
class Conflicts:
    """Finds out who is too close to a case, from reports, connections and earlier decisions."""

    def __init__(self, store: DeskStore, ties: Ties) -> None:
        self._store = store
        self._ties = ties

    async def life_of(self, staff: StaffMember) -> OwnLife:
        """Return what *staff* must not judge; of somebody without accounts that is nothing."""
        known: set[str] = set()
        cases: set[str] = set()
        # Staff are no participants, whose requests would see to this by themselves.
        await self._ties.look_anew(staff.people)
        for user in staff.people:
            known |= await self._ties.connections(user)
            cases |= {one.case for one in await self._store.reports_by(user, 0)}
        return OwnLife(frozenset(staff.people), frozenset(known), frozenset(cases))

    async def check(self, staff: StaffMember, case: Case, life: OwnLife | None = None) -> None:
        """Refuse with `ConflictOfInterestError` whoever is too close to *case*.

        *life* is that of *staff*, where it was read already.
        """
        reporters: set[str] = set()
        deciders: set[str] = set()
        judged: Case | None = case
        for _ in range(_STEPS):
            if judged is None:
                break
            for one in await family(self._store, judged):
                reporters |= {report.reporter for report in await self._store.reports(one.id)}
            judged = None if judged.origin is None else await self._store.case(judged.origin)
            if judged is not None:
                deciders |= deciders_of(judged, await self._store.events(judged.id))
        own = await self.life_of(staff) if life is None else life
        why = conflict_of(staff.id, own, case, reporters, deciders)
        if why is not None:
            raise ConflictOfInterestError(why)
