"""PostgreSQL is gone, or frozen: clear answers in time, and afterwards it goes on by itself."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.journeys.crash_house import database_settings, in_thread, postgres_town
from tests.journeys.crash_load import V3
from tests.journeys.crash_town import PASSWORD, Town, Traffic, settle
from tests.journeys.light_load import until
from tests.journeys.mortal_postgres import MortalPostgres
from tests.journeys.node_process import Node, Reply

PEOPLE = 10
ENOUGH = 100
AWAY_SECONDS = 60.0 if os.environ.get("HALFDOOR_LONG") == "1" else 3.0
# A request may wait until a statement is given up (8 s) and undone (1 s), then for a connection
# (3 s) and a second statement (8 s), where its batch failed and it is tried alone.
LONGEST_SECONDS = 30.0


@dataclass(frozen=True)
class Served:
    """A server, its database, and people who go on writing and reading throughout."""

    node: Node
    database: MortalPostgres
    town: Town
    traffic: Traffic

    async def more(self) -> None:
        """Wait until more was acknowledged."""
        wanted = self.town.ledger.total + ENOUGH
        await until(lambda: self.town.ledger.total >= wanted, self.traffic.tasks, "more", 240)

    async def asked(self) -> list[Reply]:
        """What a client is told now that writes, reads, pages back and signs in."""
        sender = self.town.senders[0]
        token, room = sender.way.token, quote(sender.rooms[0])
        login = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": "neighbour3"},
            "password": PASSWORD,
        }
        text = {"body": "are you there?"}
        asks = [
            ("PUT", f"/rooms/{room}/send/org.example.probe/{time.monotonic_ns()}", text),
            ("GET", "/sync?timeout=0", None),
            ("GET", f"/rooms/{room}/messages?dir=b&limit=10", None),
            ("POST", "/login", login),
        ]
        return await asyncio.gather(
            *(
                asyncio.to_thread(
                    self.node.ask, method, V3 + path, body, token=token, seconds=LONGEST_SECONDS
                )
                for method, path, body in asks
            )
        )

    async def check_clean(self) -> None:
        """Everything comes to rest, and is as it must be."""
        await self.traffic.come_to_rest()
        verdict = await self.town.verdict()
        assert verdict.is_clean, str(verdict)
        statuses = {status for way in self.town.ways() for status in way.told}
        # Nobody was cut off, and nobody was told that it was his own fault.
        assert statuses == {503}


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with in_thread(postgres_town()) as database:
        node = Node(tmp_path, more=database_settings(database, tmp_path))
        await asyncio.to_thread(node.start)
        try:
            async with await settle([node.address], PEOPLE) as town, Traffic(town) as traffic:
                yield Served(node, database, town, traffic)
            await asyncio.to_thread(node.stop)
            chains = await asyncio.to_thread(node.recomputed_chains)
            assert chains == f"{PEOPLE} conversations, every chain holds."
        finally:
            node.end()


def check_unavailable(replies: list[Reply]) -> None:
    """Every request was answered, in time, and by words that a client understands."""
    for reply in replies:
        assert (reply.status, reply.body["errcode"]) == (503, "M_UNKNOWN"), reply
        assert reply.body["error"] == "The database cannot be written now. Try again."
        assert reply.retry_after is not None
        assert int(reply.retry_after) >= 1
        assert reply.seconds < LONGEST_SECONDS


async def test_while_postgresql_is_gone_clients_are_told_and_then_it_goes_on(
    served: Served,
) -> None:
    process = served.node.running.pid
    await served.more()
    served.database.kill()
    gone = time.monotonic()
    while time.monotonic() < gone + AWAY_SECONDS:
        check_unavailable(await served.asked())
        await asyncio.sleep(AWAY_SECONDS / 20)
    await asyncio.to_thread(served.database.start)
    await served.more()
    assert served.node.running.pid == process
    assert {reply.status for reply in await served.asked()} == {200}
    await served.check_clean()


async def test_while_postgresql_answers_nothing_no_request_hangs_and_then_it_goes_on(
    served: Served,
) -> None:
    await served.more()
    with served.database.frozen():
        frozen = time.monotonic()
        check_unavailable(await served.asked())
        while time.monotonic() < frozen + AWAY_SECONDS:
            check_unavailable(await served.asked())
    await served.more()
    assert {reply.status for reply in await served.asked()} == {200}
    await served.check_clean()
