"""A clock that is set back an hour, over midnight and the end of a year: order does not follow it.

The server begins twenty minutes into a new year. Its clock is set back while it runs, and then a
server is started that sees the old year for the first time.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
import pytest_asyncio
from tests.journeys.crash_load import V3
from tests.journeys.crash_town import Town, Traffic, settle
from tests.journeys.crash_verdict import Verdict
from tests.journeys.false_clock import PROGRAM, FalseClock
from tests.journeys.light_load import until
from tests.journeys.node_process import Node

pytestmark = pytest.mark.asyncio(loop_scope="module")

PEOPLE = 10
ENOUGH = 40
HOUR = 3600
BEGINNING = datetime(2027, 1, 1, 0, 20, tzinfo=UTC)


@dataclass(frozen=True)
class Told:
    """What is known in the end."""

    town: Town
    verdict: Verdict
    moments: list[datetime]
    chains: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Told]:
    folder = tmp_path_factory.mktemp("clock")
    node, clock = Node(folder / "node"), FalseClock(folder, BEGINNING)

    async def started() -> None:
        environment = clock.environment()
        await asyncio.to_thread(node.start, program=PROGRAM, environment=environment)

    await started()
    try:
        async with await settle([node.address], PEOPLE) as town:
            async with Traffic(town) as traffic:

                async def more() -> None:
                    wanted = town.ledger.total + ENOUGH
                    await until(lambda: town.ledger.total >= wanted, traffic.tasks, "more", 240)

                await more()
                clock.set_back(HOUR)
                await more()
                node.kill()
                await started()
                await more()
                await traffic.come_to_rest()
            verdict = await town.verdict()
            moments = await _moments(town)
        await asyncio.to_thread(node.stop)
        yield Told(town, verdict, moments, await asyncio.to_thread(node.recomputed_chains))
    finally:
        node.end()


async def _moments(town: Town) -> list[datetime]:
    """When the texts of one conversation were written, as the server says, in their order."""
    sender = town.senders[0]
    path = f"{V3}/rooms/{quote(sender.rooms[0])}/messages?dir=f&limit=1000"
    page = await sender.way.must("GET", path)
    return [
        datetime.fromtimestamp(event["origin_server_ts"] / 1000, UTC)
        for event in page["chunk"]
        if event["type"] == "m.room.message"
    ]


async def test_the_clock_did_go_back_over_the_new_year(told: Told) -> None:
    first, last = told.moments[0], told.moments[-1]
    assert (first.year, last.year) == (2027, 2026)
    assert told.moments != sorted(told.moments)


async def test_nothing_was_lost_doubled_skipped_or_disordered(told: Told) -> None:
    assert told.town.ledger.total >= 3 * ENOUGH
    assert told.verdict.is_clean, str(told.verdict)


async def test_the_chains_recomputed_from_the_store_hold(told: Told) -> None:
    assert told.chains == f"{PEOPLE} conversations, every chain holds."
