"""The account tables: what was changed, moved or copied from outside is refused."""

import logging

import pytest
from msgspec.structs import replace
from tests.store.houses import House as AnyHouse

from halfdoor import ids
from halfdoor.accounts.changes import change_of
from halfdoor.accounts.errors import ConflictError
from halfdoor.accounts.records import (
    AccountRecord,
    Block,
    Connection,
    DeviceRecord,
    FormerKey,
    LoginRecord,
    LoginToken,
    PendingRecord,
    PersonRecord,
    SessionRecord,
    SlotRecord,
    StartOverRecord,
    TokenRecord,
)
from halfdoor.accounts.store import AccountState, Change, Seen
from halfdoor.sealing.outer import RowMacError
from halfdoor.store.postgres.accounts import PostgresAccounts
from halfdoor.store.postgres.opening import PostgresStore
from halfdoor.store.sqlite.accounts import SqliteAccounts

ALICE, BOB = "@alice:a.example", "@bob:a.example"
CANARY = b"canary-of-a-secret-in-a-row"
NOW = 1_795_000_000_000


class House:
    """The accounts of a store, which can be changed from outside and opened again."""

    def __init__(self, house: AnyHouse) -> None:
        self.house = house
        self.store: SqliteAccounts | PostgresAccounts
        self._take()

    def _take(self) -> None:
        opened = self.house.store
        if isinstance(opened, PostgresStore):
            self.store = PostgresAccounts(opened.database, opened.keys)
        else:
            self.store = SqliteAccounts(opened.database, opened.keys)

    async def reopen(self) -> None:
        await self.house.reopen()
        self._take()

    async def cheat(self, statement: str, *values: object) -> int:
        """Change the database as somebody does who can write it and has no key."""
        changed = await self.house.change(statement, *values, people=True)
        self._take()
        return changed


@pytest.fixture(name="house")
def accounts(house: AnyHouse) -> House:
    return House(house)


def full(user: str) -> Change:
    """Return an account with a row in every table."""
    name = user[1:4]
    kid, other = name.encode() * 8, b"former--" * 4
    return Change(
        account=AccountRecord(user=user, created=NOW, kid=kid, public=CANARY),
        expects=None,
        login=LoginRecord(salt=CANARY, verifier=CANARY),
        put_slots=(SlotRecord(name="pw", kid=kid, blob=CANARY, salt=CANARY),),
        put_sessions=(
            SessionRecord(id=f"{name}-S", device="D", created=NOW, last_used=NOW, kid=kid),
            SessionRecord(id=f"{name}-W", device="E", created=NOW, last_used=NOW),
        ),
        put_devices=(
            DeviceRecord(id="D", session=f"{name}-S", created=NOW, display_name=CANARY.decode()),
            DeviceRecord(id="E", session=f"{name}-W", created=NOW),
        ),
        put_tokens=(
            TokenRecord(
                lookup=kid,
                session=f"{name}-S",
                kind="acc",
                pair=0,
                kid=kid,
                blob=CANARY,
                expires=NOW + 5,
            ),
        ),
        put_pending=(
            PendingRecord(session=f"{name}-W", device="E", kid=kid, public=CANARY, asked=NOW),
        ),
        put_former=(
            FormerKey(
                kid=other,
                public=CANARY,
                next_kid=kid,
                closed=NOW,
                readable_until=NOW + 9,
                blob=CANARY,
            ),
        ),
        start_over=StartOverRecord(
            session=f"{name}-W", asked=NOW, due=NOW, kid=kid, public=CANARY, approval=CANARY
        ),
        person=PersonRecord(user=user, age_band="13-15", guardian=CANARY.decode()),
    )


async def fill(house: House) -> AccountState:
    for user in (ALICE, BOB):
        await house.store.commit(full(user))
        await house.store.set_profile(user, {"displayname": CANARY.decode()})
        await house.store.put_block(Block(user=user, peer="@carol:a.example", since=NOW))
    await house.store.put_connections([Connection(a=ALICE, b=BOB, source="platform", since=NOW)])
    state = await house.store.state(ALICE)
    assert state is not None
    return state


async def read_all(house: House, user: str) -> None:
    """Read everything that is about *user*."""
    await house.store.state(user)
    await house.store.persons([user])
    await house.store.public_keys([user])
    await house.store.connections(user)
    await house.store.blocks(user)
    await house.store.profile(user)


TABLES = [
    "account", "login", "slot", "session", "device", "token", "pending", "former_key",
    "start_over", "person", "connection", "block", "profile",
]  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
async def test_a_row_whose_words_or_mac_were_changed_is_refused_with_an_alarm(
    house: House, table: str, caplog: pytest.LogCaptureFixture
) -> None:
    await fill(house)
    ub = ids.bucket(ALICE)
    read = "SELECT sealed, mac FROM TABLE WHERE ub = ? LIMIT 1".replace("TABLE", table)
    ((sealed, mac),) = await house.house.ask(read, ub, people=True)
    # The row is found again by what of it is not changed.
    for column, other, before, kept in (
        ("sealed", "mac", sealed, mac),
        ("mac", "sealed", mac, sealed),
    ):
        write = "UPDATE TABLE SET COLUMN = ? WHERE ub = ? AND OTHER = ?"
        write = write.replace("TABLE", table).replace("COLUMN", column).replace("OTHER", other)
        assert await house.cheat(write, bytes(len(before)), ub, kept) == 1
        caplog.clear()
        with pytest.raises(RowMacError):
            await read_all(house, ALICE)
        assert [one.name for one in caplog.records] == ["halfdoor.alarm"]
        assert caplog.records[0].levelno == logging.CRITICAL
        assert ALICE in caplog.text
        await read_all(house, BOB)
        assert await house.cheat(write, before, ub, kept) == 1
        await read_all(house, ALICE)


@pytest.mark.parametrize("table", TABLES)
async def test_a_row_of_another_person_is_refused_in_its_new_place(
    house: House, table: str
) -> None:
    await fill(house)
    mine, theirs = ids.bucket(ALICE), ids.bucket(BOB)
    copy = "UPDATE TABLE SET (sealed, mac) = (SELECT sealed, mac FROM TABLE WHERE ub = ? LIMIT 1)"
    changed = await house.cheat(copy.replace("TABLE", table) + " WHERE ub = ?", theirs, mine)
    assert changed > 0
    with pytest.raises(RowMacError):
        await read_all(house, ALICE)


async def test_a_token_row_that_was_given_to_another_person_is_refused(house: House) -> None:
    state = await fill(house)
    lookup = state.tokens[0].lookup
    await house.cheat(
        "UPDATE token SET ub = ?, user_id = ? WHERE lookup = ?", ids.bucket(BOB), BOB, lookup
    )
    with pytest.raises(RowMacError):
        await house.store.find_token(ids.bucket(BOB), lookup)


async def test_a_session_put_under_another_name_or_back_in_another_table_is_refused(
    house: House,
) -> None:
    await fill(house)
    await house.cheat("UPDATE session SET session = session || 'x'")
    with pytest.raises(RowMacError):
        await house.store.state(ALICE)


async def test_a_connection_that_somebody_made_up_is_refused(house: House) -> None:
    await fill(house)
    await house.cheat(
        "INSERT INTO connection (ub, user_id, peer, sealed, mac)"
        " SELECT ub, user_id, '@mallory:a.example', sealed, mac FROM connection WHERE ub = ?",
        ids.bucket(ALICE),
    )
    with pytest.raises(RowMacError):
        await house.store.connections(ALICE)


async def test_a_login_token_made_out_to_another_person_is_refused(house: House) -> None:
    mine = LoginToken(lookup=bytes(32), user=ALICE, expires=NOW)
    await house.store.put_login_token(mine)
    await house.store.put_login_token(LoginToken(lookup=b"b" * 32, user=BOB, expires=NOW))
    await house.cheat(
        "UPDATE login_token SET (sealed, mac) ="
        " (SELECT sealed, mac FROM login_token WHERE ub = ? LIMIT 1) WHERE ub = ?",
        ids.bucket(BOB),
        ids.bucket(ALICE),
    )
    with pytest.raises(RowMacError):
        await house.store.take_login_token(ids.bucket(ALICE), bytes(32))
    # The attempt used it up.
    assert await house.store.take_login_token(ids.bucket(ALICE), bytes(32)) is None


async def test_a_copy_of_the_files_shows_nothing_that_was_written(house: House) -> None:
    await fill(house)
    await house.house.store.close()
    copied = await house.house.raw()
    for secret in (CANARY, b"13-15", CANARY.hex().encode()):
        assert secret not in copied
    assert ALICE.encode() in copied  # Who has an account is not hidden (THREATS.md).


async def test_a_change_that_decided_on_an_older_account_changes_nothing(house: House) -> None:
    state = await fill(house)
    renamed = replace(state.devices[0], display_name="new")
    change = replace(change_of(state), put_devices=(renamed,))
    await house.store.commit(change)
    after = await house.store.state(ALICE)
    late = replace(change, drop_login=True, drop_sessions=("ali-S",))
    for stale in (late, full(ALICE), replace(late, expects=99)):
        with pytest.raises(ConflictError):
            await house.store.commit(stale)
    assert await house.store.state(ALICE) == after
    missing = AccountRecord(user="@nobody:a.example", created=NOW)
    with pytest.raises(ConflictError):
        await house.store.commit(Change(account=missing, expects=0))


async def test_everything_is_there_again_after_a_restart(house: House) -> None:
    state = await fill(house)
    assert state.account.revision == 0
    await house.reopen()
    assert await house.store.state(ALICE) == state
    assert state == AccountState(
        account=replace(full(ALICE).account, revision=0),
        login=full(ALICE).login,
        slots=full(ALICE).put_slots,
        sessions=full(ALICE).put_sessions,
        devices=full(ALICE).put_devices,
        tokens=full(ALICE).put_tokens,
        pending=full(ALICE).put_pending,
        former=full(ALICE).put_former,
        start_over=full(ALICE).start_over,
    )
    assert await house.store.persons([ALICE, "@x:a.example"]) == {ALICE: full(ALICE).person}
    assert await house.store.profile(ALICE) == {"displayname": CANARY.decode()}
    assert await house.store.public_keys([ALICE, "@x:a.example"]) == {
        ALICE: CANARY,
        "@x:a.example": None,
    }


async def test_dropping_a_session_takes_its_tokens_its_wait_and_its_wish(house: House) -> None:
    state = await fill(house)
    change = replace(change_of(state), drop_sessions=("ali-S", "ali-W"), drop_devices=("D", "E"))
    await house.store.commit(change)
    after = await house.store.state(ALICE)
    assert after is not None
    assert (after.sessions, after.devices, after.tokens) == ((), (), ())
    assert (after.pending, after.start_over) == ((), None)
    assert after.former == state.former
    other = await house.store.state(BOB)
    assert other is not None
    assert len(other.sessions) == 2
    assert len(other.tokens) == 1


async def test_a_token_is_found_in_its_own_bucket_alone(house: House) -> None:
    state = await fill(house)
    lookup, ub = state.tokens[0].lookup, ids.bucket(ALICE)
    assert await house.store.find_token(ub, lookup) == (ALICE, state)
    assert await house.store.find_token(ub, bytes(32)) is None
    assert await house.store.find_token((ub + 1) % ids.BUCKETS, lookup) is None


async def test_use_is_noted_without_a_new_revision_and_never_backwards(house: House) -> None:
    state = await fill(house)
    await house.store.seen(ALICE, Seen("ali-S", "D", NOW + 9, "192.0.2.1"))
    await house.store.seen(ALICE, Seen("ali-S", "D", NOW + 3, "192.0.2.1"))
    await house.store.seen(ALICE, Seen("gone", "D", NOW + 99, "192.0.2.1"))
    after = await house.store.state(ALICE)
    assert after is not None
    session, device = after.session("ali-S"), after.device("D")
    assert session is not None
    assert device is not None
    assert session.last_used == NOW + 9
    assert device.last_ip == "192.0.2.1"
    assert after.account == state.account
    # A change that was decided before does not fail over it.
    await house.store.commit(replace(change_of(state), drop_login=True))


async def test_the_sweep_finds_who_has_something_that_is_over(house: House) -> None:
    state = await fill(house)
    assert await house.store.lapsed(NOW, 10) == []
    assert await house.store.lapsed(NOW + 5, 10) == [ALICE, BOB]
    bare = replace(state.tokens[0], blob=b"")
    await house.store.commit(replace(change_of(state), put_tokens=(bare,)))
    assert await house.store.lapsed(NOW + 5, 10) == [BOB]
    assert await house.store.lapsed(NOW + 9, 10) == [ALICE, BOB]
    assert await house.store.lapsed(NOW + 9, 1) == [ALICE]
    bobs = await house.store.state(BOB)
    assert bobs is not None
    read_no_more = replace(bobs.former[0], readable_until=0)
    bare = replace(bobs.tokens[0], blob=b"")
    await house.store.commit(
        replace(change_of(bobs), put_former=(read_no_more,), put_tokens=(bare,))
    )
    assert await house.store.lapsed(NOW + 9, 10) == [ALICE]


async def test_a_person_without_an_account_is_somebody(house: House) -> None:
    assert not await house.store.exists(ALICE)
    assert await house.store.profile(ALICE) is None
    await house.store.put_persons([PersonRecord(user=ALICE)])
    assert await house.store.exists(ALICE)
    assert await house.store.profile(ALICE) == {}
    assert await house.store.state(ALICE) is None
