"""Fifty people in a ring: each has a conversation with either neighbour, and two devices."""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

from tests.journeys.crash_line import PATIENCE_SECONDS, Way
from tests.journeys.crash_load import V3, Ledger, Reader, Sender, history
from tests.journeys.crash_verdict import Story, Verdict, judge
from tests.journeys.light_load import until
from tests.journeys.person import TooLateError

T = TypeVar("T")

PEOPLE = 50
PASSWORD = "nine patient herons by the weir"
_AT_ONCE = 10

Addresses = Sequence[tuple[str, int]]


@dataclass
class Town:
    """Senders and readers, and in which rooms they are."""

    addresses: Addresses
    ledger: Ledger
    senders: list[Sender]
    readers: list[Reader]
    members: dict[str, tuple[int, int]]

    def who_reads(self, room: str) -> list[Reader]:
        """The two readers of *room*."""
        return [self.readers[number] for number in self.members[room]]

    def ways(self) -> list[Way]:
        """Every device's way."""
        return [*(one.way for one in self.senders), *(one.way for one in self.readers)]

    def answered(self) -> list[int]:
        """How often each sender was acknowledged, and each reader answered, so far."""
        return [*(one.answered for one in self.senders), *(one.answered for one in self.readers)]

    def all_is_seen(self) -> bool:
        """Every reader has everything that was acknowledged in its rooms."""
        return all(
            set(self.ledger.by_room[room].values()) <= {seen.event_id for seen in reader.seen[room]}
            for room in self.members
            for reader in self.who_reads(room)
        )

    async def __aenter__(self) -> "Town":
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up for everybody, and let the connections end."""
        for way in self.ways():
            way.close()
        await asyncio.sleep(0)

    async def verdict(self) -> Verdict:
        """Judge every conversation, whose history is read by devices signed in for it."""

        async def walk(number: int) -> dict[str, Story]:
            way = Way(nodes_in_turn(self.addresses, number))
            await way.sign_in(f"neighbour{number}", PASSWORD, fresh=False)
            try:
                return {
                    room: Story(
                        acknowledged=self.ledger.by_room[room],
                        readers={one.name: one.seen[room] for one in self.who_reads(room)},
                        kept=await history(way, room),
                    )
                    for room in self.senders[number].rooms
                }
            finally:
                way.close()

        # Every second neighbour is in all conversations of the ring.
        told = await in_turns(walk(number) for number in range(0, len(self.senders), 2))
        stories = {room: story for some in told for room, story in some.items()}
        assert stories.keys() == self.members.keys()
        return Verdict.of_all(judge(room, story) for room, story in stories.items())


async def settle(addresses: Addresses, people: int = PEOPLE) -> Town:
    """Make *people* accounts (an even number) and their conversations."""
    ledger = Ledger()
    writing = [Way(nodes_in_turn(addresses, number)) for number in range(people)]
    # Where there are two nodes, a person writes at one and reads at the other.
    reading = [Way(nodes_in_turn(addresses, number + 1)) for number in range(people)]
    await in_turns(
        way.sign_in(f"neighbour{number}", PASSWORD, fresh=True)
        for number, way in enumerate(writing)
    )
    await in_turns(
        way.sign_in(f"neighbour{number}", PASSWORD, fresh=False)
        for number, way in enumerate(reading)
    )

    async def meet(number: int) -> str:
        other = writing[(number + 1) % people]
        body = {"preset": "trusted_private_chat", "is_direct": True, "invite": [other.user]}
        made = await writing[number].must("POST", f"{V3}/createRoom", body)
        await other.must("POST", f"{V3}/rooms/{quote(made['room_id'])}/join", {})
        return str(made["room_id"])

    # First the even, then the odd ones: a person's connection carries one request at a time.
    even = await in_turns(meet(number) for number in range(0, people, 2))
    odd = await in_turns(meet(number) for number in range(1, people, 2))
    rooms = [room for both in zip(even, odd, strict=True) for room in both]
    return Town(
        addresses=addresses,
        ledger=ledger,
        senders=[
            Sender(f"n{number}", writing[number], [rooms[number], rooms[number - 1]], ledger)
            for number in range(people)
        ],
        readers=[Reader(f"n{number}", reading[number]) for number in range(people)],
        members={room: (number, (number + 1) % people) for number, room in enumerate(rooms)},
    )


def nodes_in_turn(addresses: Addresses, number: int) -> list[tuple[str, int]]:
    """*addresses* in another order for every other *number*."""
    at = number % len(addresses)
    return [*addresses[at:], *addresses[:at]]


async def in_turns(works: Iterable[Awaitable[T]]) -> list[T]:
    """Do *works*, a few at once, and return what came of them in their order."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(work: Awaitable[T]) -> T:
        async with turns:
            return await work

    return list(await asyncio.gather(*(one(work) for work in works)))


class Traffic:
    """The town's people at work: they write and read while this context lasts."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self._enough = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []
        self._writing: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Traffic":
        self._writing = [
            asyncio.create_task(sender.run(self._enough)) for sender in self.town.senders
        ]
        reading = [asyncio.create_task(reader.run()) for reader in self.town.readers]
        self.tasks = [*self._writing, *reading]
        return self

    async def come_to_rest(self) -> None:
        """Let every sender get its last answer, and every reader everything."""
        self._enough.set()
        async with asyncio.timeout(2 * PATIENCE_SECONDS):
            await asyncio.gather(*self._writing)
        reading = self.tasks[len(self._writing) :]
        try:
            await until(self.town.all_is_seen, reading, "all is seen", PATIENCE_SECONDS)
        except TooLateError as error:
            # The verdict says what is missing.
            print(error)

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
