"""Two cases about the same thing become one to decide; each keeps its reports, evidence and key.

A case's key opens only what was sealed to that case, so nothing is moved: the case that is closed
names the one that goes on, and whoever holds that one may read the evidence of both.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from halfdoor.readers.review.errors import ReviewError
from halfdoor.readers.review.leases import check_undecided
from halfdoor.readers.review.records import Case, CaseKind, CaseState, ModerationEvent
from halfdoor.readers.review.store import DeskStore

T = TypeVar("T")


class _Merged(msgspec.Struct, frozen=True):
    """What the event of a merge tells in the case that goes on."""

    cases: tuple[str, ...] = ()


def merged_from(events: Sequence[ModerationEvent]) -> tuple[str, ...]:
    """Return the ids of the cases that were merged into the one with these *events*, in order."""
    found: dict[str, None] = {}
    for one in events:
        if one.kind == "merged":
            found |= dict.fromkeys(msgspec.json.decode(one.detail, type=_Merged).cases)
    return tuple(found)


async def family(store: DeskStore, case: Case) -> tuple[Case, ...]:
    """Return *case* and all that were merged into it: their reports and evidence count as its own.

    A case is one of them only if its own row says so too.
    """
    names = merged_from(await store.events(case.id))
    merged = [await store.case(name) for name in names]
    return (case, *(one for one in merged if one is not None and one.merged_into == case.id))


async def material(store: DeskStore, case: Case) -> tuple[Case, ...]:
    """Return the cases whose reports and evidence whoever holds *case* may read.

    Its family, and for an appeal or complaint also what it contests: it is about that evidence.
    """
    whole: dict[str, Case] = {}
    current: Case | None = case
    while current is not None and current.id not in whole:
        whole |= {one.id: one for one in await family(store, current)}
        current = None if current.origin is None else await store.case(current.origin)
    return tuple(whole.values())


async def gathered(read: Callable[[str], Awaitable[list[T]]], cases: Iterable[Case]) -> list[T]:
    """Return what *read* finds for each of *cases*, in their order."""
    return [item for case in cases for item in await read(case.id)]


def check_mergeable(closing: Case, going_on: Case) -> None:
    """Refuse to merge what is not about one person, or would take anything out of the vault."""
    check_undecided(closing)
    check_undecided(going_on)
    if closing.id == going_on.id:
        raise ReviewError("A case cannot be merged into itself.")
    if closing.kind is not CaseKind.REPORT or going_on.kind is not CaseKind.REPORT:
        raise ReviewError("Appeals and complaints are decided one by one.")
    if closing.subject != going_on.subject:
        raise ReviewError("Only cases about the same person can be merged.")
    if closing.child_safety and not going_on.child_safety:
        raise ReviewError("A child-safety case can only be merged into another one.")
    if CaseState.SECOND in (closing.state, going_on.state):
        raise ReviewError("One of the two waits for a second person: that comes first.")


def joined(closing: Case, going_on: Case) -> Case:
    """Return the case that goes on: as severe and as urgent as the worse of the two."""
    return replace(
        going_on,
        reason=closing.reason if closing.rank < going_on.rank else going_on.reason,
        rank=min(closing.rank, going_on.rank),
        due=min(closing.due, going_on.due),
        minor=closing.minor or going_on.minor,
        reports=closing.reports + going_on.reports,
        victims=tuple(dict.fromkeys((*going_on.victims, *closing.victims))),
        weight=closing.weight + going_on.weight,
    )


def closed_into(closing: Case, going_on: Case) -> Case:
    """Return the case that is closed, which names the one that goes on."""
    closed = replace(closing, state=CaseState.CLOSED, holder=None, lease_until=0)
    return replace(followed(closed, going_on), merged_into=going_on.id)


def followed(merged: Case, going_on: Case) -> Case:
    """Return a *merged* case that follows the one that goes on into the vault, if that is there."""
    if not going_on.child_safety:
        return merged
    return replace(merged, queue=going_on.queue, child_safety=True)
