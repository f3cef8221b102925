"""Thousands of long polls that wait, and a few hundred people who talk meanwhile, on one process.

    python -m bench.idle_polls [--polls 5000] [--each 1] [--active 200] [--rate 50] [--seconds 20]

Starts a server over SQLite with its development switch on (no rates), registers so many people,
and lets each wait in `/sync` on a connection of its own. Prints the server's resident memory
before, with the sessions, with the polls and after they hung up; what a poll costs; the delay from
send to arrival for those who talk, without and with the polls; and the processor time of both.
With `--each 40` a person has 40 polls: registering 5,000 people takes minutes of Argon2.
"""

import argparse
import asyncio
import contextlib
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import msgspec
import uvloop
from bench.line import Line
from bench.servers.process import free_port
from bench.usage import cpu_seconds

from halfdoor.apps.demo_people import demo_escrow_set
from halfdoor.policy.load import load as load_policy

_V3 = "/_matrix/client/v3"
_PASSWORD = "bench-otter-cedar-93"
_AT_ONCE = 8
_PATIENCE = 60
# As many begin as end in each second, when people come and go all day.
_COME_SECONDS = 25
_SETTINGS = """
server_name = "localhost"
port = {port}
data_dir = "{folder}/data"
outer_key_file = "{folder}/outer.key"
escrow_set_file = "{folder}/escrow-set.json"
development = true
log_level = "warning"

[limits]
polls_per_address = 20000
"""


class Server:
    """A server process on *port*, and what the kernel says of it."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        demo_escrow_set(folder / "escrow-set.json", load_policy(None).entity.name)
        config = folder / "halfdoor.toml"
        config.write_text(_SETTINGS.format(port=self.port, folder=folder))
        program = str(Path(sys.executable).with_name("halfdoor"))
        self._process = subprocess.Popen([program, "up", "--config", str(config)])

    async def ready(self) -> None:
        for _ in range(400):
            if self._process.poll() is not None:
                raise RuntimeError("the server ended before it answered")
            with contextlib.suppress(OSError):
                line = Line("127.0.0.1", self.port)
                await line.ask("GET", "/health")
                line.close()
                return
            await asyncio.sleep(0.05)
        raise RuntimeError("the server does not answer")

    def memory(self) -> float:
        """Resident memory in MiB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def cpu(self) -> float:
        """Processor seconds so far, with all threads."""
        return cpu_seconds([self._process.pid])

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()


async def register(port: int, names: list[str]) -> list[Line]:
    """Register *names*; each line carries its token and is connected."""
    todo, made = list(reversed(names)), []

    async def some() -> None:
        while todo:
            line = Line("127.0.0.1", port)
            body = {"username": todo.pop(), "password": _PASSWORD}
            body["auth"] = {"type": "m.login.dummy"}
            answer = await line.json("POST", f"{_V3}/register", body)
            line.token, line.user = answer["access_token"], answer["user_id"]
            line.close()
            made.append(line)
            if len(made) % 500 == 0:
                print(f"  {len(made)} people", flush=True)

    await asyncio.gather(*(some() for _ in range(_AT_ONCE)))
    return made


async def since_of(line: Line) -> str:
    return quote((await line.json("GET", f"{_V3}/sync?timeout=0"))["next_batch"])


async def poll_for_ever(line: Line, since: str) -> None:
    while True:
        raw = await line.ask("GET", f"{_V3}/sync?timeout=30000&since={since}")
        since = quote(msgspec.json.decode(raw)["next_batch"])


class Talk:
    """Two people in a conversation: one writes now and then, the other waits in a sync."""

    def __init__(self, sender: Line, receiver: Line) -> None:
        self._sender, self._receiver = sender, receiver
        self._sent = 0

    async def begin(self) -> None:
        body = {"preset": "trusted_private_chat", "invite": [self._receiver.user]}
        room = (await self._sender.json("POST", f"{_V3}/createRoom", body))["room_id"]
        self._room = quote(room)
        await self._receiver.json("POST", f"{_V3}/rooms/{self._room}/join", {})
        self._since = await since_of(self._receiver)

    async def once(self) -> float:
        """Send one message; return the milliseconds until it arrived."""
        poll = asyncio.ensure_future(self._poll())
        await asyncio.sleep(0)
        started = time.perf_counter()
        self._sent += 1
        path = f"{_V3}/rooms/{self._room}/send/m.room.message/m{self._sent}"
        body = {"msgtype": "m.text", "body": f"{self._sent} of so many messages"}
        event = (await self._sender.json("PUT", path, body))["event_id"].encode()
        while event not in await poll:
            poll = asyncio.ensure_future(self._poll())
        return (time.perf_counter() - started) * 1000

    async def _poll(self) -> bytes:
        raw = await self._receiver.ask("GET", f"{_V3}/sync?timeout=30000&since={self._since}")
        self._since = quote(msgspec.json.decode(raw)["next_batch"])
        return raw


async def talk(server: Server, talks: list[Talk], rate: float, seconds: float) -> str:
    """Let *talks* send at *rate* in all; return how it went as one line."""
    free: asyncio.Queue[Talk] = asyncio.Queue()
    for each in talks:
        free.put_nowait(each)
    found: list[float] = []

    async def one(each: Talk) -> None:
        found.append(await each.once())
        free.put_nowait(each)

    before = server.cpu()
    # A message that never arrives ends this, instead of being waited for.
    async with asyncio.timeout(_PATIENCE + 2 * seconds), asyncio.TaskGroup() as tasks:
        for _ in range(int(rate * seconds)):
            tasks.create_task(one(await free.get()))
            await asyncio.sleep(1 / rate)
    cpu = server.cpu() - before
    found.sort()
    p50, p95, p99 = (found[int(len(found) * share)] for share in (0.5, 0.95, 0.99))
    cost = cpu / len(found) * 1e6
    return f"p50/p95/p99 {p50:.1f}/{p95:.1f}/{p99:.1f} ms, {cost:.0f} µs CPU a message"


def _check_alive(polls: list["asyncio.Task[None]"]) -> None:
    """Raise what the first poll that ended failed with: what is measured is that all wait."""
    for poll in polls:
        if poll.done():
            poll.result()


@contextlib.asynccontextmanager
async def waiting(lines: list[Line], since: list[str]) -> AsyncIterator[list["asyncio.Task[None]"]]:
    polls = []
    for each in zip(lines, since, strict=True):
        polls.append(asyncio.create_task(poll_for_ever(*each)))
        await asyncio.sleep(_COME_SECONDS / len(lines))
    await asyncio.sleep(2)
    try:
        _check_alive(polls)
        yield polls
        _check_alive(polls)
    finally:
        for poll in polls:
            poll.cancel()
        await asyncio.gather(*polls, return_exceptions=True)


async def measure(options: argparse.Namespace, folder: Path) -> None:
    server = Server(folder)
    try:
        await server.ready()
        print(f"empty                 {server.memory():7.1f} MiB", flush=True)
        talkers = await register(server.port, [f"t{n}" for n in range(options.active)])
        talks = [Talk(*both) for both in zip(talkers[::2], talkers[1::2], strict=True)]
        for each in talks:
            await each.begin()
        said = await talk(server, talks, options.rate, options.seconds)
        print(f"{options.active} people talk      {server.memory():7.1f} MiB, {said}", flush=True)
        count = -(-options.polls // options.each)
        people = await register(server.port, [f"i{n}" for n in range(count)])
        idle, since = [], []
        for person in people:
            begun = await since_of(person)
            person.close()
            for _ in range(options.each):
                line = Line("127.0.0.1", server.port)
                line.token = person.token
                idle.append(line)
                since.append(begun)
        await asyncio.sleep(40)
        before = server.memory()
        print(f"and {count} were here    {before:7.1f} MiB", flush=True)
        async with waiting(idle, since):
            with_polls = server.memory()
            each = (with_polls - before) * 1024 / len(idle)
            print(f"and wait in a sync    {with_polls:7.1f} MiB, {each:.1f} KiB each", flush=True)
            busy = server.cpu()
            await asyncio.sleep(30)
            busy = (server.cpu() - busy) / 30
            print(f"  {busy * 100:.1f} % of a processor while nobody talks", flush=True)
            for line in talkers:
                # Connections on which nothing was asked for a while are closed by the server.
                line.close()
            said = await talk(server, talks, options.rate, options.seconds)
            print(
                f"and {options.active} talk         {server.memory():7.1f} MiB, {said}", flush=True
            )
        for line in idle:
            line.close()
        await asyncio.sleep(3)
        print(f"when they hung up     {server.memory():7.1f} MiB", flush=True)
    finally:
        server.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--polls", type=int, default=5000)
    parser.add_argument("--each", type=int, default=1)
    parser.add_argument("--active", type=int, default=200)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="halfdoor-idle-") as folder:
        uvloop.run(measure(options, Path(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
