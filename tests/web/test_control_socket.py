import asyncio
import contextlib
import io
import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from halfdoor.config.errors import ConfigError
from halfdoor.web.control import (
    MAX_REQUEST_BYTES,
    MOST_AT_ONCE,
    SOCKET_NAME,
    may_ask,
    serve_control,
    socket_address,
)
from halfdoor.web.logs import configure

SECRET = "what nobody may read in a log"


class BrokenError(Exception):
    """Something went wrong inside, and its message quotes what somebody wrote."""


@dataclass
class Answerer:
    """Answers each line with itself, and remembers what it heard."""

    heard: list[bytes] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: "asyncio.Queue[bytes]" = field(default_factory=asyncio.Queue)

    async def __call__(self, line: bytes) -> bytes:
        self.heard.append(line)
        if line == b"break\n":
            raise BrokenError(SECRET)
        if line == b"wait\n":
            self.waiting.put_nowait(line)
            await self.open.wait()
        return json.dumps({"echo": line.decode(errors="replace")}).encode()


@dataclass
class Served:
    folder: Path
    answerer: Answerer
    log: io.StringIO

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        with socket_address(self.folder) as address:
            return await asyncio.open_unix_connection(address)

    async def talk(self, sent: bytes, *, end: bool = False) -> Any:
        reader, writer = await self.connect()
        writer.write(sent)
        if end:
            writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        return json.loads(answer) if answer else None


@contextlib.asynccontextmanager
async def serving(folder: Path, **more: Any) -> AsyncIterator[Served]:
    log, answerer = io.StringIO(), Answerer()
    lines = configure("info", stream=log, console=False)
    async with serve_control(folder, answerer, lines, **more):
        yield Served(folder, answerer, log)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path) as served:
        yield served


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user of this machine can enter, as a data directory never is."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_only_the_same_user_and_root_may_ask() -> None:
    assert may_ask(1000, 1000)
    assert may_ask(0, 1000)
    assert not may_ask(1001, 1000)
    assert not may_ask(1000, 0)


STRANGER = """
import contextlib, os, socket, sys
if os.geteuid() == 0:
    os.setegid(65534)
    os.seteuid(65534)
with socket.socket(socket.AF_UNIX) as server:
    server.settimeout(20)
    server.connect(sys.argv[1])
    with contextlib.suppress(BrokenPipeError):
        server.sendall(b"hello\\n")
    print(server.recv(4096).decode())
"""


async def test_another_user_is_refused_even_where_the_file_is_open(open_folder: Path) -> None:
    # As root the child becomes somebody else; as anybody else the server is told to be another's.
    owner = os.geteuid() if os.geteuid() == 0 else os.geteuid() + 1
    async with serving(open_folder, owner=owner) as served:
        path = open_folder / SOCKET_NAME
        path.chmod(0o666)
        told = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-I", "-c", STRANGER, str(path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        answer = json.loads(told.stdout)
        assert (answer["answer"], answer["kind"]) == ("refused", "refused")
        assert served.answerer.heard == []


async def test_nobody_else_can_open_the_socket_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        async with serving(tmp_path):
            mode = (tmp_path / SOCKET_NAME).stat().st_mode
    finally:
        os.umask(before)
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600


@pytest.mark.parametrize("sent", [b"no line end", b"\x00\xff", b"{" * 100])
async def test_half_a_line_is_refused(served: Served, sent: bytes) -> None:
    assert (await served.talk(sent, end=True))["kind"] == "usage"
    assert served.answerer.heard == []


async def test_a_long_line_is_refused_and_the_next_one_is_answered(served: Served) -> None:
    refused = await served.talk(b"x" * (MAX_REQUEST_BYTES + 1))
    assert (refused["answer"], refused["kind"]) == ("refused", "usage")
    with contextlib.suppress(ConnectionError):
        await served.talk(b"x" * 50 * MAX_REQUEST_BYTES)
    assert await served.talk(b"after\n") == {"echo": "after\n"}
    assert served.answerer.heard == [b"after\n"]


async def test_a_slow_request_is_given_up(tmp_path: Path) -> None:
    async with serving(tmp_path, read_seconds=0.05) as served:
        reader, writer = await served.connect()
        writer.write(b"begun and never end")
        answer = json.loads(await asyncio.wait_for(reader.read(), 20))
        writer.close()
        assert answer["kind"] == "failed"
        assert "in time" in answer["text"]


async def test_asking_nothing_gets_nothing(served: Served) -> None:
    assert await served.talk(b"", end=True) is None
    assert served.answerer.heard == []


async def test_two_clients_at_once_are_both_answered(served: Served) -> None:
    slow = asyncio.ensure_future(served.talk(b"wait\n"))
    await served.answerer.waiting.get()
    assert await served.talk(b"quick\n") == {"echo": "quick\n"}
    assert not slow.done()
    served.answerer.open.set()
    assert await slow == {"echo": "wait\n"}


async def test_one_too_many_at_once_is_told_to_come_back(served: Served) -> None:
    many = [asyncio.ensure_future(served.talk(b"wait\n")) for _ in range(MOST_AT_ONCE)]
    for _ in many:
        await served.answerer.waiting.get()
    assert (await served.talk(b"more\n"))["kind"] == "failed"
    served.answerer.open.set()
    assert len(await asyncio.gather(*many)) == MOST_AT_ONCE
    assert b"more\n" not in served.answerer.heard


async def test_one_connection_asks_once(served: Served) -> None:
    assert await served.talk(b"one\ntwo\n") == {"echo": "one\n"}
    assert served.answerer.heard == [b"one\n"]


async def test_a_failure_inside_is_told_without_its_message(served: Served) -> None:
    answer = await served.talk(b"break\n")
    assert (answer["answer"], answer["kind"]) == ("refused", "failed")
    assert SECRET not in json.dumps(answer)
    assert SECRET not in served.log.getvalue()
    assert "BrokenError" in served.log.getvalue()
    assert await served.talk(b"after\n") == {"echo": "after\n"}


async def test_who_hangs_up_has_it_done_all_the_same(served: Served) -> None:
    _, writer = await served.connect()
    writer.write(b"wait\n")
    await served.answerer.waiting.get()
    writer.transport.abort()
    served.answerer.open.set()
    assert await served.talk(b"after\n") == {"echo": "after\n"}


async def test_a_stop_answers_what_was_asked_before(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        asked = asyncio.ensure_future(served.talk(b"wait\n"))
        await served.answerer.waiting.get()
        asyncio.get_running_loop().call_soon(served.answerer.open.set)
    assert await asked == {"echo": "wait\n"}
    assert left(tmp_path) == []


async def test_a_socket_left_behind_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead, socket_address(tmp_path) as address:
        dead.bind(address)
    async with serving(tmp_path) as served:
        assert await served.talk(b"hello\n") == {"echo": "hello\n"}


async def test_what_is_no_socket_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / SOCKET_NAME).write_text("mine")
    with pytest.raises(ConfigError, match="no socket"):
        async with serving(tmp_path):
            pass
    assert (tmp_path / SOCKET_NAME).read_text() == "mine"


async def test_a_link_to_elsewhere_is_never_followed(tmp_path: Path) -> None:
    folder, other = tmp_path / "data", tmp_path / "other"
    folder.mkdir()
    other.write_text("theirs")
    (folder / SOCKET_NAME).symlink_to(other)
    with pytest.raises(ConfigError):
        async with serving(folder):
            pass
    assert other.read_text() == "theirs"


async def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="data_dir"):
        async with serving(tmp_path / "nowhere"):
            pass


async def test_a_path_longer_than_an_address_is_no_obstacle(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 40)
    folder.mkdir()
    async with serving(folder) as served:
        assert await served.talk(b"hello\n") == {"echo": "hello\n"}
