"""A clock that is set back an hour, over midnight and the end of a year: order does not follow it.

The server begins twenty minutes into a new year. Its clock is set back while it runs, and then a
server is started that sees the old year for the first time.
"""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio
from tests.journeys.crash_load import V3
from tests.journeys.crash_town import Town, Traffic, settle
from tests.journeys.crash_verdict import Verdict
from tests.journeys.light_load import until
from tests.journeys.node_process import Node, module_environment

pytestmark = pytest.mark.asyncio(loop_scope="module")

PEOPLE = 10
ENOUGH = 40
HOUR = 3600
PROGRAM = [sys.executable, "-m", "tests.journeys.faketime_node"]
BEGINNING = datetime(2027, 1, 1, 0, 20, tzinfo=UTC)


class Clock:
    """A clock that processes read anew at every look; only time waited for stays the machine's."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self._ahead = int((BEGINNING - datetime.now(UTC)).total_seconds())
        self.set_back(0)

    def set_back(self, seconds: int) -> None:
        """Set it back so many seconds."""
        self._ahead -= seconds
        # In one step: a process may look at any moment.
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{self._ahead:+}\n")
        fresh.replace(self._file)

    def environment(self) -> dict[str, str]:
        """What lets a process see this clock."""
        if shutil.which("faketime") is None:
            pytest.fail("faketime is missing: install Debian's package faketime")
        [library] = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            **module_environment(),
        }


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
    node, clock = Node(folder / "node"), Clock(folder)

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
