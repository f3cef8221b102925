"""Erasure ends in files that do not know the person; others keep what was written to them."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest
from msgspec.structs import replace
from tests.apps.opened_house import SERVER, Person, make, user
from tests.messaging.little_house import escrow_set
from tests.store.desk_making import case, happened, report, told
from tests.store.postgres_houses import LEFT, RIGHT, WHOLE, Postgresql

from halfdoor.accounts.errors import ErasedError, NotFoundError, UserInUseError
from halfdoor.accounts.records import PersonRecord
from halfdoor.apps.house import House
from halfdoor.apps.setting import Setting
from halfdoor.apps.stores import DatabasePlace
from halfdoor.apps.work import LEASE_MS
from halfdoor.e2ee.key_store import OneTimeKey, SignatureRow
from halfdoor.ids import bucket
from halfdoor.messaging import farewell
from halfdoor.messaging.epoch_making import NoEscrowSetError
from halfdoor.messaging.keep import Keeper
from halfdoor.messaging.media_names import FileFacts
from halfdoor.policy.load import load
from halfdoor.readers.review.records import CaseState
from halfdoor.readers.review.store import DeskChange
from halfdoor.store.migrate import migration_files
from halfdoor.store.outerkey import outer_key_file
from halfdoor.store.postgres.opening import PostgresStore

EVE, BEN, CAT = user("eve"), user("ben"), user("cat")
NAME, DEVICE = "Eve of the canary-name-41d7", "canary-device-77c2"
HOUR = 3_600_000


@dataclass
class Moving:
    """A clock that moves when it is told to."""

    now: int = 1_795_000_000_000

    def now_ms(self) -> int:
        return self.now


class Town:
    """A house that can be closed and opened again."""

    def __init__(self, folder: Path, *, two_files: bool, place: DatabasePlace | None) -> None:
        self.clock = Moving()
        self.folder = folder
        self.two_files = two_files
        self.place = place
        self.house: House

    async def open(self) -> House:
        data = self.folder / "data"
        setting = Setting(
            server_name=SERVER,
            policy=load(None),
            escrow=[escrow_set()],
            data_dir=data,
            outer_key=outer_key_file(self.folder / "outer.key", data, make=True),
            two_files=self.two_files,
            database=self.place,
        )
        self.house = await House.open(setting, self.clock)
        return self.house

    async def reopen(self) -> House:
        await self.house.close()
        # Whoever had a job is gone, and its lease ends.
        self.clock.now += LEASE_MS + 1
        return await self.open()

    async def finish(self) -> None:
        """Let the job be done."""
        for _ in range(200):
            await self.house.sweep_work()
            stood = await self.house.erasing.state(EVE)
            self.clock.now += 61_000
            if stood is not None and stood.done is not None:
                # What is done may stand before the job's own last step.
                await self.house.sweep_work()
                return
        raise AssertionError("the erasure does not come to its end")

    async def rows(self, side: str) -> dict[str, list[Any]]:
        """Return every row of one side, as who has the files reads them."""
        tables = [
            word.split()[0]
            for file in migration_files((side,))
            for word in file.read_text().split("CREATE TABLE ")[1:]
        ]
        store = self.house.store
        if isinstance(store, PostgresStore):
            assert self.place is not None
            url = self.place.url if side == "conversations" else self.place.people_url
            con = await asyncpg.connect(url or self.place.url)
            found = {
                table: [tuple(row) for row in await con.fetch(f"SELECT * FROM {table}")]  # noqa: S608
                for table in tables
                if table != "counter"
            }
            await con.close()
            return found
        reader = sqlite3.connect(store.paths[0 if side == "conversations" else 1])
        found = {table: reader.execute(f"SELECT * FROM {table}").fetchall() for table in tables}  # noqa: S608
        reader.close()
        return found


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Postgresql]:
    server = Postgresql.started()
    yield server
    server.stop()


@pytest.fixture(params=["one file", "two files", "postgres, two databases"])
def site(request: pytest.FixtureRequest) -> tuple[str, Postgresql | None]:
    """A configuration, and the server it needs, which is started for the first that does."""
    served = "postgres" in request.param
    return request.param, request.getfixturevalue("postgresql") if served else None


@pytest.fixture
async def town(site: tuple[str, Postgresql | None], tmp_path: Path) -> AsyncIterator[Town]:
    kind, server = site
    place = None
    made = {}
    if server is not None:
        templates = [LEFT, RIGHT] if "two" in kind else [WHOLE]
        made = {one: await server.create(one) for one in templates}
        urls = [server.dsn(name) for name in made.values()]
        place = DatabasePlace(url=urls[0], people_url=urls[1] if len(urls) > 1 else None)
    town = Town(tmp_path, two_files=kind == "two files", place=place)
    await town.open()
    yield town
    await town.house.close()
    if server is not None:
        for template, name in made.items():
            await server.give_back(template, name)


async def people(town: Town) -> tuple[Person, Person, str]:
    """Let Eve and Ben talk in a room, each with traces everywhere; return them and the room."""
    house = town.house
    for name in ("eve", "ben"):
        await make(house, name, "adult")
    await house.people.put([PersonRecord(user=CAT, age_band="adult")])
    now = town.clock.now
    await house.people.connect(EVE, BEN, "platform", now)
    await house.people.block(CAT, EVE, now)
    await house.people.block(EVE, CAT, now)
    await house.people.change(
        {CAT: {"guardian": EVE, "guardian_allows": (BEN, EVE)}, EVE: {"region": "FI"}}
    )
    eve, ben = Person(house, "eve"), Person(house, "ben")
    await eve.sign_in(device_name=DEVICE)
    await ben.sign_in()
    await eve.must("PUT", f"/profile/{quote(EVE)}/displayname", {"displayname": NAME})
    picture = await upload(house)
    await eve.must(
        "PUT", f"/profile/{quote(EVE)}/avatar_url", {"avatar_url": f"mxc://{SERVER}/{picture}"}
    )
    await upload(house)
    room = await eve.room_with([BEN])
    await ben.must("POST", f"/rooms/{quote(room)}/join", {})
    await eve.write(room, "to whom it was written")
    await ben.write(room, "an answer of some length")
    await eve.must("PUT", f"/user/{quote(EVE)}/account_data/org.example.note", {"a": 1})
    await eve.must("POST", f"/user/{quote(EVE)}/filter", {"room": {}})
    for name in (EVE, BEN):
        await publish_keys(house, name)
    await back_up(eve, room)
    await house.store.mailbox.reserve_contact(CAT, EVE, "$one", limit=3)
    await house.store.mailbox.close_contact(CAT, EVE, now + HOUR)
    return eve, ben, room


async def back_up(person: Person, room: str) -> None:
    """Let somebody back up the key of a session."""
    about = {"algorithm": "m.megolm_backup.v1", "auth_data": {"of": person.user}}
    version = (await person.must("POST", "/room_keys/version", about))["version"]
    key = {"first_message_index": 0, "forwarded_count": 0, "is_verified": True, "session_data": {}}
    await person.must("PUT", f"/room_keys/keys/{quote(room)}/s?version={version}", key)


async def publish_keys(house: House, name: str) -> None:
    """Let somebody have public keys of each kind, and sign Eve's and Ben's."""
    keys = house.store.device_keys
    state = await house.account_store.state(name)
    assert state is not None
    device = state.devices[0].id
    await keys.put_device_keys(name, device, name.encode())
    await keys.add_one_time_keys(name, device, [OneTimeKey("curve", "A", b"1")], 9)
    await keys.set_fallback_keys(name, device, [OneTimeKey("curve", "B", b"2")])
    await keys.put_cross_signing(name, {"master": b"{}"})
    signed = [SignatureRow(name, of, "MASTER", "ed25519:K", "s") for of in (EVE, BEN)]
    await keys.add_signatures(name, signed)


async def upload(house: House) -> str:
    """Let Eve upload a picture; return its id."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"a picture"

    facts = FileFacts(name="canary.png", type="image/png")
    return await house.media.uploads.take(EVE, pieces(), facts, announced=9)


async def shown(person: Person, room: str) -> list[Any]:
    answer = await person.must("GET", f"/rooms/{quote(room)}/messages?dir=b&limit=99")
    events: list[Any] = answer["chunk"]
    return events


async def check_gone(town: Town) -> None:
    """Look for Eve in every row of the people's side."""
    for table, rows in (await town.rows("people")).items():
        for row in rows:
            assert EVE not in repr(row), f"a row of {table}: {row}"
            assert NAME not in repr(row)
            assert DEVICE not in repr(row)
    accounts = await town.rows("people")
    for table in ("login", "slot", "session", "device", "token", "profile"):
        assert not [row for row in accounts[table] if row[0] == bucket(EVE)], table
    for table in ("device_key", "one_time_key", "fallback_key", "cross_key", "key_signature"):
        assert len(accounts[table]) == 1, f"Ben's own row of {table}"
    assert (await town.house.people.person(CAT)).guardian is None
    assert (await town.house.people.person(CAT)).guardian_allows == (BEN,)
    assert await town.house.people.blocks(CAT) == frozenset()
    assert await town.house.people.connections(BEN) == frozenset()


async def test_somebody_nobody_knows_cannot_be_erased(town: Town) -> None:
    with pytest.raises(NotFoundError):
        await town.house.erasing.begin(EVE, messages=False)
    assert await town.house.erasing.state(EVE) is None


async def test_at_once_no_session_is_left_and_nobody_takes_the_name(town: Town) -> None:
    eve, _, _ = await people(town)
    stood = await town.house.erasing.begin(EVE, messages=False)
    assert stood.done is None
    status, answer = await eve.call("GET", "/account/whoami")
    assert (status, answer["errcode"]) == (401, "M_UNKNOWN_TOKEN")
    for again in (False, True):
        if again:
            await town.finish()
        assert "errcode" in await Person(town.house, "eve").sign_in()
        assert not await town.house.people.exists(EVE)
        with pytest.raises(UserInUseError):
            await town.house.register.check_free("eve")
        with pytest.raises((UserInUseError, ErasedError)):
            await make(town.house, "eve", "adult")
        with pytest.raises(ErasedError):
            await town.house.people.claim(EVE, {"region": "FI"})
        with pytest.raises(ErasedError):
            await town.house.people.put([PersonRecord(user=EVE)])
        await town.house.people.connect(EVE, CAT, "accepted", town.clock.now)
        assert await town.house.people.connections(CAT) == frozenset()


async def test_afterwards_the_peoples_side_does_not_know_the_person(town: Town) -> None:
    await people(town)
    asked = await town.house.erasing.begin(EVE, messages=False)
    await town.finish()
    done = await town.house.erasing.begin(EVE, messages=True)
    assert done.asked == asked.asked
    assert done.done is not None
    await check_gone(town)
    assert (await town.rows("people"))["job"] == []
    # What comes later about somebody who is gone begins nothing new.
    await town.house.store.mailbox.close_contact(EVE, BEN, town.clock.now + HOUR)
    assert not await town.house.store.mailbox.reserve_contact(BEN, EVE, "$two", limit=3)
    await check_gone(town)
    await town.reopen()
    await check_gone(town)


async def test_no_byte_of_the_peoples_file_names_the_person(tmp_path: Path) -> None:
    town = Town(tmp_path, two_files=True, place=None)
    await town.open()
    await people(town)
    path = town.folder / "data"
    before = b"".join(each.read_bytes() for each in path.glob("people.db*"))
    assert EVE.encode() in before
    await town.house.erasing.begin(EVE, messages=False)
    await town.finish()
    after = b"".join(each.read_bytes() for each in path.glob("people.db*"))
    assert EVE.encode() not in after
    await town.house.close()


async def test_no_byte_in_the_peoples_database_names_the_person_once_it_is_cleaned(
    postgresql: Postgresql, tmp_path: Path
) -> None:
    names = [await postgresql.create(one) for one in (LEFT, RIGHT)]
    place = DatabasePlace(url=postgresql.dsn(names[0]), people_url=postgresql.dsn(names[1]))
    town = Town(tmp_path, two_files=False, place=place)
    await town.open()
    await people(town)
    assert EVE.encode() in await postgresql.files(names[1])
    await town.house.erasing.begin(EVE, messages=False)
    await town.finish()
    await town.house.close()
    con = await asyncpg.connect(place.people_url)
    await con.execute("VACUUM (FULL)")
    await con.close()
    assert EVE.encode() not in await postgresql.files(names[1])


async def test_others_keep_the_conversation_but_not_the_name(town: Town) -> None:
    _, ben, room = await people(town)
    await town.house.erasing.begin(EVE, messages=False)
    await town.finish()
    events = await shown(ben, room)
    texts = [one["content"].get("body") for one in events if one["type"] == "m.room.message"]
    assert texts == ["an answer of some length", "to whom it was written"]
    about = [one for one in events if one.get("state_key") == EVE]
    assert about[0]["content"] == {"membership": "leave"}
    assert NAME not in repr(events)
    members = await ben.must("GET", f"/rooms/{quote(room)}/joined_members")
    assert list(members["joined"]) == [BEN]
    wraps = await town.rows("conversations")
    eve = next(row for row in wraps["member"] if EVE in row)
    assert not [row for row in wraps["wrap"] if (row[0], row[1]) == eve[:2] and eve[2] == row[3]]
    await ben.write(room, "and it goes on without her.")
    status, _ = await ben.call("POST", f"/rooms/{quote(room)}/invite", {"user_id": EVE})
    assert status == 404


async def test_their_files_go_but_for_what_others_were_sent(town: Town) -> None:
    eve, ben, room = await people(town)
    house = town.house
    sent = await upload(house)
    content = {"msgtype": "m.image", "body": "x.png", "url": f"mxc://{SERVER}/{sent}"}
    await eve.must("PUT", f"/rooms/{quote(room)}/send/m.room.message/t1", content)
    blobs = house.media.blobs
    assert len([name async for name, _, _ in blobs.names("media")]) == 3
    await house.erasing.begin(EVE, messages=False)
    await town.finish()
    await check_gone(town)
    town.clock.now += 25 * HOUR
    await house.media.sweep.run()
    (left,) = [name async for name, _, _ in blobs.names("media")]
    record = await house.store.media.media(sent)
    assert record is not None
    assert record.blob == left
    # Who it was sent to still opens it.
    path = f"/_matrix/client/v1/media/download/{SERVER}/{sent}"
    assert await ben.caller.call("GET", path) == (200, b"a picture")


async def test_where_it_is_asked_for_all_that_the_person_wrote_is_redacted(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Several steps for one conversation.
    monkeypatch.setattr(farewell, "AT_ONCE", 9)
    eve, ben, room = await people(town)
    for number in range(25):
        await eve.must(
            "PUT", f"/rooms/{quote(room)}/send/m.room.message/t{number}",
            {"msgtype": "m.text", "body": f"number {number}"},
        )  # fmt: skip
    await town.house.erasing.begin(EVE, messages=True)
    await town.finish()
    events = await shown(ben, room)
    seen = {one["content"].get("body") for one in events if one["type"] == "m.room.message"}
    assert seen <= {"an answer of some length", None}
    hers = [one for one in events if one["sender"] == EVE and one["type"] == "m.room.message"]
    assert hers
    assert all(one["content"] == {} for one in hers)
    found = await ben.must("GET", "/sync")
    assert "number 3" not in repr(found)
    await check_gone(town)


async def test_killed_after_every_step_it_goes_on_by_itself(town: Town) -> None:
    _, ben, room = await people(town)
    await town.house.erasing.begin(EVE, messages=True)
    steps = 0
    while True:
        job = await town.house.store.jobs.claim(town.clock.now, LEASE_MS)
        if job is None:
            break
        steps += 1
        assert steps < 60
        after = await town.house.erasing.step(job, town.clock.now)
        if steps % 4 == 0:
            await town.reopen()
        elif after is not None:
            town.clock.now += LEASE_MS + 1
    assert steps > 12
    await check_gone(town)
    ben = again(town.house, ben)
    assert [one for one in await shown(ben, room) if one.get("state_key") == EVE]


def again(house: House, person: Person) -> Person:
    """Return the same client at a house that was opened anew."""
    found = Person(house, person.name)
    found.caller.token = person.caller.token
    return found


async def test_somebody_whom_only_the_platform_named_is_erased_too(town: Town) -> None:
    await town.house.people.put([PersonRecord(user=EVE, age_band="13-15", region="FI")])
    await town.house.erasing.begin(EVE, messages=False)
    await town.finish()
    for rows in (await town.rows("people")).values():
        assert EVE not in repr(rows)


async def test_rows_that_somebody_changed_without_the_key_do_not_stop_it(town: Town) -> None:
    await people(town)
    sql = "UPDATE {} SET mac = (SELECT mac FROM account WHERE user_id LIKE '@ben%')"
    for table in ("account", "connection"):
        where = f" WHERE user_id = '{EVE}'"
        await execute(town, sql.format(table) + where, people=True)
    await town.house.erasing.begin(EVE, messages=False)
    await town.finish()
    rows = await town.rows("people")
    assert not [row for row in rows["account"] if EVE in row]
    assert rows["connection"] == []


async def test_nothing_is_deleted_while_others_still_see_the_person_among_them(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, ben, room = await people(town)

    async def keep(*_: Any, **__: Any) -> Any:
        raise NoEscrowSetError

    with monkeypatch.context() as patched:
        patched.setattr(Keeper, "keep", keep)
        await town.house.erasing.begin(EVE, messages=False)
        for _ in range(4):
            await town.house.work.go_on(seconds=5)
            town.clock.now += 61_000
        stood = await town.house.erasing.state(EVE)
        assert stood is not None
        assert stood.done is None
        assert EVE in repr(await town.rows("people"))
    await town.finish()
    await check_gone(town)
    members = await ben.must("GET", f"/rooms/{quote(room)}/joined_members")
    assert list(members["joined"]) == [BEN]


async def test_a_hold_keeps_the_wraps_of_its_conversation_until_it_ends(town: Town) -> None:
    _, _, room = await people(town)
    await hold(town, room)
    await town.house.erasing.begin(EVE, messages=False)
    await town.finish()
    rows = await town.rows("conversations")
    eve = next(row for row in rows["member"] if EVE in row)
    assert [row for row in rows["wrap"] if row[:2] == eve[:2] and row[3] == eve[2]]
    # Nobody is told that there is a hold, and the job names nobody in clear.
    await check_gone(town)
    assert len((await town.rows("people"))["job"]) == 1
    await release(town)
    town.clock.now += HOUR + 1
    await town.house.work.go_on(seconds=5)
    rows = await town.rows("conversations")
    assert not [row for row in rows["wrap"] if row[:2] == eve[:2] and row[3] == eve[2]]
    assert (await town.rows("people"))["job"] == []


async def hold(town: Town, room: str) -> None:
    rows = await town.rows("conversations")
    conv = next(row for row in rows["conv"] if room in row)
    at = (conv[0], conv[1], "hold", 1, 99, None, 192, b"m" * 32)
    said = f"INSERT INTO frozen VALUES {at!r}"  # noqa: S608
    await execute(town, said.replace("None", "NULL"))


async def release(town: Town) -> None:
    await execute(town, "DELETE FROM frozen")


async def execute(town: Town, statement: str, *, people: bool = False) -> None:
    """Change the database from outside."""
    store = town.house.store
    if isinstance(store, PostgresStore):
        assert town.place is not None
        apart = town.place.people_url if people else None
        con = await asyncpg.connect(apart or town.place.url)
        await con.execute(statement.replace("b'" + "m" * 32 + "'", "'" + "m" * 32 + "'"))
        await con.close()
        return
    await asyncio.to_thread(_execute, store.paths[1 if people else 0], statement)


def _execute(path: Path, statement: str) -> None:
    con = sqlite3.connect(path)
    with con:
        con.execute(statement.replace("b'", "x'").replace("m" * 32, "6d" * 32))
    con.close()


async def test_the_desk_forgets_who_reported_and_keeps_a_case_about_them_until_it_is_decided(
    town: Town,
) -> None:
    await people(town)
    desk = town.house.store.desk
    filed = case("case_b", subject=BEN, victims=(EVE,), state=CaseState.CLOSED)
    about, _ = await desk.commit(
        DeskChange(
            cases=(case(subject=EVE, victims=()), filed),
            reports=(report(reporter=BEN, subject=EVE), report("rep_b", "case_b", reporter=EVE)),
            events=(happened(actor=BEN), happened(case="case_b", actor=EVE)),
            notices=(told(user=EVE),),
        )
    )
    await town.house.erasing.begin(EVE, messages=False)
    await town.finish()
    assert [(one.reporter, one.note) for one in await desk.reports("case_b")] == [("", "")]
    assert await desk.notices(EVE, town.clock.now) == []
    assert len(await desk.reports("case_a")) == 1
    # The job waits for the case, also over a restart.
    await town.reopen()
    desk = town.house.store.desk
    await desk.commit(DeskChange(cases=(replace(about, state=CaseState.DECIDED),)))
    town.clock.now += HOUR + 1
    await town.house.sweep_work()
    assert await desk.case("case_a") is None
    assert await desk.reports_by(BEN, 0) == []
    assert await desk.case("case_b") is not None
    assert (await town.rows("people"))["job"] == []
