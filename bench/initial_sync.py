"""How long do others wait while one client syncs 200 conversations of 30 days from the beginning?

    python -m bench.initial_sync [--rooms 200] [--days 30] [--rate 100] [--runs 3] [--json FILE]

The history is made by servers that run on one day after the other. Then a server of today starts,
so that nobody's keys are at hand; pairs of people exchange messages at a fixed rate, and in the
midst of it somebody asks for everything. Counted are the messages that were on their way meanwhile.
"""

import argparse
import asyncio
import contextlib
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
from bench.crowd import V3, Crowd, Pair, Person, converse, make_pairs, register
from bench.epoll import Loop
from bench.figures import percentile
from bench.line import Line
from bench.phases import Meter, Watched, Words, paced
from bench.servers.halfdoor import Halfdoor
from bench.servers.postgres import Postgres
from bench.talks import MatrixTalk

_QUIET = 2.0


class Found(msgspec.Struct, kw_only=True):
    """One initial sync: its size and time, and the latencies of others in ms, before and during."""

    took_ms: float
    bytes: int
    before: list[float]
    during: list[float]


class Answer(msgspec.Struct):
    """When an initial sync began and ended (seconds of the machine), and its size."""

    began: float
    ended: float
    bytes: int


async def history(house: Halfdoor, rooms: int, days: int) -> Person:
    """Make *rooms* conversations of one person, with a message on each of *days*."""
    hub, pairs = Person("", ""), list[Pair]()
    for day in range(-days, 0):
        with house.run(day) as server:
            if not pairs:
                names = ["hub", *(f"peer{n}" for n in range(rooms))]
                hub, *peers = await register("127.0.0.1", server.port, names)
                couples = [(peer, hub) for peer in peers]
                known = [(one.user, hub.user) for one in peers]
                await house.introduce([hub.user, *(one.user for one in peers)], known)
                pairs = await converse("127.0.0.1", server.port, couples, lambda _: None)
            line = Line("127.0.0.1", server.port)
            for pair in pairs:
                line.token = pair.sender.token
                body = {"msgtype": "m.text", "body": f"Good morning on day {day}."}
                await line.ask("PUT", f"{V3}/rooms/{pair.room}/send/m.room.message/{day}", body)
            line.close()
        print(f"\r{days + day + 1} of {days} days", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return hub


def measure(house: Halfdoor, hub: Person, pairs: int, rate: float) -> Found:
    """Start a server, let people talk, and have *hub* ask for everything."""
    with house.run() as server:
        # The rooms of earlier runs have nothing to do with it.
        made = make_pairs("127.0.0.1", server.port, pairs, house.introduce, secrets.token_hex(3))
        crowd: Crowd = asyncio.run(made)
        loop = Loop()
        talks = [
            MatrixTalk(loop, "127.0.0.1", server.port, server.port, pair, "i")
            for pair in crowd.pairs
        ]
        meter = Meter("initial sync", Watched([server.pid], []))
        paced(loop, talks, Words("warm"), meter, rate, _QUIET)
        command = [sys.executable, "-m", "bench.initial_sync", "--ask", str(server.port), hub.token]
        asking: list[subprocess.Popen[str]] = []
        when = time.perf_counter() + _QUIET
        loop.at(
            when,
            lambda: asking.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True)),
        )
        paced(loop, talks, Words("others"), meter, rate, 4 * _QUIET)
        said, _ = asking[0].communicate(timeout=120)
    answer = msgspec.json.decode(said, type=Answer)
    timed = list(zip(meter.starts, meter.latencies, strict=True))
    # A message is on its way from when it is sent until it has arrived.
    during = [ms for at, ms in timed if at + ms / 1000 >= answer.began and at <= answer.ended]
    return Found(
        took_ms=(answer.ended - answer.began) * 1000,
        bytes=answer.bytes,
        before=[ms for at, ms in timed if at + ms / 1000 < answer.began],
        during=during,
    )


async def ask(port: int, token: str) -> Answer:
    """Sync from the beginning."""
    line = Line("127.0.0.1", port)
    line.token = token
    # Connects, and is about nothing.
    await line.ask("GET", "/_matrix/client/versions")
    began = time.perf_counter()
    size = len(await line.ask("GET", f"{V3}/sync?timeout=0"))
    return Answer(began, time.perf_counter(), size)


def main() -> int:
    """Make the history, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rooms", type=int, default=200)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--ask", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ask:
        answer = asyncio.run(ask(int(options.ask[0]), options.ask[1]))
        print(msgspec.json.encode(answer).decode())
        return 0
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="halfdoor-bench-")))
        postgres = Postgres(None) if options.store == "postgresql" else None
        if postgres is not None:
            stack.callback(postgres.drop)
        house = Halfdoor(folder, postgres.dsn if postgres is not None else None)
        hub = asyncio.run(history(house, options.rooms, options.days))
        runs = [measure(house, hub, options.pairs, options.rate) for _ in range(options.runs)]
    before = [ms for run in runs for ms in run.before]
    during = [ms for run in runs for ms in run.during]
    figures = {
        "initial sync, ms": statistics.median(run.took_ms for run in runs),
        "initial sync, kB": runs[0].bytes / 1000,
        "others meanwhile, messages": float(len(during)),
        "others before, p99 ms": percentile(before, 0.99),
        "others meanwhile, p50 ms": percentile(during, 0.5),
        "others meanwhile, p99 ms": percentile(during, 0.99),
        "others meanwhile, longest ms": max(during),
    }
    for name, value in figures.items():
        print(f"{name}: {value:,.1f}")
    if options.json is not None:
        options.json.write_bytes(msgspec.json.encode(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
