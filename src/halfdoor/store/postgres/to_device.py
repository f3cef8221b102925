"""Messages that wait for devices in PostgreSQL, as `e2ee.to_device_store` promises it."""

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
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.database import Database
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.reading import Stream
from halfdoor.store.postgres.statements import statements
from halfdoor.store.to_device_rows import ToDeviceRows

_SQL: Final = statements("to_device")


@final
class PostgresToDevice:
    """A `ToDeviceStore`. Errors are those of `Database`."""

    def __init__(self, database: Database, keys: Keys, rows: ToDeviceRows) -> None:
        self._database = database
        self._keys = keys
        self._rows = rows

    def __repr__(self) -> str:
        return "PostgresToDevice(…)"

    async def put(self, user: str, parcel: Parcel, today: int) -> int | None:
        """Queue *parcel* for the devices of *user* that it names, and write one inbox row."""

        async def write(con: Connection) -> int | None:
            stream = Stream(con, self._keys, self._database.restores, user)
            return await _put(stream, self._rows, parcel, today)

        return await self._database.write(write)

    async def waiting(
        self, user: str, device: str, *, after: int, upto: int, limit: int
    ) -> Sequence[Waiting]:
        """Return the oldest messages with after < pos <= upto."""

        async def read(con: Connection) -> list[Waiting]:
            rows = await con.fetch(_SQL["waiting"], *place(user), device, after, upto, limit)
            return [self._rows.open(user, device, pos, sealed) for pos, sealed in rows]

        return await self._keys.with_newest(self._database, lambda: self._database.read(read))

    async def oldest(self, user: str, device: str) -> int | None:
        """Return the position of the oldest message that waits, None where none does."""

        async def read(con: Connection) -> int | None:
            pos: int | None = await con.fetchval(_SQL["oldest"], *place(user), device)
            return pos

        return await self._database.read(read)

    async def drop(self, user: str, device: str, upto: int) -> None:
        """Delete the messages with pos <= upto: the device has them."""

        async def write(con: Connection) -> None:
            await con.execute(_SQL["drop"], *place(user), device, upto)

        await self._database.write(write)


async def _put(stream: Stream, rows: ToDeviceRows, parcel: Parcel, today: int) -> int | None:
    con, user = stream.con, stream.user
    at = place(user)
    # Before the stream: who changes an account holds its devices first too, so nobody waits in a
    # circle. A device that is being deleted is waited for, and nothing is queued for it after.
    devices = [row[0] for row in await con.fetch(_SQL["devices"], *at)]
    contents = addressed(parcel.contents, devices)
    if not contents:
        return None
    await stream.lock()
    await con.execute(_SQL["unsee"], *at, today - SEEN_DAYS)
    if (await con.execute(_SQL["see"], *at, parcel.repeat, today)).endswith(" 0"):
        return None
    # Positions have no gaps, so one is taken only for what is written.
    person = await stream.lock(1)
    await stream.add(person, TO_DEVICE, 0, 0, "")
    origin = rows.origin(user, parcel.sender)
    sealed = [
        (*at, device, person.pos, origin, rows.seal(user, device, person.pos, parcel, content))
        for device, content in contents.items()
    ]
    await con.executemany(_SQL["put"], sealed)
    for device in contents:
        queue = (*at, device)
        beyond = await con.fetchval(_SQL["beyond_of_one"], *queue, origin, MOST_OF_ONE)
        if beyond is not None:
            await con.execute(_SQL["drop_of_one"], *queue, origin, beyond)
        beyond = await con.fetchval(_SQL["beyond_of_all"], *queue, MOST_OF_ALL)
        if beyond is not None:
            await con.execute(_SQL["drop"], *queue, beyond)
    return person.pos
