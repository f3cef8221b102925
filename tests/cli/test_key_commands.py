"""`halfdoor key`: on a server that runs and on one that does not; no key is ever printed."""

import asyncio
import io
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvloop
from tests.apps.opened_house import Person, make, open_house
from typer.testing import CliRunner

from halfdoor.apps.control import control_socket
from halfdoor.apps.house import House
from halfdoor.cli.main import app
from halfdoor.clock import SystemClock
from halfdoor.web.logs import configure

CONFIG = 'server_name = "example.org"\ndata_dir = "data"\nouter_key_file = "outer.key"\n'

Run = Callable[..., Any]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs the command line beside a configuration."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("HALFDOOR_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "halfdoor.toml").write_text(CONFIG)

    def call(*words: str) -> Any:
        return CliRunner().invoke(app, list(words), catch_exceptions=False)

    return call


async def visit(folder: Path, work: Callable[[House], Any]) -> Any:
    house = open_house(folder, clock=SystemClock())
    try:
        return await work(house)
    finally:
        await house.close()


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    async def people(house: House) -> None:
        await make(house, "ada", "adult")

    asyncio.run(visit(tmp_path, people))
    return tmp_path


@pytest.fixture
def running(stopped: Path) -> Iterator[Path]:
    """A server without its HTTP side, on an event loop of its own."""
    ready = threading.Event()
    ends: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve(house: House) -> None:
        async with control_socket(house, configure("info", stream=io.StringIO())):
            ends.append((asyncio.get_running_loop(), asyncio.Event()))
            ready.set()
            await ends[0][1].wait()

    server = threading.Thread(target=lambda: uvloop.run(visit(stopped, serve)))
    server.start()
    assert ready.wait(60)
    yield stopped
    loop, end = ends[0]
    loop.call_soon_threadsafe(end.set)
    server.join(60)
    assert not server.is_alive()


@pytest.fixture(params=["stopped", "running"])
def house(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found


def check_no_key(folder: Path, told: Any) -> None:
    for path in folder.glob("outer.key*"):
        key = path.read_bytes()
        assert key.hex() not in told.output
        assert repr(key) not in told.output


def test_nothing_is_destroyed_without_saying_yes(house: Path, run: Run) -> None:
    assert run("key", "rotate").exit_code == 0
    told = run("key", "remove-old")
    assert told.exit_code == 2
    assert "will not open without it" in told.output
    assert len(list(house.glob("outer.key.old-*"))) == 1


def test_a_house_that_is_not_there_has_no_key_to_replace(run: Run, tmp_path: Path) -> None:
    told = run("key", "rotate")
    assert told.exit_code == 1
    assert "start the server once" in told.output
    assert not list(tmp_path.glob("outer.key*"))


def test_a_rotation_puts_another_key_in_place_and_keeps_the_old(house: Path, run: Run) -> None:
    old = (house / "outer.key").read_bytes()
    told = run("key", "rotate", "--json")
    assert told.exit_code == 0
    done = json.loads(told.stdout)
    assert done["key"] == str(house / "outer.key")
    assert Path(done["former"]).read_bytes() == old != (house / "outer.key").read_bytes()
    assert done["data_keys"] >= 1
    check_no_key(house, told)
    shown = run("key", "show")
    assert str(house / "outer.key") in shown.stdout
    assert "outer.key.old-" in shown.stdout
    check_no_key(house, shown)
    assert run("user", "show", "ada").exit_code == 0
    gone = run("key", "remove-old", "--yes")
    assert gone.exit_code == 0
    assert not list(house.glob("outer.key.old-*"))
    assert "There is none." in run("key", "remove-old", "--yes").stdout


def test_a_key_made_before_is_the_one_that_is_put_in_force(house: Path, run: Run) -> None:
    told = run("key", "rotate", "--prepare")
    made = house / "outer.key.new"
    assert told.stdout.strip() == str(made)
    new = made.read_bytes()
    check_no_key(house, told)
    assert "to come" in run("key", "show").stdout
    doctor = run("doctor", "--json")
    (check,) = [one for one in json.loads(doctor.stdout)["checks"] if one["name"] == "outer key"]
    assert check["result"] == "advice"
    assert "halfdoor key rotate" in check["todo"]
    assert run("key", "rotate").exit_code == 0
    assert (house / "outer.key").read_bytes() == new
    assert not made.exists()
    doctor = run("doctor", "--json")
    (check,) = [one for one in json.loads(doctor.stdout)["checks"] if one["name"] == "outer key"]
    assert check["result"] == "ok"
    assert "1 former" in check["found"]


def test_a_folder_that_cannot_be_written_is_said_and_nothing_is_lost(
    stopped: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: Any) -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patched:
        patched.setattr(os, "link", link)
        told = run("key", "rotate")
    assert told.exit_code == 1
    assert "the same command again finishes this" in told.output
    assert run("user", "show", "ada").exit_code == 0
    assert run("key", "rotate").exit_code == 0
    assert run("user", "show", "ada").exit_code == 0


def test_the_account_key_is_renewed_and_its_progress_shown(house: Path, run: Run) -> None:
    told = run("key", "renew-account")
    assert told.exit_code == 0
    assert "Generation 2 of the account key" in told.stdout
    assert "rows looked at" in told.stderr
    check_no_key(house, told)
    again = json.loads(run("key", "renew-account", "--json").stdout)
    assert again["done"] is True
    assert (again["generation"], again["refused"]) == (3, 0)
    assert run("user", "show", "ada").exit_code == 0


def test_who_signed_in_before_both_stays_signed_in(tmp_path: Path, run: Run) -> None:
    async def sign_in(house: House) -> str:
        await make(house, "ada", "adult")
        ada = Person(house, "ada")
        await ada.sign_in()
        return str(ada.caller.token)

    token = asyncio.run(visit(tmp_path, sign_in))
    assert run("key", "rotate").exit_code == 0
    assert run("key", "renew-account").exit_code == 0

    async def ask(house: House) -> Any:
        ada = Person(house, "ada")
        ada.caller.token = token
        return await ada.must("GET", "/account/whoami")

    assert asyncio.run(visit(tmp_path, ask))["user_id"] == "@ada:example.org"
