"""Drives any Matrix homeserver that lets one register with m.login.dummy, and prints what it does.

    python -m bench.load BASE_URL [--pairs 50] [--seconds 10] [--rate 20]

Three things, one after the other: acknowledged sends a second without receivers; messages delivered
a second in a closed loop (each pair's next message leaves when the last one has arrived by /sync);
the latency of delivery at a fixed rate. Plain HTTP on loopback, two connections for each pair.
"""

import argparse
import asyncio
import secrets
import statistics
import sys
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
import uvloop
from bench.line import AnswerError, Line

_V3 = "/_matrix/client/v3"
_PASSWORD = "bench-otter-cedar-93"
_TEXT = "The quick brown fox jumps over the lazy dog, and the dog does not mind at all: "


@dataclass
class Pair:
    """Two people in a conversation, a connection each; `since` is the receiver's token."""

    sender: Line
    receiver: Line
    room: str
    since: str
    sent: int = 0


async def account(host: str, port: int, name: str) -> Line:
    """Register *name* and return a connection that carries the token."""
    line = Line(host, port)
    body: dict[str, Any] = {"username": name, "password": _PASSWORD}
    try:
        answer = await line.json("POST", f"{_V3}/register", body)
    except AnswerError as refused:
        if refused.status != 401:
            raise
        body["auth"] = {"type": "m.login.dummy"}
        answer = await line.json("POST", f"{_V3}/register", body)
    line.token = answer["access_token"]
    line.user = answer["user_id"]
    return line


async def make_pair(host: str, port: int, run: str, number: int) -> Pair:
    """Register two people, open a conversation, let the second one in."""
    sender = await account(host, port, f"s{run}{number}")
    receiver = await account(host, port, f"r{run}{number}")
    room = (
        await sender.json(
            "POST",
            f"{_V3}/createRoom",
            {"preset": "trusted_private_chat", "is_direct": True, "invite": [receiver.user]},
        )
    )["room_id"]
    await receiver.json("POST", f"{_V3}/rooms/{quote(room)}/join", {})
    since = (await receiver.json("GET", f"{_V3}/sync?timeout=0"))["next_batch"]
    return Pair(sender, receiver, quote(room), since)


async def send(pair: Pair, run: str) -> str:
    """Send one message; return its id."""
    pair.sent += 1
    path = f"{_V3}/rooms/{pair.room}/send/m.room.message/{run}{pair.sent}"
    body = {"msgtype": "m.text", "body": f"{_TEXT}{pair.sent}"}
    event_id: str = (await pair.sender.json("PUT", path, body))["event_id"]
    return event_id


async def receive(pair: Pair, event_id: str) -> None:
    """Sync until *event_id* has arrived."""
    wanted = event_id.encode()
    while True:
        path = f"{_V3}/sync?timeout=30000&since={quote(pair.since)}"
        raw = await pair.receiver.ask("GET", path)
        pair.since = msgspec.json.decode(raw, type=_Synced).next_batch
        if wanted in raw:
            return


class _Synced(msgspec.Struct):
    next_batch: str


async def acknowledged(pairs: list[Pair], run: str, seconds: float) -> float:
    """Return the sends acknowledged a second, everybody sending as fast as they are answered."""
    end, before = time.perf_counter() + seconds, sum(pair.sent for pair in pairs)

    async def one(pair: Pair) -> None:
        while time.perf_counter() < end:
            await send(pair, run)

    started = time.perf_counter()
    await asyncio.gather(*(one(pair) for pair in pairs))
    return (sum(pair.sent for pair in pairs) - before) / (time.perf_counter() - started)


async def delivered(pairs: list[Pair], run: str, seconds: float) -> float:
    """Return the messages delivered a second in a closed loop."""
    end, count = time.perf_counter() + seconds, 0

    async def one(pair: Pair) -> None:
        nonlocal count
        pair.since = (await pair.receiver.json("GET", f"{_V3}/sync?timeout=0"))["next_batch"]
        while time.perf_counter() < end:
            await receive(pair, await send(pair, run))
            count += 1

    started = time.perf_counter()
    await asyncio.gather(*(one(pair) for pair in pairs))
    return count / (time.perf_counter() - started)


async def latency(pairs: list[Pair], run: str, seconds: float, rate: float) -> list[float]:
    """Return how long each delivery took, in ms, at *rate* messages a second over all pairs."""
    found: list[float] = []

    async def one(pair: Pair) -> None:
        wait = asyncio.create_task(pair.receiver.ask("GET", _poll(pair)))
        await asyncio.sleep(0)
        started = time.perf_counter()
        event_id = (await send(pair, run)).encode()
        while True:
            raw = await wait
            pair.since = msgspec.json.decode(raw, type=_Synced).next_batch
            if event_id in raw:
                break
            wait = asyncio.create_task(pair.receiver.ask("GET", _poll(pair)))
        found.append((time.perf_counter() - started) * 1000)

    free: asyncio.Queue[Pair] = asyncio.Queue()
    for pair in pairs:
        free.put_nowait(pair)

    async def take_turn(pair: Pair) -> None:
        await one(pair)
        free.put_nowait(pair)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(int(seconds * rate)):
            tasks.create_task(take_turn(await free.get()))
            await asyncio.sleep(1 / rate)
    return found


def _poll(pair: Pair) -> str:
    return f"{_V3}/sync?timeout=30000&since={quote(pair.since)}"


async def drive(base_url: str, count: int, seconds: float, rate: float) -> dict[str, float]:
    """Run all three against *base_url* and return the figures."""
    parts = urlsplit(base_url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    run = secrets.token_hex(3)
    pairs = [await make_pair(host, port, run, number) for number in range(count)]
    await delivered(pairs, run, 1)
    figures = {"acknowledged_per_s": await acknowledged(pairs, run, seconds)}
    figures["delivered_per_s"] = await delivered(pairs, run, seconds)
    times = sorted(await latency(pairs, run, seconds, rate))
    for name, share in (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99)):
        figures[name] = times[min(len(times) - 1, int(len(times) * share))]
    figures["mean_ms"] = statistics.fmean(times)
    for pair in pairs:
        pair.sender.close()
        pair.receiver.close()
    return figures


def main() -> int:
    """Print the figures as one line of JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("base_url")
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=float, default=20)
    options = parser.parse_args()
    figures = uvloop.run(drive(options.base_url, options.pairs, options.seconds, options.rate))
    print(msgspec.json.encode({k: round(v, 2) for k, v in figures.items()}).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
