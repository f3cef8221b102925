"""How long does one request hold up all others? Prints the longest stall of the event loop.

A house over SQLite, one conversation of a hundred days. A session whose keyring is empty asks for
the whole history: a hundred epochs open. Meanwhile a probe wakes as often as it can and notes the
longest time it was kept waiting, by the clock and in processor time of the loop's own thread (what
is left of it on a machine that others use too). The same is done for a group of sixty, whose new
epoch takes sixty wraps, and for an initial sync of fifty conversations.

    python -m bench.stall [--epochs 100] [--runs 5]
"""

import argparse
import asyncio
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import uvloop
from bench.town import DAY_MS, Town

_TARGET_MS = 2.0


class Stall(NamedTuple):
    """One run, in ms: the longest wait by the clock, by processor time, and the whole request."""

    wall: float
    cpu: float
    took: float


async def longest_stall(work: Callable[[], Awaitable[object]]) -> Stall:
    """Return the longest stall of the loop while *work* runs."""
    wall, cpu, running = 0.0, 0.0, True

    async def probe() -> None:
        nonlocal wall, cpu
        before, spent = time.perf_counter(), time.thread_time()
        while running:
            await asyncio.sleep(0)
            now, used = time.perf_counter(), time.thread_time()
            wall, cpu = max(wall, now - before), max(cpu, used - spent)
            before, spent = now, used

    watching = asyncio.create_task(probe())
    await asyncio.sleep(0.05)
    wall = cpu = 0.0
    started = time.perf_counter()
    await work()
    took = time.perf_counter() - started
    running = False
    await watching
    return Stall(wall * 1000, cpu * 1000, took * 1000)


async def hundred_epochs(town: Town, epochs: int) -> Callable[[], Awaitable[object]]:
    """Return the reading of a conversation of so many days by a session without keys at hand."""
    ada, ben = await town.person("ada"), await town.person("ben")
    await town.connect(ada, ben)
    room = await ada.create(ben)
    await ben.join(room)
    for day in range(epochs):
        await ada.say(room, f"day {day}")
        town.clock.now += DAY_MS

    async def work() -> object:
        town.forget_keys()
        return await ben.history(room)

    return work


async def large_group(town: Town, size: int) -> Callable[[], Awaitable[object]]:
    """Return the sending of a day's first message in a group of so many."""
    owner = await town.person("owner")
    people = [await town.person(f"p{n}") for n in range(size)]
    for one in people:
        await town.connect(owner, one)
    room = await owner.create(*people)

    async def work() -> object:
        town.clock.now += DAY_MS
        await owner.say(room, "good morning")
        return None

    return work


async def many_rooms(town: Town, rooms: int) -> Callable[[], Awaitable[object]]:
    """Return the initial sync of somebody with so many conversations."""
    hub = await town.person("hub")
    for number in range(rooms):
        peer = await town.person(f"peer{number}")
        await town.connect(hub, peer)
        room = await peer.create(hub)
        await hub.join(room)
        for text in range(5):
            await peer.say(room, f"message {text}")

    async def work() -> object:
        town.forget_keys()
        return await hub.sync()

    return work


async def measure(name: str, runs: int, work: Callable[[], Awaitable[object]]) -> bool:
    """Run *work* several times and print the median and the longest stall."""
    await work()
    found = [await longest_stall(work) for _ in range(runs)]
    wall, cpu, took = ([getattr(one, field) for one in found] for field in ("wall", "cpu", "took"))
    held: bool = statistics.median(cpu) <= _TARGET_MS
    print(
        f"{name:<34} clock: median {statistics.median(wall):5.2f}, longest {max(wall):5.2f} ms;"
        f" processor: median {statistics.median(cpu):5.2f}, longest {max(cpu):5.2f} ms;"
        f" the request {statistics.median(took):6.1f} ms; {'ok' if held else 'TOO LONG'}"
    )
    return held


async def bench(epochs: int, runs: int) -> bool:
    """Measure all three; tell whether every median is within the target."""
    held = True
    preparations: dict[str, Callable[[Town], Awaitable[Callable[[], Awaitable[object]]]]] = {
        f"{epochs} epochs open": lambda town: hundred_epochs(town, epochs),
        "first message in a group of 60": lambda town: large_group(town, 60),
        "initial sync of 50 conversations": lambda town: many_rooms(town, 50),
    }
    for name, prepare in preparations.items():
        with tempfile.TemporaryDirectory() as folder:
            async with Town.open(Path(folder)) as town:
                held &= await measure(name, runs, await prepare(town))
    return held


def main() -> int:
    """Print the machine, then the stalls; exit 1 where one is over 2 ms."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    print(
        f"{platform.platform()}, Python {platform.python_version()}, uvloop {version('uvloop')},"
        f" cryptography {version('cryptography')}, msgspec {version('msgspec')}"
    )
    return 0 if uvloop.run(bench(options.epochs, options.runs)) else 1


if __name__ == "__main__":
    sys.exit(main())
