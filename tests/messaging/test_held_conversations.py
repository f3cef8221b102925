"""A held conversation still opens for its people when its month has ended; its neighbour does not.

Through the front door and the keyring of its participants, over both stores.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.messaging.little_house import FixedClock
from tests.messaging.test_retention_in_rooms import later, pair, policy, texts
from tests.messaging.whole_house import WholeHouse
from tests.store.postgres_houses import WHOLE, Postgresql

from halfdoor.apps.stores import DatabasePlace, open_postgres
from halfdoor.clock import month_of
from halfdoor.sealing.labels import Denied
from halfdoor.store.generations import FREEZES
from halfdoor.store.outerkey import outer_key_file
from halfdoor.store.resealing import BY_CONVERSATION, BY_EPOCH, BY_EVENT, primary_key

TABLES = (*BY_EVENT, *BY_EPOCH, *BY_CONVERSATION)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Postgresql]:
    server = Postgresql.started()
    yield server
    server.stop()


@pytest.fixture(params=["embedded", "postgres"])
def server(request: pytest.FixtureRequest) -> Postgresql | None:
    """The server of a configuration, where it needs one."""
    return request.getfixturevalue("postgresql") if request.param == "postgres" else None


@pytest.fixture
async def house(server: Postgresql | None, tmp_path: Path) -> AsyncIterator[WholeHouse]:
    if server is None:
        one = WholeHouse(tmp_path, policy=policy(30))
    else:
        place = DatabasePlace(url=server.dsn(await server.create(WHOLE)))
        data, clock = tmp_path / "data", FixedClock()
        key = outer_key_file(tmp_path / "outer.key", data, make=True)
        opened = await open_postgres(place, data, key, clock)
        one = WholeHouse(tmp_path, policy=policy(30), opened=opened, clock=clock)
    yield one
    await one.house.close()


async def all_rows(house: WholeHouse, conv: str) -> list[tuple[str, tuple[Any, ...], bytes]]:
    """Return every sealed row of a conversation, with what its seal binds it to."""
    store = house.house.store
    rows: Any = store.retention._rows
    place = await rows.place(conv)
    return [
        (table, primary_key(table, conv, row), bytes(row[-1]))
        for table in TABLES
        for row in await rows.under(table, place, (0, 2**31 - 2), range(1, 65_536), 9999)
    ]


def opens(house: WholeHouse, conv: str, row: tuple[str, tuple[Any, ...], bytes]) -> bool:
    table, pk, sealed = row
    try:
        house.house.store.keys.outer.open(table, conv, pk, sealed)
    except Denied:
        return False
    return True


async def test_a_hold_outlives_the_month_and_the_neighbour_does_not(house: WholeHouse) -> None:
    ada, ben, held = await pair(house, name="Held")
    other = await ada.create(ben)
    for room in (held, other):
        await ben.join(room)
        await ada.say(room, "said long ago")
    month = month_of(house.clock.now)
    before = {room: await all_rows(house, room) for room in (held, other)}
    assert all(opens(house, room, row) for room, rows in before.items() for row in rows)
    assert await house.house.store.retention.freeze(held, "case 7") == len(before[held]) - 1
    for _ in range(4):
        await later(house, 31)
        await later(house, 1)
    keys = house.house.store.keys.outer.generations
    assert month not in keys
    # Nothing that lay under the month opens with any key that the outer key still unwraps.
    assert [row for room in before for row in before[room] if opens(house, room, row)] == []
    assert await texts(other_device := await house.device(ben.user), held) == ["said long ago"]
    assert await texts(other_device, other) == []
    assert await texts(ada, held) == ["said long ago"]
    await ada.say(held, "and goes on")
    assert await texts(ben, held) == ["and goes on", "said long ago"]
    # The hold ends, and so does what it kept.
    assert await house.house.store.retention.thaw(held, "case 7")
    assert not house.house.store.keys.outer.generations & set(FREEZES)
    await later(house, 1)
    assert await texts(ben, held) == ["and goes on"]


async def test_a_redacted_message_of_a_held_conversation_stays_in_the_hold(
    house: WholeHouse,
) -> None:
    ada, ben, room = await pair(house)
    event = await ada.say(room, "regretted")
    await house.house.store.retention.freeze(room, "case 8")
    await ada.ask("PUT", f"/_matrix/client/v3/rooms/{room}/redact/{event}/t77", {})
    (shown,) = [one for one in await ben.history(room) if one["event_id"] == event]
    assert shown["content"] == {}
    await later(house, 200)
    held = [row for row in await all_rows(house, room) if row[0] == "hold"]
    assert len(held) == 1
    assert opens(house, room, held[0])
    await house.house.store.retention.thaw(room, "case 8")
    await later(house, 1)
    assert [row for row in await all_rows(house, room) if row[0] == "hold"] == []


async def test_no_key_of_a_month_that_ended_lies_in_the_database(
    postgresql: Postgresql, tmp_path: Path
) -> None:
    name = await postgresql.create(WHOLE)
    place, clock = DatabasePlace(url=postgresql.dsn(name)), FixedClock()
    data = tmp_path / "data"
    key = outer_key_file(tmp_path / "outer.key", data, make=True)
    opened = await open_postgres(place, data, key, clock)
    house = WholeHouse(tmp_path, policy=policy(30), opened=opened, clock=clock)
    ada, _, room = await pair(house)
    await ada.say(room, "said")
    con = await asyncpg.connect(postgresql.dsn(name))
    month = month_of(clock.now)
    wrapped = await con.fetchval("SELECT wrapped FROM data_key WHERE generation = $1", month)
    assert wrapped in await postgresql.files(name)
    for _ in range(4):
        await later(house, 32)
    assert await con.fetchval("SELECT 1 FROM data_key WHERE generation = $1", month) is None
    assert wrapped not in await postgresql.files(name)
    await con.close()
    await house.house.close()
