"""The people of a benchmark: registered once for each server and store, kept in a file."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from bench.line import AnswerError, Line

V3 = "/_matrix/client/v3"
PASSWORD = "quartz-otter-cedar-93-lantern"
# As many at once as neither server minds: each registration costs a password hash.
_AT_ONCE = 4

Introduce = Callable[[Sequence[str], Sequence[tuple[str, str]]], Awaitable[None]]


class Person(msgspec.Struct):
    """A registered user and the token of a session."""

    user: str
    token: str


class Pair(msgspec.Struct):
    """A conversation of two: who writes, who reads, and how far the reader has synced."""

    sender: Person
    receiver: Person
    room: str
    since: str = ""
    sent: int = 0


class Crowd(msgspec.Struct):
    """Everybody who was made, and the conversations."""

    people: list[Person]
    pairs: list[Pair]

    def save(self, path: Path) -> None:
        path.write_bytes(msgspec.json.encode(self))

    @classmethod
    def load(cls, path: Path) -> "Crowd":
        return msgspec.json.decode(path.read_bytes(), type=cls)


async def nobody_to_introduce(
    _users: Sequence[str], _connections: Sequence[tuple[str, str]]
) -> None:
    """Where a server asks no questions about who may write to whom."""


async def register(host: str, port: int, names: Sequence[str]) -> list[Person]:
    """Register *names* with m.login.dummy."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str) -> Person:
        async with gate:
            line = Line(host, port)
            body: dict[str, Any] = {"username": name, "password": PASSWORD}
            try:
                answer = await line.json("POST", f"{V3}/register", body)
            except AnswerError as refused:
                if refused.status != 401:
                    raise
                body["auth"] = {"type": "m.login.dummy"}
                answer = await line.json("POST", f"{V3}/register", body)
            finally:
                line.close()
            return Person(answer["user_id"], answer["access_token"])

    return list(await asyncio.gather(*(one(name) for name in names)))


async def converse(
    host: str, port: int, couples: Sequence[tuple[Person, Person]], tell: Callable[[int], None]
) -> list[Pair]:
    """Open a conversation for each of *couples*; *tell* hears how many there are so far."""
    waiting, pairs = list(enumerate(couples)), dict[int, Pair]()

    async def worker() -> None:
        line = Line(host, port)
        while waiting:
            number, (sender, receiver) = waiting.pop()
            line.token = sender.token
            body = {"preset": "trusted_private_chat", "is_direct": True, "invite": [receiver.user]}
            room = quote((await line.json("POST", f"{V3}/createRoom", body))["room_id"])
            line.token = receiver.token
            await line.json("POST", f"{V3}/rooms/{room}/join", {})
            pairs[number] = Pair(sender, receiver, room)
            tell(len(pairs))
        line.close()

    await asyncio.gather(*(worker() for _ in range(_AT_ONCE)))
    return [pairs[number] for number in range(len(couples))]


async def make_pairs(
    host: str,
    port: int,
    count: int,
    introduce: Introduce = nobody_to_introduce,
    prefix: str = "p",
) -> Crowd:
    """Register twice *count* people and open a conversation for each two."""
    people = await register(host, port, [f"{prefix}{n}" for n in range(2 * count)])
    couples = list(zip(people[::2], people[1::2], strict=True))
    await introduce([one.user for one in people], [(a.user, b.user) for a, b in couples])
    pairs = await converse(host, port, couples, lambda _: None)
    line = Line(host, port)
    for pair in pairs:
        line.token = pair.receiver.token
        pair.since = (await line.json("GET", f"{V3}/sync?timeout=0"))["next_batch"]
    line.close()
    return Crowd(people, pairs)
