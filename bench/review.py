"""How fast are reports taken, cases reviewed and decisions carried out?

    python -m bench.review [--store sqlite|postgres] [--cases 100000] [--pairs 20] [--each 9]

1. Reports a second, over HTTP to a server of its own: each with the key of one message, by people
   who wrote to one another before.
2. Then, in this process over a house of the same kind with so many open cases: a page of the queue,
   from the first to one in the midst; a case from its claim to the decision (claim, page, every
   message revealed, decision), in time of the server alone; and how long after the moment at which
   a decision is to act it binds the person on this node.
"""

import argparse
import asyncio
import contextlib
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

import uvloop
from bench.crowd import V3, Pair, converse, register
from bench.figures import percentile
from bench.line import Line
from bench.review_house import SENT, Office, open_office
from bench.servers.halfdoor import Halfdoor
from bench.servers.postgres import Postgres

_LINES = 16
_REASON = "harassment.targeted"
_PAGES = 200


async def take_reports(server: Halfdoor, pairs: int, each: int) -> tuple[int, float, list[float]]:
    """Let both of every pair report *each* messages; return how many, s in all, ms of each."""
    names = [f"r{number}" for number in range(2 * pairs)]
    people = await register("127.0.0.1", server.port, names)
    couples = list(zip(people[::2], people[1::2], strict=True))
    users = [(one.user, other.user) for one, other in couples]
    await server.introduce([one.user for one in people], users)
    made = await converse("127.0.0.1", server.port, couples, lambda _: None)
    waiting = [one for pair in made for one in await _messages(server.port, pair, each)]
    count, took = len(waiting), list[float]()

    async def worker() -> None:
        line = Line("127.0.0.1", server.port)
        while waiting:
            token, path = waiting.pop()
            line.token = token
            before = time.perf_counter()
            await line.ask("POST", path, {"org.halfdoor.report": {"reason": _REASON}})
            took.append((time.perf_counter() - before) * 1000)
        line.close()

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(_LINES)))
    return count, time.perf_counter() - started, took


async def _messages(port: int, pair: Pair, each: int) -> list[tuple[str, str]]:
    """Let both write *each* messages; return whose token reports which, one after the other."""
    line, found = Line("127.0.0.1", port), list[tuple[str, str]]()
    for writer, reader in ((pair.sender, pair.receiver), (pair.receiver, pair.sender)):
        line.token = writer.token
        for number in range(each):
            path = f"{V3}/rooms/{pair.room}/send/m.room.message/{number}"
            body = {"msgtype": "m.text", "body": f"message {number}"}
            event = (await line.json("PUT", path, body))["event_id"]
            found.append((reader.token, f"{V3}/rooms/{pair.room}/report/{quote(event)}"))
    line.close()
    return found


async def desk(folder: Path, dsn: str | None, cases: int, reviewed: int) -> None:
    """Measure queue, review and enforcement, and print what was found."""
    async with open_office(folder, dsn) as office:
        started = time.perf_counter()
        await office.fill(cases)
        took = time.perf_counter() - started
        print(f"{cases:,} open cases, filled in at {cases / took:,.0f} /s")
        first, deep = await office.pages(_PAGES)
        _say("queue, first page (50 cases)", first)
        _say(f"queue, pages 1 to {_PAGES} one after the other", deep)
        await _review(office, reviewed)
        _say("decision: from when it acts to when it binds", await office.enforced(reviewed))


async def _review(office: Office, reviewed: int) -> None:
    filed = await office.file(reviewed)
    _say(f"a report of {SENT} messages (in this process)", office.filing)
    steps: dict[str, list[float]] = {}
    for case in filed:
        for name, ms in (await office.review(case)).items():
            steps.setdefault(name, []).append(ms)
    whole = [sum(one) for one in zip(*steps.values(), strict=True)]
    _say(f"a reviewed case ({SENT} messages)", whole)
    for name, found in steps.items():
        _say(f"  of it {name}", found)


def _say(what: str, ms: Sequence[float]) -> None:
    """Print median, p95 and p99 of *ms*."""
    ordered = sorted(ms)
    shares = [percentile(ordered, share) for share in (0.95, 0.99)]
    print(
        f"{what:<48} {len(ms):>5} times: median {statistics.median(ms):8.2f},"
        f" p95 {shares[0]:8.2f}, p99 {shares[1]:8.2f} ms"
    )


@contextlib.contextmanager
def _database(store: str) -> Iterator[str | None]:
    """Yield the address of an empty database, None for the embedded store."""
    if store == "sqlite":
        yield None
        return
    postgres = Postgres(None)
    try:
        print(f"PostgreSQL {postgres.version}")
        yield postgres.dsn
    finally:
        postgres.drop()


def main() -> int:
    """Print the machine, then what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--reviewed", type=int, default=50)
    parser.add_argument("--pairs", type=int, default=20)
    # One person's reports within an hour are limited by the policy.
    parser.add_argument("--each", type=int, default=9)
    options = parser.parse_args()
    print(
        f"{platform.platform()}, Python {platform.python_version()}, uvloop {version('uvloop')},"
        f" cryptography {version('cryptography')}, halfdoor {version('halfdoor')}"
    )
    with tempfile.TemporaryDirectory() as folder:
        with _database(options.store) as dsn:
            server = Halfdoor(Path(folder) / "served", dsn)
            with server.run():
                work = take_reports(server, options.pairs, options.each)
                count, took, ms = uvloop.run(work)
            print(f"intake over HTTP: {count / took:,.0f} reports/s on {_LINES} connections")
            _say("a report of one message over HTTP", ms)
        with _database(options.store) as dsn:
            (Path(folder) / "desk").mkdir()
            uvloop.run(desk(Path(folder) / "desk", dsn, options.cases, options.reviewed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
