"""Messages that wait for devices in SQLite, as `e2ee.to_device_store` promises it."""

import sqlite3
from collections.abc import Sequence
from typing import Final, final

from halfdoor.e2ee.to_device import addressed
from halfdoor.e2ee.to_device_store import (
    MOST_OF_ALL,
    MOST_OF_ONE,
    SEEN_DAYS,
    Parcel,
    Waiting,
)
from halfdoor.messaging.mailbox import TO_DEVICE
from halfdoor.store.accounts_rows import place
from halfdoor.store.sqlite.database import Database
from halfdoor.store.sqlite.mailbox import StreamLane
from halfdoor.store.sqlite.statements import statements
from halfdoor.store.sqlite.streams import Streams
from halfdoor.store.to_device_rows import ToDeviceRows

_SQL: Final = statements("to_device")
_STREAMS: Final = statements("streams")


@final
class SqliteToDevice:
    """A `ToDeviceStore`. Errors are those of `Database`."""

    def __init__(self, database: Database, rows: ToDeviceRows, lane: StreamLane) -> None:
        self._database = database
        self._rows = rows
        self._lane = lane

    def __repr__(self) -> str:
        return "SqliteToDevice(…)"

    async def put(self, user: str, parcel: Parcel, today: int) -> int | None:
        """Queue *parcel* for the devices of *user* that it names, and write one inbox row."""

        def write(con: sqlite3.Connection, streams: Streams) -> int | None:
            return _put(con, streams, self._rows, user, parcel, today)

        pos: int | None = await self._database.write_in(self._lane, write)
        return pos

    async def waiting(
        self, user: str, device: str, *, after: int, upto: int, limit: int
    ) -> Sequence[Waiting]:
        """Return the oldest messages with after < pos <= upto."""
        key = (*place(user), device, after, upto, limit)
        rows = await self._database.read(lambda con: con.execute(_SQL["waiting"], key).fetchall())
        return [self._rows.open(user, device, pos, sealed) for pos, sealed in rows]

    async def oldest(self, user: str, device: str) -> int | None:
        """Return the position of the oldest message that waits, None where none does."""
        key = (*place(user), device)
        row = await self._database.read(lambda con: con.execute(_SQL["oldest"], key).fetchone())
        pos: int | None = row[0]
        return pos

    async def drop(self, user: str, device: str, upto: int) -> None:
        """Delete the messages with pos <= upto: the device has them."""
        key = (*place(user), device, upto)
        await self._database.write(lambda con: con.execute(_SQL["drop"], key))


def _put(
    con: sqlite3.Connection,
    streams: Streams,
    rows: ToDeviceRows,
    user: str,
    parcel: Parcel,
    today: int,
) -> int | None:
    at = place(user)
    devices = [device for (device,) in con.execute(_SQL["devices"], at)]
    contents = addressed(parcel.contents, devices)
    if not contents:
        return None
    con.execute(_SQL["unsee"], (*at, today - SEEN_DAYS))
    if con.execute(_SQL["see"], (*at, parcel.repeat, today)).rowcount == 0:
        return None
    person = streams.person(con, user)
    pos = streams.next_pos(person)
    con.execute(_STREAMS["insert_inbox"], (person.ub, person.u, pos, TO_DEVICE, 0, 0, 0, ""))
    origin = rows.origin(user, parcel.sender)
    for device, content in contents.items():
        queue = (*at, device)
        sealed = rows.seal(user, device, pos, parcel, content)
        con.execute(_SQL["put"], (*queue, pos, origin, sealed))
        beyond = con.execute(_SQL["beyond_of_one"], (*queue, origin, MOST_OF_ONE)).fetchone()
        if beyond is not None:
            con.execute(_SQL["drop_of_one"], (*queue, origin, beyond[0]))
        beyond = con.execute(_SQL["beyond_of_all"], (*queue, MOST_OF_ALL)).fetchone()
        if beyond is not None:
            con.execute(_SQL["drop"], (*queue, beyond[0]))
    return pos
