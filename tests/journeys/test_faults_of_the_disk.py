"""A disk that is full, or cannot be written: clear answers, nothing lost, and then it goes on."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest
from bench.line import AnswerError
from tests.journeys.crash_load import V3, Sender
from tests.journeys.crash_town import Town, in_turns, settle
from tests.journeys.light_load import until
from tests.journeys.node_process import Node
from tests.journeys.small_disk import SmallDisk, small_disk

PEOPLE = 4
# A text of a few kilobytes fills a small disk soon.
PADDING = "x" * 20_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", megabytes=8) as made:
        yield made


@pytest.fixture
def node(disk: SmallDisk, tmp_path: Path) -> Iterator[Node]:
    """A node whose data, and nothing else, lies on the small disk."""
    made = Node(tmp_path / "node", data=disk.folder / "data")
    yield made
    made.end()


async def everybody_writes(town: Town) -> None:
    """Each sender writes into each of its rooms."""

    async def write(sender: Sender) -> None:
        for room in sender.rooms:
            await sender.write(room)

    await in_turns(write(sender) for sender in town.senders)


async def fill(town: Town) -> AnswerError:
    """Write long texts until the server refuses one, which nobody repeats; what it said then."""
    sender = town.senders[0]
    room = sender.rooms[0]
    for number in range(2_000):
        mark = f"filler {number}"
        path = f"{V3}/rooms/{quote(room)}/send/m.room.message/filler-{number}"
        body = {"msgtype": "m.text", "body": mark, "padding": PADDING}
        try:
            answer = await sender.way.once("PUT", path, body, seconds=20)
        except AnswerError as refused:
            return refused
        town.ledger.by_room[room][mark] = msgspec.json.decode(answer)["event_id"]
    raise AssertionError("the small disk never filled")


async def check(town: Town, node: Node) -> None:
    """All readers catch up, and everything is as it must be."""
    for reader in town.readers:
        for _ in range(20):
            await reader.sync(0)
    assert town.all_is_seen()
    verdict = await town.verdict()
    assert verdict.is_clean, str(verdict)
    node.stop()
    assert node.recomputed_chains() == f"{PEOPLE} conversations, every chain holds."


async def test_a_full_disk_is_said_and_reading_goes_on_and_with_room_so_does_writing(
    disk: SmallDisk, node: Node
) -> None:
    node.start(before=disk.limit)
    async with await settle([node.address], PEOPLE) as town:
        await everybody_writes(town)
        refused = await fill(town)
        assert refused.status == 503
        token, room = town.senders[0].way.token, town.senders[0].rooms[0]
        path = f"{V3}/rooms/{quote(room)}/send/m.room.message/refused"
        said = node.ask("PUT", path, {"msgtype": "m.text", "body": PADDING}, token=token)
        assert (said.status, said.body["errcode"], said.retry_after) == (503, "M_UNKNOWN", "5")
        assert "cannot be written" in said.body["error"]
        # Who reads is not concerned.
        for reader in town.readers:
            await reader.sync(0)
        assert town.all_is_seen()
        # What is repeated meanwhile arrives once there is room, without a restart.
        writing = asyncio.create_task(everybody_writes(town))
        await until(lambda: bool(town.ledger.torn), [writing], "somebody was refused", 240)
        disk.make_room(node.running.pid)
        await asyncio.wait_for(writing, 240)
        await check(town, node)


async def test_a_server_that_died_on_a_full_disk_starts_when_there_is_room(
    disk: SmallDisk, node: Node
) -> None:
    node.start(before=disk.limit)
    async with await settle([node.address], PEOPLE) as town:
        await everybody_writes(town)
        await fill(town)
        disk.make_room(node.running.pid)
        node.kill()
        node.start()
        await everybody_writes(town)
        await check(town, node)


async def test_a_disk_that_cannot_be_written_is_named_at_start_and_nothing_is_lost(
    disk: SmallDisk, node: Node
) -> None:
    node.start(before=disk.limit)
    async with await settle([node.address], PEOPLE) as town:
        await everybody_writes(town)
        node.kill()
        with disk.read_only():
            before = {path: path.read_bytes() for path in node.data.iterdir() if path.is_file()}
            told = node.command("up")
            assert told.returncode == 1
            assert "cannot be written: check its owner and mount" in told.stderr
            assert "Traceback" not in told.stderr
            assert {path: path.read_bytes() for path in before} == before
        node.start()
        await everybody_writes(town)
        await check(town, node)
