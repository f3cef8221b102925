"""Whom a case concerns: its reports, when what they are about happened, and how people read."""

from collections.abc import Iterable
from typing import Protocol

from halfdoor.accounts.records import PersonRecord
from halfdoor.readers.review.merging import family
from halfdoor.readers.review.notices import Reader
from halfdoor.readers.review.records import Case, Report, Source
from halfdoor.readers.review.store import DeskStore
from halfdoor.safety.ages import as_recipient, band_of, is_minor


class People(Protocol):
    """Where the age and the country of whoever is told are known."""

    async def person(self, user: str) -> PersonRecord:
        """Return what is known of *user*; nothing is a record without facts."""

    async def look_anew(self, users: Iterable[str]) -> None:
        """Remember nothing of *users* that another process changed."""

    async def erased(self, user: str) -> bool:
        """Tell whether the erasure of *user* was asked for: nothing more is kept about them."""


async def reports_about(desk: DeskStore, case: Case) -> tuple[list[Report], int]:
    """Return the reports that *case* is about, and when what they are about happened (ms).

    An appeal or complaint is about those of the case that it contests.
    """
    while case.origin is not None:
        before = await desk.case(case.origin)
        if before is None:
            break
        case = before
    reports: list[Report] = []
    seen = 0
    for one in await family(desk, case):
        reports += await desk.reports(one.id)
        shown = [item.ts for item in await desk.evidence(one.id) if not item.context]
        seen = max([seen, *shown])
    return reports, seen or max((one.at for one in reports), default=case.opened)


def by_reporter(reports: list[Report]) -> list[list[Report]]:
    """Return the reports of each person, hidden ones apart: what is told of them stays hidden.

    Whoever reported without an account is nobody who could be told.
    """
    groups: dict[tuple[str, bool], list[Report]] = {}
    for one in reports:
        if one.source is Source.PUBLIC:
            continue
        groups.setdefault((one.reporter, one.hidden), []).append(one)
    return list(groups.values())


async def reader_of(people: People, user: str) -> Reader:
    """Return how *user* reads: in plain words wherever nobody vouches that they are an adult."""
    # Work of a queue, which no request began: what is remembered may be long past.
    await people.look_anew([user])
    record = await people.person(user)
    minor = is_minor(as_recipient(band_of(record.age_band)))
    return Reader(user=user, minor=minor, region=record.region)
