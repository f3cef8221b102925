"""Backup, restore and move of a house with people in it, by the command line."""

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from tests.apps.opened_house import CANARIES, SERVER, Person, make, open_house
from tests.messaging.little_house import FixedClock, escrow_set
from tests.store.postgres_houses import WHOLE, Postgresql
from typer.testing import CliRunner

from halfdoor.apps.backup_record import FILE, read_record
from halfdoor.apps.house import House
from halfdoor.apps.setting import Setting
from halfdoor.apps.stores import DatabasePlace
from halfdoor.cli.main import app
from halfdoor.config.errors import ConfigError
from halfdoor.policy.load import load
from halfdoor.store.outerkey import outer_key_file

Run = Callable[..., Any]
CONFIG = f'server_name = "{SERVER}"\ndata_dir = "data"\nouter_key_file = "outer.key"\n'


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs the command line beside a configuration; the status has to be as said."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("HALFDOOR_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "halfdoor.toml").write_text(CONFIG)

    def call(*words: str, status: int = 0) -> Any:
        done = CliRunner().invoke(app, list(words), catch_exceptions=False)
        assert done.exit_code == status, done.output
        return done

    return call


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Postgresql]:
    server = Postgresql.started()
    yield server
    server.stop()


class Story:
    """What Ada and Ben did, and what their clients know."""

    def __init__(self) -> None:
        self.room = ""
        self.tokens: dict[str, str] = {}
        self.since: dict[str, str] = {}

    async def begin(self, house: House) -> None:
        """Ada writes to Ben, with a word that is nobody's business in every place there is."""
        people = {}
        for name in ("ada", "ben"):
            await make(house, name, "adult", CANARIES["password"])
            people[name] = Person(house, name)
            await people[name].sign_in(CANARIES["password"], CANARIES["device"])
        ada, ben = people["ada"], people["ben"]
        await house.people.connect(ada.user, ben.user, "platform", house.clock.now_ms())
        more = {"name": CANARIES["room"], "topic": CANARIES["topic"]}
        self.room = await ada.room_with([ben.user], **more)
        await ben.must("POST", f"/rooms/{quote(self.room)}/join", {})
        await ada.write(self.room, CANARIES["message"])
        profile = {"displayname": CANARIES["profile"]}
        await ada.must("PUT", f"/profile/{quote(ada.user)}/displayname", profile)
        path = f"/user/{quote(ada.user)}/account_data/org.example.notes"
        await ada.must("PUT", path, {"text": CANARIES["account data"]})
        for name, person in people.items():
            assert person.caller.token is not None
            self.tokens[name] = person.caller.token
            self.since[name] = (await person.must("GET", "/sync"))["next_batch"]

    def person(self, house: House, name: str) -> Person:
        """Return somebody at the client they had before, with its token."""
        person = Person(house, name)
        person.caller.token = self.tokens[name]
        return person

    async def read(self, house: House, name: str) -> list[str]:
        """Return every message that somebody can read, oldest first."""
        path = f"/rooms/{quote(self.room)}/messages?dir=b&limit=100"
        chunk = (await self.person(house, name).must("GET", path))["chunk"]
        bodies = [one["content"].get("body") for one in reversed(chunk)]
        return [body for body in bodies if body]

    async def news(self, house: House, name: str) -> tuple[list[str], bool]:
        """Sync where the client stood; return the messages, and whether the room came anew."""
        person = self.person(house, name)
        answer = await person.must("GET", f"/sync?since={quote(self.since[name])}")
        self.since[name] = answer["next_batch"]
        room = answer.get("rooms", {}).get("join", {}).get(self.room, {})
        events = room.get("timeline", {}).get("events", [])
        bodies = [one["content"]["body"] for one in events if one["type"] == "m.room.message"]
        return bodies, bool(room.get("state", {}).get("events"))


def visit(folder: Path, work: Callable[[House], Any], name: str = "data") -> None:
    """Open the house in *folder*, do *work* in it, and close it."""

    async def open_and_close() -> None:
        if name != "data":
            (folder / "data").rename(folder / "before")
            (folder / name).rename(folder / "data")
        house = open_house(folder)
        try:
            await work(house)
        finally:
            await house.close()

    asyncio.run(open_and_close())


@pytest.fixture
def story(tmp_path: Path) -> Story:
    told = Story()
    visit(tmp_path, told.begin)
    return told


def hits(folder: Path, words: dict[str, str | bytes]) -> set[tuple[str, str]]:
    found = set()
    for path in folder.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        for name, word in words.items():
            value = word.encode() if isinstance(word, str) else word
            forms = (value, value.hex().encode(), value[::-1], json.dumps(value.decode("latin-1")))
            for form in forms:
                spelled = form.encode() if isinstance(form, str) else form
                if spelled in content or spelled in str(path.relative_to(folder)).encode():
                    found.add((name, path.name))
    return found


# --- refusals -----------------------------------------------------------------------------------


def test_where_there_is_no_house_there_is_nothing_to_copy(run: Run, tmp_path: Path) -> None:
    (tmp_path / "outer.key").write_bytes(bytes(32))
    (tmp_path / "outer.key").chmod(0o600)
    assert "start the server once" in run("backup", "there", status=1).stderr
    done = run("migrate", "sqlite", "postgres", "--url", "postgresql://u@localhost/x", status=1)
    assert "there is no data" in done.stderr
    assert "holds no backup" in run("restore", "nowhere", status=1).stderr


def test_without_the_outer_key_nothing_is_made(run: Run, story: Story, tmp_path: Path) -> None:
    (tmp_path / "outer.key").rename(tmp_path / "elsewhere.key")
    assert "put the key back" in run("backup", "copies", status=1).stderr
    assert not (tmp_path / "copies").exists()
    assert not (tmp_path / "outer.key").exists()
    run("backup", "copies", "--outer-key", "elsewhere.key")


def test_a_backup_that_its_own_house_could_not_open_is_not_made(
    run: Run, story: Story, tmp_path: Path
) -> None:
    (tmp_path / "wrong.key").write_bytes(b"w" * 32)
    (tmp_path / "wrong.key").chmod(0o600)
    done = run("backup", "copies", "--outer-key", "wrong.key", status=1)
    assert "not the outer key of this data" in done.stderr
    assert not (tmp_path / "copies").exists()


@pytest.mark.parametrize(
    ("folder", "words"),
    [("data/copies", "inside the data directory"), (".", "lies inside")],
)
def test_a_backup_lies_neither_with_the_data_nor_with_the_key(
    run: Run, story: Story, folder: str, words: str
) -> None:
    assert words in run("backup", folder, status=1).stderr


def test_what_was_made_and_what_was_read_is_written_down_for_who_looks_at_the_house(
    run: Run, story: Story, tmp_path: Path
) -> None:
    run("backup", "copy")
    record = read_record(tmp_path / "data")
    assert record is not None
    assert record.last is not None
    assert (record.last.number, record.last.store) == (1, "sqlite")
    assert record.last.folder == str(tmp_path / "copy")
    assert record.last.size > 0
    run("backup", "copy", "--verify")
    for part in (tmp_path / "copy" / "parts").rglob("*"):
        if part.is_file():
            part.write_bytes(b"damaged")
    run("backup", "copy", "--verify", status=1)
    record = read_record(tmp_path / "data")
    assert record is not None
    assert [one.whole for one in record.drills] == [False, True, True]
    said = (tmp_path / "data" / FILE).read_text(encoding="utf-8")
    assert [word for word in CANARIES.values() if word in said] == []
    assert "@" not in said


def test_a_restore_over_a_house_is_refused(run: Run, story: Story, tmp_path: Path) -> None:
    run("backup", "copies")
    assert "never puts anything over it" in run("restore", "copies", status=1).stderr

    async def read(house: House) -> None:
        assert await story.read(house, "ben") == [CANARIES["message"]]

    visit(tmp_path, read)


def test_a_server_that_runs_is_not_moved(run: Run, story: Story, tmp_path: Path) -> None:
    async def move(_house: House) -> None:
        words = ("migrate", "sqlite", "postgres", "--url", "postgresql://u@localhost/x")
        done = await asyncio.to_thread(lambda: run(*words, status=1))
        assert "stop it first" in done.stderr

    visit(tmp_path, move)


def test_another_way_than_that_to_postgresql_says_which_way_there_is(run: Run) -> None:
    done = run("migrate", "postgres", "sqlite", status=2)
    assert "halfdoor restore" in done.stderr
    with pytest.raises(ConfigError, match="say where PostgreSQL is"):
        run("migrate", "sqlite", "postgres")


def test_a_number_without_verify_is_a_mistake(run: Run) -> None:
    run("backup", "copies", "--number", "1", status=2)


# --- copies -------------------------------------------------------------------------------------


def test_a_stolen_backup_shows_neither_words_nor_who_or_where(
    run: Run, story: Story, tmp_path: Path
) -> None:
    run("backup", "copies")
    words: dict[str, str | bytes] = dict(CANARIES)
    words |= {f"token of {name}": token for name, token in story.tokens.items()}
    words |= {"room": story.room, "ada": f"@ada:{SERVER}", "ben": f"@ben:{SERVER}"}
    words |= {"server": SERVER, "outer key": (tmp_path / "outer.key").read_bytes()}
    assert len(list((tmp_path / "copies").rglob("*"))) > 20
    assert hits(tmp_path / "copies", words) == set()
    # The search finds what the database itself says in clear.
    assert ("ada", "halfdoor.db") in hits(tmp_path / "data", words)


def test_a_backup_made_while_the_server_runs_is_whole_and_says_so(
    run: Run, story: Story, tmp_path: Path
) -> None:
    said: dict[str, Any] = {}

    def made() -> Any:
        return json.loads(run("backup", "c", "--json").stdout)

    async def back_up(house: House) -> None:
        # In another process, as an administrator would.
        await story.person(house, "ada").write(story.room, "while it runs")
        await asyncio.to_thread(lambda: said.update(made()))
        await story.person(house, "ada").write(story.room, "after the backup was made")

    visit(tmp_path, back_up)
    assert said["number"] == 1
    assert said["written"] == said["parts"] > 10
    assert json.loads(run("backup", "c", "--verify", "--json").stdout)["rows"] == said["rows"]
    assert "is whole" in run("backup", "c", "--verify").stdout
    again = run("backup", "c", "--keep", "1")
    assert "Backup 2 is made and verified" in again.stdout
    assert "outer key is not in it" in again.stderr
    done = json.loads(run("restore", "c", "--data", "new", "--json").stdout)
    assert (done["number"], done["conversations"]) == (2, 1)
    assert "is restored" in run("restore", "c", "--data", "newer").stdout


def test_an_older_backup_under_live_clients_makes_them_sync_anew_and_skips_nothing(
    run: Run, story: Story, tmp_path: Path
) -> None:
    run("backup", "copies")

    async def lost(house: House) -> None:
        """Something happens that the backup does not know; only Ben's client hears of it."""
        await story.person(house, "ada").write(story.room, "lost with the disk")
        assert await story.news(house, "ben") == (["lost with the disk"], False)

    visit(tmp_path, lost)
    run("restore", "copies", "--data", "new")
    before = dict(story.since)

    async def go_on(house: House) -> None:
        assert await story.read(house, "ben") == [CANARIES["message"]]
        await story.person(house, "ada").write(story.room, "after the restore")
        # Ben's client knows what is no more: it begins anew, and misses nothing.
        assert await story.news(house, "ben") == ([CANARIES["message"], "after the restore"], True)
        # Ada's knows nothing that was lost, and just goes on.
        assert await story.news(house, "ada") == (["after the restore"], False)
        for name in ("ada", "ben"):
            assert _position(story.since[name]) >> 40 > 0 == _position(before[name]) >> 40
            assert await story.news(house, name) == ([], False)
        await story.person(house, "ada").write(story.room, "and another")
        for name in ("ada", "ben"):
            assert await story.news(house, name) == (["and another"], False)
        words = [CANARIES["message"], "after the restore", "and another"]
        assert await story.read(house, "ben") == words

    visit(tmp_path, go_on, "new")
    # It happens once more, with the same backup: what was given out meanwhile is not again.
    tip = {name: _position(since) for name, since in story.since.items()}
    run("restore", "copies", "--data", "newest")

    async def once_more(house: House) -> None:
        await story.person(house, "ada").write(story.room, "after the second restore")
        bodies, anew = await story.news(house, "ben")
        assert bodies[-1] == "after the second restore"
        assert anew or _position(story.since["ben"]) > tip["ben"]

    (tmp_path / "before").rename(tmp_path / "first")
    visit(tmp_path, once_more, "newest")


def _position(token: str) -> int:
    return int(token.rsplit(".", 3)[1])


def test_a_house_moves_to_postgresql_and_its_people_go_on_where_they_were(
    run: Run, story: Story, tmp_path: Path, postgresql: Postgresql
) -> None:
    dsn = postgresql.dsn(asyncio.run(postgresql.create(WHOLE)))
    (tmp_path / "password").write_text(postgresql.server.password)
    address = dsn.replace(f":{urlsplit(dsn).password}@", "@")
    words = ("--url", address, "--password-file", "password")
    before = (tmp_path / "data" / "halfdoor.db").read_bytes()
    done = run("migrate", "sqlite", "postgres", *words)
    assert "Moved:" in done.stdout
    assert "never start a server on it again" in done.stderr
    assert (tmp_path / "data" / "halfdoor.db").read_bytes() == before
    # Nothing is put over it a second time.
    assert "holds data" in run("migrate", "sqlite", "postgres", *words, status=1).stderr
    place = DatabasePlace(url=address, password=postgresql.server.password)
    asyncio.run(_in_postgresql(tmp_path, place, story))


async def _in_postgresql(folder: Path, place: DatabasePlace, story: Story) -> None:
    data = folder / "of this server"
    setting = Setting(
        server_name=SERVER,
        policy=load(None),
        escrow=[escrow_set()],
        data_dir=data,
        outer_key=outer_key_file(folder / "outer.key", data, make=False),
        database=place,
    )
    house = await House.open(setting, FixedClock())
    try:
        assert await story.read(house, "ben") == [CANARIES["message"]]
        # Positions did not go back, so clients go on with the tokens they had.
        await story.person(house, "ada").write(story.room, "from the new house")
        assert await story.news(house, "ben") == (["from the new house"], False)
        assert await story.news(house, "ada") == (["from the new house"], False)
        ada = story.person(house, "ada")
        notes = await ada.must("GET", f"/user/{quote(ada.user)}/account_data/org.example.notes")
        assert notes == {"text": CANARIES["account data"]}
        ben = Person(house, "ben")
        await ben.sign_in(CANARIES["password"])
        story.tokens["ben"] = ben.caller.token or ""
        assert await story.read(house, "ben") == [CANARIES["message"], "from the new house"]
    finally:
        await house.close()
