import asyncio
import io
import json
import os
import pty
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import uvloop
from tests.apps.opened_house import PASSWORD, Person, make, open_house, user
from typer.testing import CliRunner

from halfdoor.accounts.records import PersonRecord
from halfdoor.apps.control import control_socket
from halfdoor.apps.house import House
from halfdoor.apps.verbs import PAGE
from halfdoor.cli.main import app
from halfdoor.clock import SystemClock
from halfdoor.store.sqlite.lockfile import DirectoryLock
from halfdoor.web.control import SOCKET_NAME, socket_address
from halfdoor.web.logs import configure

NEW = "nine slow barges pass the lock"
HISTORY_CLOSED = (
    "History stays closed: the next password login waits for approval by one of the person's"
    " devices or their recovery key."
)
CONFIG = 'server_name = "example.org"\ndata_dir = "data"\nouter_key_file = "outer.key"\n'

Run = Callable[..., Any]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs the command line beside a configuration; what is *typed* arrives on standard input."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("HALFDOOR_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "halfdoor.toml").write_text(CONFIG)

    def call(*words: str, typed: str | None = None) -> Any:
        return CliRunner().invoke(app, list(words), input=typed, catch_exceptions=False)

    return call


def visit(folder: Path, work: Callable[[House], Any]) -> Any:
    """Open the house in *folder*, do *work* in it, and close it."""

    async def open_and_close() -> Any:
        house = open_house(folder, clock=SystemClock())
        try:
            return await work(house)
        finally:
            await house.close()

    return asyncio.run(open_and_close())


async def people(house: House) -> None:
    """Ada and Ben are adults, Mia is a child; nobody is connected."""
    for name, band in (("ada", "adult"), ("ben", "adult"), ("mia", "13-15")):
        await make(house, name, band)


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    visit(tmp_path, people)
    return tmp_path


@pytest.fixture
def running(stopped: Path) -> Iterator[Path]:
    """A server on the same event loop as in production, without its HTTP side."""
    ready, failed = threading.Event(), []
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        house = open_house(stopped, clock=SystemClock())
        try:
            async with control_socket(house, configure("info", stream=io.StringIO())):
                loops.append((asyncio.get_running_loop(), asyncio.Event()))
                ready.set()
                await loops[0][1].wait()
        finally:
            await house.close()

    def thread() -> None:
        try:
            uvloop.run(serve())
        except BaseException as error:
            failed.append(error)
            ready.set()
            raise

    server = threading.Thread(target=thread)
    server.start()
    assert ready.wait(60)
    assert not failed
    yield stopped
    loop, end = loops[0]
    loop.call_soon_threadsafe(end.set)
    server.join(60)
    assert not server.is_alive()
    assert not failed
    assert not (stopped / "data" / SOCKET_NAME).exists()


@pytest.fixture(params=["stopped", "running"])
def house(request: pytest.FixtureRequest) -> Path:
    """The same house, which a command opens itself or asks through the socket."""
    found: Path = request.getfixturevalue(request.param)
    return found


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["create"],
        ["create", "eva", "--age-band", "elderly"],
        ["create", "eva", "--password", NEW],
        ["create", "eva", "--password-file", "nowhere.txt"],
        ["create", "Eva"],
        ["show", "@ada:elsewhere.org"],
        ["show", "a b"],
        ["show", "x" * 300],
        ["connect", "ada", "ada"],
        ["deactivate", "ada"],
        ["delete", "ada"],
        ["list", "--config", "nowhere.toml"],
    ],
    ids=" ".join,
)
def test_wrong_use_ends_with_2_and_does_nothing(house: Path, run: Run, words: list[str]) -> None:
    from halfdoor.config.errors import ConfigError

    before = run("user", "list", "--json").stdout
    try:
        code = run("user", *words, typed=f"{NEW}\n").exit_code
    except ConfigError:
        # `main` turns it into 2.
        code = 2
    assert code == 2
    assert run("user", "list", "--json").stdout == before


@pytest.mark.parametrize(
    "words",
    [
        ["create", "ada"],
        ["show", "nobody"],
        ["suspend", "nobody"],
        ["unsuspend", "nobody"],
        ["deactivate", "nobody", "--yes"],
        ["connect", "ada", "nobody"],
        ["reset-password", "nobody"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_done_ends_with_1_and_a_sentence(
    house: Path, run: Run, words: list[str]
) -> None:
    told = run("user", *words, typed=f"{NEW}\n")
    assert told.exit_code == 1
    assert told.stdout == ""
    assert told.stderr in (
        "halfdoor: there is no such account.\n",
        "halfdoor: this name is taken.\n",
    )


def test_an_adult_and_a_minor_are_connected_only_with_yes(house: Path, run: Run) -> None:
    told = run("user", "connect", "ada", "mia")
    assert (told.exit_code, told.stdout) == (3, "")
    assert "--yes" in told.stderr
    assert "They are not connected." in run("policy", "explain", "ada", "mia").stdout
    assert run("user", "connect", "ada", "mia", "--yes").exit_code == 0
    assert "They are connected." in run("policy", "explain", "ada", "mia").stdout


@pytest.mark.parametrize("typed", ["", "\n", None])
def test_without_a_password_nothing_is_done(house: Path, run: Run, typed: str | None) -> None:
    told = run("user", "create", "eva", typed=typed)
    assert told.exit_code == 2
    assert "password" in told.stderr


def test_a_password_that_is_not_text_is_wrong_use(house: Path, run: Run) -> None:
    (house / "secret.txt").write_bytes(b"\xff\xfe\xfd heron reeds\n")
    told = run("user", "create", "eva", "--password-file", "secret.txt")
    assert told.exit_code == 2
    assert "UTF-8" in told.stderr


def test_a_weak_password_makes_no_account(house: Path, run: Run) -> None:
    told = run("user", "create", "eva", typed="password12\n")
    assert told.exit_code == 1
    assert "password12" not in told.stdout + told.stderr
    assert run("user", "show", "eva").exit_code == 1


def test_without_a_configuration_or_a_running_server_there_is_nobody_to_ask(
    stopped: Path, run: Run
) -> None:
    (stopped / "halfdoor.toml").unlink()
    for words in (["list"], ["list", "--data", "data"], ["list", "--data", "nowhere"]):
        told = run("user", *words)
        assert (told.exit_code, told.stdout) == (2, "")
        assert "--config" in told.stderr


def test_a_house_that_never_started_is_not_made(run: Run, tmp_path: Path) -> None:
    told = run("user", "create", "ada", typed=f"{NEW}\n")
    assert told.exit_code == 1
    assert "start the server once" in told.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["halfdoor.toml"]


def test_a_house_in_use_without_a_socket_is_said_clearly(stopped: Path, run: Run) -> None:
    lock = DirectoryLock(stopped / "data")
    try:
        told = run("user", "list")
    finally:
        lock.release()
    assert (told.exit_code, told.stdout) == (1, "")
    assert f"in use by process {os.getpid()}" in told.stderr
    assert "no control socket" in told.stderr


def test_a_socket_that_a_killed_server_left_is_passed_over(stopped: Path, run: Run) -> None:
    with socket.socket(socket.AF_UNIX) as dead, socket_address(stopped / "data") as address:
        dead.bind(address)
    assert run("user", "list").exit_code == 0


def test_a_wrong_outer_key_opens_nothing(stopped: Path, run: Run) -> None:
    (stopped / "outer.key").write_bytes(os.urandom(32))
    told = run("user", "list")
    assert (told.exit_code, told.stdout) == (1, "")
    (stopped / "outer.key").unlink()
    assert run("user", "list").exit_code == 1
    assert not (stopped / "outer.key").exists()


@pytest.mark.parametrize("said", [b"", b"hello\n", b'{"answer":"done","result":[]}\n', b"\xff\n"])
def test_a_server_that_answers_something_else_is_said(stopped: Path, run: Run, said: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as server, socket_address(stopped / "data") as address:
        server.bind(address)
        server.listen()

        def answer() -> None:
            # The first connection only asks whether anybody listens.
            server.accept()[0].close()
            connected, _ = server.accept()
            with connected:
                connected.recv(65_536)
                connected.sendall(said)

        thread = threading.Thread(target=answer)
        thread.start()
        told = run("user", "show", "ada")
        thread.join(60)
    assert (told.exit_code, told.stdout) == (1, "")
    assert "the server" in told.stderr
    assert "Traceback" not in told.stderr


# --- what is done ---------------------------------------------------------------------------------


def test_an_account_is_made_with_a_password_from_standard_input(house: Path, run: Run) -> None:
    told = run("user", "create", "eva", "--age-band", "16-17", typed=f"{NEW}\n")
    assert (told.exit_code, told.stdout) == (0, f"{user('eva')}\n")
    assert NEW not in told.stdout + told.stderr
    shown = json.loads(run("user", "show", "eva", "--json").stdout)
    assert (shown["user"], shown["age_band"], shown["age_source"]) == (
        user("eva"),
        "16-17",
        "operator",
    )


def test_or_from_a_file(house: Path, run: Run) -> None:
    (house / "secret.txt").write_text(f"{NEW}\r\nanother line\n")
    told = run("user", "create", "eva", "--password-file", "secret.txt", "--json")
    assert json.loads(told.stdout) == {"user": user("eva")}
    assert run("user", "create", "fay", "--password-file", "-", typed=f"{NEW}\n").exit_code == 0


def test_the_password_of_a_file_is_the_one_that_signs_in(stopped: Path, run: Run) -> None:
    (stopped / "secret.txt").write_text(f"{NEW}\r\nanother line\n")
    run("user", "create", "eva", "--password-file", "secret.txt")

    async def sign_in(house: House) -> Any:
        return await Person(house, "eva").sign_in(NEW)

    assert "access_token" in visit(stopped, sign_in)


def test_a_terminal_is_asked_twice_and_shows_nothing(stopped: Path) -> None:
    (stopped / "halfdoor.toml").write_text(CONFIG)
    program = "from halfdoor.cli.main import main; main()"
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(stopped),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", program, "user", "create", "eva"],
        cwd=stopped,
        env=environ,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
        start_new_session=True,
    ) as asked:
        os.close(theirs)
        assert asked.stderr is not None
        stderr = ""
        for _ in range(2):
            # What is typed before the question is thrown away.
            while not stderr.endswith(": "):
                letter = asked.stderr.read(1)
                assert letter, stderr
                stderr += letter
            os.write(ours, f"{NEW}\n".encode())
            stderr += "|"
        stdout, rest = asked.communicate(timeout=60)
    stderr += rest
    os.close(ours)
    assert (asked.returncode, stdout) == (0, f"{user('eva')}\n")
    assert stderr.startswith("Password: |")
    assert NEW not in stderr


def test_a_reset_says_plainly_that_history_stays_closed(stopped: Path, run: Run) -> None:
    """SEALING §8 no. 27, by the command that an administrator has."""

    async def write(house: House) -> str:
        ada = Person(house, "ada")
        await ada.sign_in()
        await house.people.connect(ada.user, user("ben"), "platform", house.clock.now_ms())
        room = await ada.room_with([user("ben")])
        await ada.write(room, "between us")
        return room

    room = visit(stopped, write)
    told = run("user", "reset-password", "ada", typed=f"{NEW}\n")
    assert told.exit_code == 0
    assert told.stdout == f"{user('ada')} has another password.\n{HISTORY_CLOSED}\n"
    assert NEW not in told.stdout + told.stderr

    async def read(house: House) -> tuple[bool, int, str]:
        intruder = Person(house, "ada")
        assert "errcode" in await intruder.sign_in(PASSWORD)
        waits = (await intruder.sign_in(NEW)).get("org.halfdoor.pending", False)
        status, answer = await intruder.call("GET", f"/rooms/{quote(room)}/messages?dir=b")
        return waits, status, json.dumps(answer)

    waits, status, answer = visit(stopped, read)
    assert (waits, status) == (True, 403)
    assert "between us" not in answer
    again = json.loads(run("user", "reset-password", "ada", "--json", typed=f"{NEW}\n").stdout)
    assert (again["history_closed"], again["meaning"]) == (True, HISTORY_CLOSED)


def test_who_never_signed_in_has_no_history_to_close(house: Path, run: Run) -> None:
    told = run("user", "reset-password", "ben", typed=f"{NEW}\n")
    assert told.exit_code == 0
    assert "no history" in told.stdout


def test_suspension_is_put_on_and_lifted(house: Path, run: Run) -> None:
    assert run("user", "suspend", "ada").stdout == f"{user('ada')} is suspended.\n"
    assert json.loads(run("user", "show", "ada", "--json").stdout)["suspended"] is True
    assert run("user", "unsuspend", user("ada")).stdout == f"{user('ada')} is not suspended.\n"
    assert json.loads(run("user", "show", "ada", "--json").stdout)["suspended"] is False


def test_closing_an_account_takes_yes(house: Path, run: Run) -> None:
    told = run("user", "deactivate", "ada")
    assert (told.exit_code, told.stdout) == (2, "")
    assert "--yes" in told.stderr
    assert run("user", "deactivate", "ada", "--yes").exit_code == 0
    assert "closed" in run("user", "show", "ada").stdout


def test_everybody_is_listed_for_people_and_for_programs(house: Path, run: Run) -> None:
    table = run("user", "list").stdout.splitlines()
    assert [line.split()[0] for line in table] == ["user", user("ada"), user("ben"), user("mia")]
    listed = json.loads(run("user", "list", "--json").stdout)["users"]
    assert [one["user"] for one in listed] == [user("ada"), user("ben"), user("mia")]


def test_a_long_list_is_whole(stopped: Path, run: Run) -> None:
    async def crowd(house: House) -> None:
        await house.people.put([PersonRecord(user=user(f"p{n:04}")) for n in range(PAGE + 5)])

    visit(stopped, crowd)
    listed = [one["user"] for one in json.loads(run("user", "list", "--json").stdout)["users"]]
    assert len(set(listed)) == len(listed) == PAGE + 8
    assert listed == sorted(listed)


def test_a_running_server_is_reached_by_its_folder_alone(running: Path, run: Run) -> None:
    (running / "halfdoor.toml").unlink()
    (running / "outer.key").rename(running / "elsewhere.key")
    assert run("user", "show", "ada", "--data", "data").exit_code == 0
    assert run("policy", "explain", "ada", "ben", "--data", "data").exit_code == 0


# --- policy explain -------------------------------------------------------------------------------


def test_two_people_are_explained_in_both_directions(house: Path, run: Run) -> None:
    told = run("policy", "explain", "ada", "mia")
    assert told.exit_code == 3
    assert f"{user('ada')} to {user('mia')}: refused" in told.stdout
    assert f"{user('mia')} to {user('ada')}: refused" in told.stdout
    assert "contact.adult_minor_unconnected" in told.stdout
    told = run("policy", "explain", user("ada"), "ben", "--json")
    assert told.exit_code == 0
    answer = json.loads(told.stdout)
    assert answer["allowed"] is True
    assert any("a message request" in sentence for sentence in answer["sentences"])


def test_somebody_unknown_cannot_be_explained(house: Path, run: Run) -> None:
    told = run("policy", "explain", "ada", "nobody")
    assert (told.exit_code, told.stdout) == (1, "")


@pytest.mark.parametrize(
    "words",
    [
        ["ada", "ben", "--connected"],
        ["ada", "ben", "--accepted"],
        ["ada", "ben", "--file", "policy.toml"],
        ["--bands", "ada", "ben"],
        ["ada", "ada"],
    ],
    ids=" ".join,
)
def test_people_and_bands_are_not_mixed(house: Path, run: Run, words: list[str]) -> None:
    assert run("policy", "explain", *words).exit_code == 2


def test_two_bands_are_explained_without_any_house(run: Run, tmp_path: Path) -> None:
    (tmp_path / "halfdoor.toml").unlink()
    flagged = run("policy", "explain", "--bands", "adult", "13-15")
    plain = run("policy", "explain", "adult", "13-15")
    assert flagged.exit_code == plain.exit_code == 3
    assert flagged.stdout == plain.stdout
    known = run("policy", "explain", "--bands", "adult", "adult", "--connected")
    assert known.exit_code == 0
    assert "They are connected." in known.stdout
    assert list(tmp_path.iterdir()) == []
