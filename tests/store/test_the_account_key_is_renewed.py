"""A new generation of the account key: everything opens meanwhile, nothing under the old after."""

import secrets
import sqlite3
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from tests.store.desk_making import REPORTERS, whole_change
from tests.store.desk_making import report as desk_report
from tests.store.houses import House
from tests.store.making import ALICE, BOB, event, found, member_event, say
from tests.store.postgres_houses import PostgresHouse
from tests.store.test_accounts_store import CANARY, full
from tests.store.test_files_are_kept import file as make_file
from tests.store.test_staff_accounts_are_kept import ROBIN, passkey, token
from tests.store.test_the_outer_key_is_replaced import cleaned

from halfdoor.accounts.changes import change_of
from halfdoor.accounts.records import Block, Connection, LoginToken
from halfdoor.accounts.staff_store import StaffChange
from halfdoor.accounts.store import AccountState
from halfdoor.apps.work import LEASE_MS, Work
from halfdoor.e2ee.key_backup_store import Description, KeptKey
from halfdoor.e2ee.key_store import DeviceCounts, OneTimeKey, SignatureRow
from halfdoor.e2ee.to_device_store import Parcel
from halfdoor.messaging.ledger import Append
from halfdoor.messaging.mailbox import AccountData
from halfdoor.messaging.media_store import CaseBlob
from halfdoor.readers.review.records import Task
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.outer import OuterKeys, RowMacError, unwrap_data_key
from halfdoor.store.freezes import Freeze, check_freeze, freeze_mac
from halfdoor.store.jobs import Job
from halfdoor.store.media_rows import media_text
from halfdoor.store.migrate import migration_files
from halfdoor.store.postgres.accounts import PostgresAccounts
from halfdoor.store.postgres.opening import PostgresStore
from halfdoor.store.renewable import TABLES, Table
from halfdoor.store.renewal import BATCH, QUEUE, AccountKeyRenewal
from halfdoor.store.retired import Retired, checked, retired_mac
from halfdoor.store.sqlite.accounts import SqliteAccounts

CAROL = "@carol:a.example"
NOW = 1_790_000_000_000


def accounts(house: House) -> SqliteAccounts | PostgresAccounts:
    store = house.store
    if isinstance(store, PostgresStore):
        return PostgresAccounts(store.database, store.keys)
    return SqliteAccounts(store.database, store.keys)


async def fill(house: House) -> str:
    """Put rows into every table; return the id of a conversation."""
    at = await found(house.store, ALICE, BOB)
    at = await say(house.store, at, event(at.conv, ALICE, (BOB,)))
    store = accounts(house)
    for user in (ALICE, BOB):
        await store.commit(full(user))
        await store.set_profile(user, {"displayname": CANARY.decode()})
        await store.put_block(Block(user=user, peer=CAROL, since=NOW))
        data = AccountData(room="", type="m.direct", body=CANARY, sealed=False, pos=0)
        await house.store.mailbox.set_account_data(user, data)
    await store.put_connections([Connection(a=ALICE, b=BOB, source="platform", since=NOW)])
    await store.put_login_token(LoginToken(lookup=b"l" * 32, user=ALICE, expires=NOW + 99))
    parcel = Parcel(BOB, "m.dummy", "r", {"*": b'"' + CANARY + b'"'})
    assert await house.store.to_device.put(ALICE, parcel, 1) is not None
    avatar = await make_file(house.store)
    await house.store.media.show(ALICE, avatar, CANARY)
    device_keys = house.store.device_keys
    await device_keys.put_device_keys(ALICE, "D", CANARY)
    await device_keys.add_one_time_keys(ALICE, "D", [OneTimeKey("curve", "A", CANARY)], 9)
    await device_keys.set_fallback_keys(ALICE, "D", [OneTimeKey("curve", "B", CANARY)])
    await device_keys.put_cross_signing(ALICE, {"master": b"{}"})
    await device_keys.add_signatures(BOB, [SignatureRow(BOB, ALICE, "D", "ed25519:K", "s")])
    backups = house.store.key_backups
    version = await backups.create(ALICE, "D", Description("m.backup", {"key": CANARY.decode()}))
    await backups.put(ALICE, "D", version, [KeptKey("!room", "session", CANARY)])
    copy = await house.store.media.keep_for_case("case_a", avatar, NOW)
    await house.store.media.kept_for_case(CaseBlob("case_a", avatar, copy, 9, b"d" * 32))
    links = (token("session", b"s" * 32),)
    await house.store.staff.commit(
        StaffChange(staff=ROBIN, passkeys=(passkey(b"p" * 32),), adds=links)
    )
    # Its task is work that nobody takes yet.
    later = Task(id="task_a", queue="enforce", run_at=NOW * 2, payload=b"what to do")
    await house.store.desk.commit(whole_change(tasks=(later,)))
    return at.conv


async def check_readable(house: House, conv: str) -> None:
    """Read everything that lies under the account key, as requests do."""
    store = accounts(house)
    state = await store.state(ALICE)
    assert state is not None
    assert state.login is not None
    assert len(state.sessions) == len(state.devices) == 2
    assert await store.persons([ALICE, BOB])
    assert (await store.public_keys([BOB]))[BOB] == CANARY
    assert set(await store.connections(BOB)) == {ALICE}
    assert set(await store.blocks(ALICE)) == {CAROL}
    assert await store.profile(ALICE) == {"displayname": CANARY.decode()}
    data = await house.store.mailbox.one_account_data(ALICE, "", "m.direct")
    assert data is not None
    assert data.body == CANARY
    assert [place.conv for place in await house.store.mailbox.places(BOB)] == [conv]
    ((avatar,),) = await house.ask("SELECT media_id FROM avatar", people=True)
    assert await house.store.media.avatar_key(media_text(avatar)) == CANARY
    (copy,) = await house.store.media.case_blobs("case_a")
    assert copy.media_id == media_text(avatar)
    device_keys = house.store.device_keys
    found_keys = (await device_keys.keys_of([ALICE]))[ALICE]
    assert (found_keys.devices["D"], found_keys.cross["master"]) == (CANARY, b"{}")
    assert await device_keys.counts(ALICE, "D") == DeviceCounts({"curve": 1}, ("curve",))
    assert len(await device_keys.signatures(BOB, [ALICE])) == 1
    (backup,) = await house.store.key_backups.backups(ALICE)
    assert backup.about.auth_data == {"key": CANARY.decode()}
    backed_up = await house.store.key_backups.key(ALICE, backup.version, "!room", "session")
    assert backed_up == CANARY
    staff = house.store.staff
    assert await staff.member(ROBIN.id)
    assert await staff.passkey(b"p" * 32)
    assert await staff.token("session", b"s" * 32)
    desk = house.store.desk
    assert await desk.reports("case_a") == [desk_report()]
    assert len(await desk.evidence("case_a")) == len(await desk.events("case_a")) == 1
    assert len(await desk.staff_log(0, 9)) == len(await desk.notices(REPORTERS[0], NOW)) == 1
    at = await house.store.conversations.room(conv)
    assert at is not None
    # Writing reads the members' rows under their macs.
    await say_in(house, conv)


async def say_in(house: House, conv: str) -> None:
    told = await house.store.mailbox.tell(ALICE, 8, "")
    assert told.pos > 0
    receipt_of = await house.store.mailbox.set_read(BOB, conv, 1)
    assert receipt_of.user == BOB


def work(house: House) -> Work:
    return Work(house.store.jobs, {QUEUE: house.store.renewal}, house.clock)


async def finish(house: House) -> None:
    """Let all that is due be done, also what waits for other servers."""
    for _ in range(9):
        await work(house).go_on(seconds=30)
        if await house.store.renewal.progress() is None:
            return
        house.clock.now += 700_000
    raise AssertionError("the renewal does not come to its end")


async def rows(house: House, table: Table) -> Sequence[Any]:
    store: Any = house.store.renewal._store
    found: Sequence[Any] = await store.read(table, table.before, 999)
    return found


async def account_key(house: House, generation: int) -> bytes | None:
    """Return a generation of the account key as who holds the outer key finds it in the files."""
    outer = (house.folder / "keys" / "outer.key").read_bytes()
    for number, wrapped in await house.ask("SELECT generation, wrapped FROM data_key"):
        if number == generation:
            return unwrap_data_key(outer, number, bytes(wrapped))
    return None


async def test_every_table_holds_a_row_so_that_this_file_tests_them(house: House) -> None:
    await fill(house)
    await house.store.renewal.begin(house.clock.now_ms())
    empty = {table.name for table in TABLES if not await rows(house, table)}
    assert empty <= {"retired", "frozen"}


async def test_afterwards_nothing_lies_under_the_old_generation_which_is_gone(
    house: House,
) -> None:
    conv = await fill(house)
    old = await account_key(house, 1)
    secrets_before = house.store.secrets()
    assert old is not None
    await house.store.renewal.begin(house.clock.now_ms())
    await finish(house)
    assert house.store.keys.account == 2
    assert house.store.keys.former_accounts == []
    assert await account_key(house, 1) is None
    thief = OuterKeys({1: old})
    for table in TABLES:
        for row in await rows(house, table):
            for value in row:
                assert not (isinstance(value, bytes) and value[:2] == b"\0\1" and len(value) > 33)
    for name, sealed in await house.ask("SELECT name, sealed FROM secret"):
        with pytest.raises(Denied):
            thief.open("secret", "entity", [name], bytes(sealed))
    await check_readable(house, conv)
    await house.reopen()
    assert house.store.secrets() == secrets_before
    await check_readable(house, conv)


async def test_no_file_keeps_the_old_generation_nor_what_it_sealed(house: House) -> None:
    await fill(house)
    asked = "SELECT wrapped FROM data_key WHERE generation = 1"
    ((wrapped,),) = await house.ask(asked)
    accounts_before = await house.ask("SELECT sealed FROM account", people=True)
    assert bytes(wrapped) in await house.raw()
    await house.store.renewal.begin(house.clock.now_ms())
    await finish(house)
    raw = await cleaned(house, [bytes(wrapped)])
    assert bytes(wrapped) not in raw
    if not isinstance(house.store, PostgresStore):
        # The server cleans its files of deleted rows in its own time (decision 0012).
        assert not any(bytes(sealed) in raw for (sealed,) in accounts_before)


async def test_a_mac_of_the_old_generation_convinces_nobody_afterwards(house: House) -> None:
    conv = await fill(house)
    ((before,),) = await house.ask("SELECT mac FROM member WHERE user_id = ?", BOB)
    await house.store.renewal.begin(house.clock.now_ms())
    await finish(house)
    await house.change("UPDATE member SET mac = ? WHERE user_id = ?", bytes(before), BOB)
    with pytest.raises(RowMacError):
        await house.store.conversations.append(await leaving(house, conv))


async def leaving(house: House, conv: str) -> Any:
    room = await house.store.conversations.room(conv)
    assert room is not None
    head = room.head
    return Append(conv, (head.hh, head.revision), (member_event(conv, BOB, BOB, "leave"),))


class KilledError(Exception):
    """Stands for a process that ends."""


async def test_killed_at_every_step_it_goes_on_where_it_stood(house: House) -> None:
    conv = await fill(house)
    await house.store.renewal.begin(house.clock.now_ms())
    steps, seen = 0, 0

    class OneStep:
        async def step(self, job: Job, now: int) -> Job | None:
            nonlocal steps
            steps += 1
            await house.store.renewal.step(job, now)
            raise KilledError

    while (at := await house.store.renewal.progress()) is not None:
        assert at.rows >= seen, "it went back"
        seen = at.rows
        with pytest.raises(KilledError):
            await killed_work(house, OneStep())
        # The job stays with the dead until its lease ends.
        house.clock.now += LEASE_MS + 1
        if at.waits_until:
            house.clock.now = max(house.clock.now, at.waits_until)
        if steps % 5 == 0:
            await house.reopen()
            await check_readable(house, conv)
        assert steps < 200
    assert house.store.keys.former_accounts == []
    assert steps > len(TABLES) * 2
    await check_readable(house, conv)


async def killed_work(house: House, worker: Any) -> None:
    job = await house.store.jobs.claim(house.clock.now_ms(), LEASE_MS)
    assert job is not None
    await worker.step(job, house.clock.now_ms())


async def test_everything_is_read_and_written_at_every_moment(house: House) -> None:
    conv = await fill(house)
    store = accounts(house)
    await house.store.renewal.begin(house.clock.now_ms())
    number = 0

    class Beside:
        """Reads and writes between any two steps."""

        async def step(self, job: Job, now: int) -> Job | None:
            nonlocal number
            number += 1
            after = await house.store.renewal.step(job, now)
            await check_readable(house, conv)
            state = await store.state(ALICE)
            assert isinstance(state, AccountState)
            account = replace(state.account, public=CANARY)
            await store.commit(replace(change_of(state), account=account))
            await store.set_profile(BOB, {"displayname": f"Ben {number}"})
            return after

    doing = Work(house.store.jobs, {QUEUE: Beside()}, house.clock)
    for _ in range(9):
        await doing.go_on(seconds=60)
        house.clock.now += 700_000
    assert await house.store.renewal.progress() is None
    assert house.store.keys.former_accounts == []
    await check_readable(house, conv)
    assert await store.profile(BOB) == {"displayname": f"Ben {number}"}


async def test_more_rows_than_one_batch_are_all_renewed(house: House) -> None:
    await fill(house)
    store = accounts(house)
    for number in range(BATCH * 2 + 3):
        peer = f"@peer{number}:a.example"
        await store.put_block(Block(user=ALICE, peer=peer, since=NOW))
    await house.store.renewal.begin(house.clock.now_ms())
    await finish(house)
    assert len(await store.blocks(ALICE)) == BATCH * 2 + 4


def test_no_table_with_a_mac_is_forgotten() -> None:
    con = sqlite3.connect(":memory:")
    for file in migration_files():
        con.executescript(file.read_text())
    tables = [row[0] for row in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    with_mac = {
        table
        for table in tables
        if "mac" in {row[1] for row in con.execute(f"PRAGMA table_info({table})")}
    }
    con.close()
    desk = {one for one in tables if one.startswith("desk_")}
    people = {"account_data", "avatar", "key_backup", "key_backup_key", "todev"}
    sealed_alone = {*people, "job", "case_blob", *desk}
    assert with_mac | sealed_alone == {table.name for table in TABLES}


async def test_what_retention_and_holds_say_of_a_conversation_stays_valid(house: House) -> None:
    conv = await fill(house)
    ((cb, c),) = await house.ask("SELECT cb, c FROM conv WHERE conv_id = ?", conv)
    ended = Retired(epoch=2, seq=5, chain=b"c" * 32, deleted=3, kept=1, links=b"l" * 32)
    hold = Freeze("a hold", 1, 2, None, 192)
    keys = house.store.keys
    await house.change(
        "INSERT INTO retired (cb, c, epoch, seq, chain, deleted, kept, links, mac, told)"
        " VALUES (?, ?, 2, 5, ?, 3, 1, ?, ?, 0)",
        *(cb, c, ended.chain, ended.links, retired_mac(keys, conv, ended)),
    )
    await house.change(
        "INSERT INTO frozen (cb, c, hold, first_epoch, last_epoch, until, generation, mac)"
        " VALUES (?, ?, 'a hold', 1, 2, NULL, 192, ?)",
        *(cb, c, freeze_mac(keys, conv, hold)),
    )
    await house.store.renewal.begin(house.clock.now_ms())
    await finish(house)
    keys = house.store.keys
    (row,) = await house.ask("SELECT epoch, seq, chain, deleted, kept, links, mac FROM retired")
    assert checked(keys, conv, [bytes(v) if not isinstance(v, int) else v for v in row]) == ended
    ((mac,),) = await house.ask("SELECT mac FROM frozen")
    assert check_freeze(keys, conv, hold, bytes(mac)) == hold
    await house.change("DELETE FROM retired")
    await house.change("DELETE FROM frozen")


async def test_a_changed_row_is_not_made_valid_by_it(house: House) -> None:
    await fill(house)
    forged = secrets.token_bytes(32)
    await house.change("UPDATE account SET mac = ? WHERE user_id = ?", forged, BOB, people=True)
    await house.store.renewal.begin(house.clock.now_ms())
    for _ in range(3):
        await work(house).go_on(seconds=30)
        at = await house.store.renewal.progress()
        if at is not None:
            assert at.refused <= 1
        house.clock.now += 700_000
    assert await house.store.renewal.progress() is None
    with pytest.raises(RowMacError):
        await accounts(house).public_keys([BOB])
    assert (await accounts(house).public_keys([ALICE]))[ALICE] == CANARY


async def test_asked_twice_there_is_one_new_generation(house: House) -> None:
    await fill(house)
    for _ in range(3):
        await house.store.renewal.begin(house.clock.now_ms())
    await finish(house)
    assert house.store.keys.account == 2
    await house.store.renewal.begin(house.clock.now_ms())
    await finish(house)
    assert house.store.keys.account == 3


async def test_only_one_worker_has_the_job(house: House) -> None:
    await house.store.renewal.begin(house.clock.now_ms())
    mine = await house.store.jobs.claim(house.clock.now_ms(), LEASE_MS)
    assert mine is not None
    assert await house.store.jobs.claim(house.clock.now_ms(), LEASE_MS) is None
    house.clock.now += LEASE_MS + 1
    theirs = await house.store.jobs.claim(house.clock.now_ms(), LEASE_MS)
    assert theirs is not None
    assert theirs.attempts == 2
    with pytest.raises(Exception, match="another worker"):
        await house.store.renewal.step(mine, house.clock.now_ms())
    assert await house.store.renewal.step(theirs, house.clock.now_ms()) is not None


async def test_another_server_reads_what_is_renewed_and_writes_what_can_be_read(
    served: PostgresHouse,
) -> None:
    conv = await fill(served)
    other = await served.open_with(served.key)
    theirs = PostgresAccounts(other.database, other.keys)
    assert isinstance(served.store.renewal, AccountKeyRenewal)
    await served.store.renewal.begin(served.clock.now_ms())
    job = await served.store.jobs.claim(served.clock.now_ms(), LEASE_MS)
    while job is not None and job.run_at <= served.clock.now_ms():
        job = await served.store.renewal.step(job, served.clock.now_ms())
    # It waits: the other server may not have looked yet.
    assert job is not None
    assert served.store.keys.former_accounts == [1]
    assert other.keys.account == 1
    # What it writes under the old generation is not lost.
    await theirs.set_profile(BOB, {"displayname": "Ben"})
    assert await theirs.state(ALICE) is not None
    assert other.keys.account == 2
    assert [place.conv for place in await other.mailbox.places(BOB)] == [conv]
    served.clock.now += 700_000
    await finish(served)
    assert served.store.keys.former_accounts == []
    assert await accounts(served).profile(BOB) == {"displayname": "Ben"}
    await other.keys.refresh(other.database)
    assert await theirs.profile(BOB) == {"displayname": "Ben"}
    await other.close()
