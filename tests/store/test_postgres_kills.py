"""What was acknowledged is there after a kill of nodes or of PostgreSQL: once, in order, told."""

import asyncio
import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.store.making import ALICE, BOB, event, found
from tests.store.postgres_houses import PostgresHouse, Postgresql
from tests.store.postgres_server import PostgresServer
from tests.store.programs import environment
from tests.store.test_acknowledged_is_durable import check_nothing_lost

from halfdoor.messaging.ledger import Append
from halfdoor.store.errors import StoreUnavailableError


class Child:
    """A process that writes, and what it acknowledged."""

    def __init__(self, house: PostgresHouse, convs: list[str], when: str = "never") -> None:
        addresses = [address for address in house.addresses if address]
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.store.postgres_writing_child",
                str(house.key.path),
                when,
                ",".join(convs),
                *addresses,
            ],
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        self.lines: list[list[str]] = []

    def read(self, count: int) -> None:
        """Read so many acknowledgements, or all there are if the process ends before."""
        assert self._process.stdout is not None
        # A child that hangs fails the test instead of hanging it.
        watch = threading.Timer(60, self._process.terminate)
        watch.start()
        for _ in range(count):
            line = self._process.stdout.readline()
            if not line:
                break
            # The last line may have been cut; that one was not acknowledged to anybody.
            if line.endswith("\n"):
                self.lines.append(line.split())
        watch.cancel()

    def kill(self) -> None:
        """Kill it, and read what it had acknowledged by then."""
        self._process.kill()
        self.end()

    def end(self) -> None:
        """Read to its end, which is a kill."""
        self.read(10**9)
        assert self._process.stdout is not None
        self._process.stdout.close()
        assert self._process.wait(timeout=60) == -signal.SIGKILL


async def rooms(house: PostgresHouse) -> list[str]:
    return [(await found(house.store, ALICE, BOB)).conv for _ in range(2)]


async def test_two_killed_nodes_lose_nothing_they_acknowledged(served: PostgresHouse) -> None:
    convs = await rooms(served)
    children = [Child(served, convs) for _ in range(2)]
    for child in children:
        await asyncio.to_thread(child.read, 60)
    for child in children:
        await asyncio.to_thread(child.kill)
    acknowledged = [line for child in children for line in child.lines]
    assert len(acknowledged) >= 120
    await served.store.conversations.sweep()
    await check_nothing_lost(served.store, acknowledged)


@pytest.mark.parametrize("when", ["before", "within", "after"])
async def test_a_crash_between_the_two_sides_tells_everybody_exactly_once(
    when: str, served: PostgresHouse
) -> None:
    convs = await rooms(served)
    if not served.apart:
        # One transaction holds both sides; there is no between.
        assert served.store.database.shared
        return
    child = Child(served, convs, when)
    await asyncio.to_thread(child.end)
    store = await served.reopen()
    await check_nothing_lost(store, child.lines)
    room = await store.conversations.room(convs[0])
    assert room is not None
    expects = (room.head.hh, room.head.revision)
    said = event(convs[0], ALICE, (BOB,))
    done = await store.conversations.append(Append(convs[0], expects, (said,)))
    assert [one.seq for one in done.told] == [room.head.last_seq + 1] * 2
    await check_nothing_lost(store, child.lines)


@pytest.fixture(scope="module")
def mortal() -> Iterator[Postgresql]:
    """A server of its own, which may be killed."""
    server = Postgresql.started()
    yield server
    server.stop()


@contextlib.asynccontextmanager
async def standing(server: Postgresql, folder: Path, *, two: bool) -> AsyncIterator[PostgresHouse]:
    house = await PostgresHouse.built(server, folder, two_databases=two)
    yield house
    await house.pull_down()


@pytest.mark.parametrize("two", [False, True])
async def test_a_postgresql_that_crashes_under_load_loses_nothing(
    mortal: Postgresql, tmp_path: Path, two: bool
) -> None:
    async with standing(mortal, tmp_path, two=two) as house:
        convs = await rooms(house)
        children = [Child(house, convs) for _ in range(2)]
        for _ in range(3):
            for child in children:
                await asyncio.to_thread(child.read, 30)
            server: PostgresServer = mortal.server
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
        for child in children:
            # Without a restart of the nodes it goes on.
            await asyncio.to_thread(child.read, 30)
            await asyncio.to_thread(child.kill)
        store = await house.reopen()
        await check_nothing_lost(store, [line for child in children for line in child.lines])


async def test_while_postgresql_is_gone_everything_is_unavailable_at_once_and_then_goes_on(
    mortal: Postgresql, tmp_path: Path
) -> None:
    async with standing(mortal, tmp_path, two=False) as house:
        at = await found(house.store, ALICE, BOB)
        expects = (at.head.hh, at.head.revision)
        await asyncio.to_thread(mortal.server.kill)
        said = event(at.conv, ALICE, (BOB,))
        for ask in (
            lambda: house.store.conversations.append(Append(at.conv, expects, (said,))),
            lambda: house.store.conversations.room(at.conv),
            lambda: house.store.mailbox.inbox(BOB, after=0, limit=9),
            lambda: house.store.mailbox.tell(BOB, 3, ALICE),
        ):
            for _ in range(2):
                async with asyncio.timeout(2):
                    with pytest.raises(StoreUnavailableError, match="PostgreSQL cannot be"):
                        await ask()
        await asyncio.to_thread(mortal.server.start)
        done = await house.store.conversations.append(Append(at.conv, expects, (said,)))
        assert done.events[0].seq == 4
        assert await house.store.mailbox.position(BOB) == 2
