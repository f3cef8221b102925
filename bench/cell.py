"""One server on one store: made once, then measured as often as one likes."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec
from bench.canary import found_in
from bench.crowd import V3, Crowd, Introduce, converse, register
from bench.driving import Say, drive
from bench.line import Line
from bench.load import Sent
from bench.phases import Found
from bench.servers.postgres import Postgres
from bench.servers.process import Running
from bench.shape import Cell, Cold, Hot, Made
from bench.usage import memory

_Driven = tuple[list[Found], Sent]


class Server(Protocol):
    """What a comparison needs of a Matrix server."""

    name: str
    database: Path | None
    keeps_text: bool
    port: int

    @property
    def introduce(self) -> Introduce: ...

    def run(self, days: int = 0) -> contextlib.AbstractContextManager[Running]: ...

    def hash_cost(self) -> str: ...

    def check(self) -> str: ...


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How much is done."""

    pairs: int
    conversations: int
    seconds: float
    steady_seconds: float
    rate: float
    each: int
    runs: int
    canary: str


class Measured:
    """A server with its people; `cell` collects what was found."""

    def __init__(
        self, server: Server, folder: Path, postgres: Postgres | None, cell: Cell, plan: Plan
    ) -> None:
        self._server, self._folder, self._postgres = server, folder, postgres
        self._plan = plan
        self.cell = cell
        self._crowd = folder.with_name(f"{folder.name}-crowd.json")
        self._cold = folder.with_name(f"{folder.name}-cold.json")

    def make(self, say: Say) -> None:
        """Register everybody and open every conversation, yesterday where days matter."""
        plan = self._plan
        with self._running(days=-1) as server:
            say(f"registering {2 * plan.pairs} people")
            asyncio.run(self._make(server.port, say))

    async def _make(self, port: int, say: Say) -> None:
        plan, host = self._plan, "127.0.0.1"
        # Two more than talk: so that fifty pairs have five thousand conversations among them.
        people = await register(host, port, [f"p{n}" for n in range(2 * plan.pairs + 2)])
        talking = list(zip(people[::2], people[1::2], strict=True))[: plan.pairs]
        # Everybody with everybody, but for those who talk already.
        others = [
            (a, b)
            for n, a in enumerate(people)
            for m, b in enumerate(people[n + 1 :], n + 1)
            if not (n % 2 == 0 and m == n + 1)
        ]
        # One person's conversations are spread over the whole, as people's are.
        stride = 7919
        asked = [others[i * stride % len(others)] for i in range(plan.conversations)]
        couples = [*talking, *asked]
        await self._server.introduce(
            [one.user for one in people], [(a.user, b.user) for a, b in couples]
        )
        before, started = await asyncio.to_thread(self.size), time.perf_counter()
        pairs = await converse(host, port, couples, lambda done: _progress(done, len(couples), say))
        seconds = time.perf_counter() - started
        self.cell.made = Made(
            conversations=len(pairs),
            conversations_per_s=len(pairs) / seconds,
            bytes_per_conversation=(await asyncio.to_thread(self.size) - before) / len(pairs),
        )
        line = Line(host, port)
        for pair in pairs[: plan.pairs]:
            line.token = pair.receiver.token
            pair.since = (await line.json("GET", f"{V3}/sync?timeout=0"))["next_batch"]
        line.close()
        Crowd(people, pairs[: plan.pairs]).save(self._crowd)
        Crowd(people, pairs[plan.pairs :]).save(self._cold)

    def hot(self, say: Say) -> None:
        """One run of pairs that talk, and of sign-ins."""
        with self._running() as server:
            time.sleep(2)
            idle, idle_database = memory([server.pid]), self._database_memory()
            before = self.size()
            phases, sent = self._drive(
                server, say, "bench.load", "--crowd", str(self._crowd),
                "--seconds", str(self._plan.seconds), "--rate", str(self._plan.rate),
                "--steady-seconds", str(self._plan.steady_seconds),
                "--phases", "acknowledged", "delivered", "steady", "half",
            )  # fmt: skip
            grown = self.size() - before
            signed, _ = self._drive(
                server, say, "bench.load", "--crowd", str(self._crowd),
                "--seconds", str(self._plan.seconds), "--phases", "logins",
            )  # fmt: skip
        self.cell.hot.append(
            Hot(
                start_seconds=server.start_seconds,
                idle_mib=idle.resident,
                idle_database_mib=idle_database,
                bytes_per_message=(grown - sent.text_bytes) / sent.messages,
                phases=[*phases, *signed],
            )
        )

    def cold(self, run: int, say: Say) -> None:
        """One run over the *run*th part of the conversations."""
        share = self._plan.conversations // self._plan.runs
        with self._running() as server:
            before = self.size()
            (found,), sent = self._drive(
                server, say, "bench.cold", "--crowd", str(self._cold),
                "--first", str(run * share), "--last", str((run + 1) * share),
                "--each", str(self._plan.each),
            )  # fmt: skip
            grown = self.size() - before
        self.cell.cold.append(
            Cold(
                conversations=share,
                bytes_per_message=(grown - sent.text_bytes) / sent.messages,
                found=found,
            )
        )

    def check(self, say: Say) -> None:
        """Look for the canary in the files, and recompute what can be recomputed."""
        say("looking for the canary, recomputing the chains")
        self.cell.canary = found_in(self._folder, self._plan.canary)
        if self._postgres is not None:
            for kind, count in found_in(self._postgres.folder, self._plan.canary).items():
                self.cell.canary[kind] += count
        with self._postgres.running() if self._postgres else contextlib.nullcontext():
            self.cell.wrong = self._server.check()
        found = sum(self.cell.canary.values())
        if found and not self._server.keeps_text:
            self.cell.wrong += " The canary stands in the files!"
        if not found and self._server.keeps_text:
            self.cell.wrong += " The canary is nowhere: the search finds nothing."

    def size(self) -> int:
        """Return the bytes of the database, what is still in its log included."""
        if self._postgres is not None:
            return self._postgres.size()
        if self._server.database is None:
            raise RuntimeError("a server has a file or a PostgreSQL")
        with contextlib.closing(sqlite3.connect(self._server.database)) as con:
            used, free, page = (
                con.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
        return int((used - free) * page)

    @contextlib.contextmanager
    def _running(self, days: int = 0) -> Iterator[Running]:
        with contextlib.ExitStack() as stack:
            if self._postgres is not None:
                stack.enter_context(self._postgres.running())
            yield stack.enter_context(self._server.run(days))

    def _database_memory(self) -> float:
        return memory([self._postgres.pid]).proportional if self._postgres is not None else 0.0

    def _drive(self, server: Running, say: Say, module: str, *words: str) -> _Driven:
        return drive(
            module,
            f"http://127.0.0.1:{server.port}",
            *words,
            server=server,
            postgres=self._postgres,
            canary=self._plan.canary,
            say=say,
        )


def _progress(done: int, total: int, say: Say) -> None:
    if done % max(1, total // 5) == 0:
        say(f"{done} of {total} conversations")
