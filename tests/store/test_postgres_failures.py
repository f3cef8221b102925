"""Connections that end at the worst moment, and neighbours in the way."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest
from tests.store.making import ALICE, BOB, chains, event, found, say
from tests.store.postgres_houses import PostgresHouse, Postgresql

from halfdoor.store.errors import StoreClosedError, StoreUnavailableError
from halfdoor.store.postgres import connect
from halfdoor.store.postgres.connect import named
from halfdoor.store.postgres.errors import UnknownOutcomeError
from halfdoor.store.postgres.opening import PostgresStore, open_store


class Wire:
    """A wire to the server that can be cut at a word of the client's."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.word: bytes | None = None
        self.forward = True
        self.mute = False
        self.cut = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> int:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to)

        def hang_up() -> None:
            writer.close()
            far_writer.close()

        for task in (
            asyncio.ensure_future(self._pass(reader, far_writer, hang_up, watched=True)),
            asyncio.ensure_future(self._pass(far_reader, writer, hang_up, watched=False)),
        ):
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        hang_up: Callable[[], None],
        *,
        watched: bool,
    ) -> None:
        try:
            while data := await reader.read(65_536):
                if watched and self.mute:
                    continue
                if watched and self.word is not None and self.word in data:
                    self.cut += 1
                    self.word = None
                    if self.forward:
                        writer.write(data)
                        await writer.drain()
                    break
                writer.write(data)
                await writer.drain()
        except OSError:
            return
        finally:
            hang_up()


@contextlib.asynccontextmanager
async def wired(house: PostgresHouse, wire: Wire) -> AsyncIterator[PostgresStore]:
    """The same databases, through *wire*."""
    old, new = f":{house.postgresql.server.port}/", f":{await wire.serve()}/"
    first, people = (one and one.replace(old, new) for one in house.addresses)
    assert first is not None
    store = await open_store(first, house.key, people=people, clock=house.clock)
    yield store
    wire.mute = False
    await store.close()
    await wire.close()


@pytest.fixture
def wire(postgresql: Postgresql) -> Wire:
    return Wire(postgresql.server.port)


@pytest.mark.parametrize("forward", [True, False], ids=["it arrives", "it is lost"])
async def test_a_commit_whose_outcome_is_unknown_is_neither_done_nor_refused(
    served: PostgresHouse, wire: Wire, forward: bool
) -> None:
    at = await found(served.store, ALICE, BOB)
    async with wired(served, wire) as store:
        await say(store, at, event(at.conv, BOB, (ALICE,)))
        said = event(at.conv, ALICE, (BOB,))
        wire.forward, wire.word = forward, b"COMMIT"
        with pytest.raises(UnknownOutcomeError, match="send the request again"):
            await say(store, at, said)
        assert wire.cut == 1
        again = await say(store, at, said)
        assert again.repeat is forward
        assert again.events[0].seq == 5
        await store.conversations.sweep()
    seqs = [row.seq for row in await served.store.mailbox.inbox(BOB, after=0, limit=9)]
    assert seqs == [3, 4, 5]
    assert [report.detail for report in await chains(served.store)] == ["5 events"]


async def test_a_connection_lost_before_the_commit_is_unavailable_and_nothing_is_kept(
    served: PostgresHouse, wire: Wire
) -> None:
    at = await found(served.store, ALICE, BOB)
    async with wired(served, wire) as store:
        wire.word = b"COPY"
        with pytest.raises(StoreUnavailableError) as raised:
            await say(store, at, event(at.conv, ALICE, (BOB,)))
        assert not isinstance(raised.value, UnknownOutcomeError)
        assert wire.cut == 1
        assert not (await say(store, at, event(at.conv, ALICE, (BOB,)))).repeat
    assert [report.detail for report in await chains(served.store)] == ["4 events"]


async def test_a_read_over_a_lost_connection_is_asked_again(
    served: PostgresHouse, wire: Wire
) -> None:
    at = await found(served.store, ALICE, BOB)
    async with wired(served, wire) as store:
        assert await store.conversations.room(at.conv) is not None
        wire.forward, wire.word = False, b"BEGIN"
        assert await store.conversations.room(at.conv) is not None
        assert wire.cut == 1


async def test_a_server_that_says_nothing_is_unavailable(
    served: PostgresHouse, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = await found(served.store, ALICE, BOB)
    monkeypatch.setattr(connect, "COMMAND_SECONDS", 0.3)
    monkeypatch.setattr(connect, "CONNECT_SECONDS", 0.3)
    async with wired(served, wire) as store:
        await store.conversations.room(at.conv)
        wire.mute = True
        for ask in (store.conversations.room(at.conv), store.mailbox.position(ALICE)):
            with pytest.raises(StoreUnavailableError, match="PostgreSQL cannot be"):
                await ask
        with pytest.raises(StoreUnavailableError):
            await say(store, at, event(at.conv, ALICE, (BOB,)))
        wire.mute = False
        assert await store.conversations.room(at.conv) is not None


IN_THE_WAY = """
    CREATE SEQUENCE tries;
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF nextval('tries') <= 3 THEN RAISE EXCEPTION 'a neighbour' USING ERRCODE = '{code}'; END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER refuse BEFORE {verb} ON {table} FOR EACH ROW EXECUTE FUNCTION refuse();
"""


@contextlib.asynccontextmanager
async def in_the_way(address: str, table: str, code: str) -> AsyncIterator[None]:
    """Let the first three writes to *table* fail with *code*."""
    con = await asyncpg.connect(address)
    verb = "UPDATE" if table == "ustream" else "INSERT"
    await con.execute(IN_THE_WAY.format(table=table, code=code, verb=verb))
    try:
        yield
    finally:
        await con.execute(
            f"DROP TRIGGER refuse ON {table}; DROP FUNCTION refuse; DROP SEQUENCE tries"
        )
        await con.close()


@pytest.mark.parametrize("code", ["40001", "40P01"])
@pytest.mark.parametrize("table", ["event", "inbox", "ustream"])
async def test_a_transaction_that_a_neighbour_undid_is_done_again(
    served: PostgresHouse, code: str, table: str
) -> None:
    at = await found(served.store, ALICE, BOB)
    first, people = served.addresses
    address = first if table == "event" or people is None else people
    async with in_the_way(address, table, code):
        said = await say(served.store, at, event(at.conv, ALICE, (BOB,)))
        told = await served.store.mailbox.tell(BOB, 3, ALICE)
    assert not said.repeat
    assert said.events[0].seq == 4
    assert told.pos == 3


async def test_a_full_disk_is_unavailable_and_later_all_goes_on(served: PostgresHouse) -> None:
    at = await found(served.store, ALICE, BOB)
    async with in_the_way(served.addresses[0], "event", "53100"):
        with pytest.raises(StoreUnavailableError, match="no room left"):
            await say(served.store, at, event(at.conv, ALICE, (BOB,)))
    assert (await say(served.store, at, event(at.conv, ALICE, (BOB,)))).events[0].seq == 4


async def test_words_the_server_cannot_keep_fail_alone(served: PostgresHouse) -> None:
    at = await found(served.store, ALICE, BOB)
    poison = event(at.conv, ALICE, (BOB,), target="$a\x00b", rel_type="m.replace")
    outcomes = await asyncio.gather(
        *(
            say(served.store, at, one)
            for one in (event(at.conv, ALICE), poison, event(at.conv, BOB))
        ),
        return_exceptions=True,
    )
    assert [isinstance(one, Exception) for one in outcomes] == [False, True, False]


async def test_a_standby_is_not_written_to() -> None:
    error = asyncpg.ReadOnlySQLTransactionError("cannot execute in a read-only transaction")
    assert "standby" in str(named(error))
    assert isinstance(named(error), StoreUnavailableError)


async def test_after_closing_nothing_is_read_or_written(served: PostgresHouse) -> None:
    await served.store.close()
    with pytest.raises(StoreClosedError):
        await served.store.mailbox.position(ALICE)
    with pytest.raises(StoreClosedError):
        await served.store.mailbox.tell(ALICE, 3, BOB)
    await served.store.close()
    await served.open()


async def test_after_redaction_no_row_holds_the_body_and_its_hold_key_goes(
    served: PostgresHouse, tmp_path: Path
) -> None:
    store = served.store
    at = await found(store, ALICE, BOB)
    target = event(at.conv, ALICE, (BOB,))
    at = await say(store, at, target)
    ((before,),) = await served.ask("SELECT sealed FROM event WHERE seq = 4")
    await say(store, at, event(at.conv, ALICE, redacts=target.fields.event_id, destroy_after=1))
    ((after,),) = await served.ask("SELECT sealed FROM event WHERE seq = 4")
    assert len(after) < len(before)
    assert await store.destroy_held(1) == 1
    assert await served.ask("SELECT * FROM hold") == []
