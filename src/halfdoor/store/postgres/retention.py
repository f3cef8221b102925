"""The rows of retention and of holds in PostgreSQL, as `store.retention_rows` asks for them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar, final

from halfdoor.ids import bucket
from halfdoor.messaging.retention_store import Passed, Place
from halfdoor.sealing.labels import Denied
from halfdoor.store.errors import UnknownConversationError
from halfdoor.store.freezes import OPEN_END, Freeze, check_freeze, freeze_mac
from halfdoor.store.generations import heads
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.database import Database, Side
from halfdoor.store.postgres.key_ends import end_freezes, end_months, is_there, ready_freeze
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.statements import statements
from halfdoor.store.resealing import BY_CONVERSATION, BY_EVENT, Change
from halfdoor.store.retention_rows import OF_EPOCH, Look
from halfdoor.store.retired import (
    OldEpoch,
    Retired,
    checked,
    day_of_header,
    is_frozen,
    retired_mac,
)

T = TypeVar("T")
_SQL: Final = statements("retention")
_SWEEP: Final = statements("retention_maintenance")
_LAST: Final = 2**62
_SECONDS: Final = 600.0


@final
class PostgresRetentionRows:
    """A `RetentionRows`. Errors are those of `Database`, and `RowMacError` for a changed row."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys

    # -- what a sweep meets --------------------------------------------------------------------

    async def marks(self) -> dict[str, int]:
        """Return how far sweeps have come, and hold the keys that other processes made since."""
        await self._keys.refresh(self._database)
        return dict(await self._all(_SWEEP["marks"]))

    async def set_marks(self, values: Mapping[str, int]) -> None:
        """Note how far a sweep has come."""
        rows = sorted(values.items())
        await self._write(lambda con: con.executemany(_SWEEP["set_mark"], rows))

    async def conversations(self, after: tuple[int, int], limit: int) -> Sequence[Passed]:
        """Return conversations in the order of bucket and number, after the place *after*."""
        found = []
        rows = await self._all(_SWEEP["conversations"], *after, limit)
        for cb, c, conv, seq, frozen, number, sealed in rows:
            day = None if sealed is None else self._day(conv, number, sealed)
            found.append(Passed(Place(cb, c, conv), day, seq is not None, frozen is not None))
        return found

    async def place(self, conv: str) -> Place:
        """Return where *conv* lies, else `UnknownConversationError`."""
        rows = await self._all(_SQL["place"], bucket(conv), conv)
        if not rows:
            raise UnknownConversationError(conv)
        return Place(bucket(conv), rows[0][0], conv)

    async def state(self, place: Place) -> Sequence[tuple[int, bytes, bytes]]:
        """Return the rows (seq, event id, sealed) of all state events, newest first."""
        return await self._all(_SQL["state"], place.cb, place.c)

    # -- what retention ends -------------------------------------------------------------------

    async def look(self, place: Place, most: int) -> Look:
        """Return what is retired, the oldest *most* + 1 kept epochs, holds and head."""

        async def read(con: Connection) -> Look:
            at = (place.cb, place.c)
            retired = await self._retired(con, place)
            holds = await self._freezes(con, place)
            last_seq, _, chain, _ = await con.fetchrow(_SQL["head"], *at)
            rows = await con.fetch(_SQL["old_epochs"], *at, retired.epoch, most + 1)
            old = [
                OldEpoch(
                    number,
                    first,
                    chain0,
                    self._day(place.conv, number, sealed) or 0,
                    is_frozen(sealed) or any(one.covers(number) for one in holds),
                )
                for number, _, first, chain0, sealed in rows
            ]
            names = frozenset(one.hold for one in holds)
            epochs = [(number, hh, first, chain0) for number, hh, first, chain0, _ in rows]
            return Look(retired, epochs, old, names, last_seq, chain)

        return await self._moment(read)

    async def events(
        self, place: Place, low: int, high: int, limit: int
    ) -> Sequence[tuple[int, bytes, bytes, bool]]:
        """Return rows (seq, event id, sealed, whether it is state) with low <= seq < high."""
        return await self._all(_SQL["some_events"], place.cb, place.c, low, high, limit)

    async def retire(self, place: Place, look: Look, retired: Retired, *, closes: bool) -> bool:
        """Let *retired* take the place of what *look* saw; False if anything of that moved."""
        at = (place.cb, place.c)

        async def write(con: Connection) -> bool:
            last_seq = await con.fetchval(_SQL["lock_conversation"], *at)
            holds = {row[0] for row in await con.fetch(_SQL["freezes"], *at)}
            moved = await self._retired(con, place) != look.retired or holds != look.holds
            if moved or (closes and last_seq != look.last_seq):
                return False
            facts = (retired.epoch, retired.seq, retired.chain, retired.deleted, retired.kept)
            mac = retired_mac(self._keys, place.conv, retired)
            await con.execute(_SQL["put_retired"], *at, *facts, retired.links, mac)
            await con.execute(_SQL["begin_at"], retired.seq, *at)
            await con.execute(_SQL["delete_receipts"], *at, retired.seq)
            if closes:
                # Nothing more comes under a key whose messages have ended.
                await con.execute(_SQL["close_epoch"], *at)
            return True

        return await self._write(write)

    async def dead_events(self, place: Place, limit: int) -> Sequence[tuple[int, bytes, bytes]]:
        """Return rows from before what is kept that are no state."""
        return await self._before(_SQL["dead_events"], place, limit)

    async def delete_events(self, place: Place, gone: Sequence[tuple[int, str | None]]) -> None:
        """Delete events with what they hold in other tables; each with the event it relates to."""
        at = (place.cb, place.c)

        async def write(con: Connection) -> None:
            # A redaction that is under way would write what is deleted here.
            await con.execute(_SQL["lock_conversation"], *at)
            for name in ("delete_event", "delete_media_of"):
                await con.executemany(_SQL[name], [(*at, seq) for seq, _ in gone])
            related = [(*at, target, seq) for seq, target in gone if target is not None]
            await con.executemany(_SQL["delete_relation"], related)

        await self._write(write)

    async def delete_loose(self, place: Place, *, relations: bool) -> None:
        """Delete held bodies from before what is kept, and *relations* that no event explains."""
        if not relations and not await self._before(_SQL["a_hold"], place):
            # The usual case, met every day by every conversation: nothing to be made durable.
            return
        at = (place.cb, place.c)

        async def write(con: Connection) -> None:
            begins = (await con.fetchrow(_SQL["head"], *at))[3]
            await con.execute(_SQL["delete_held_media"], *at, begins)
            await con.execute(_SQL["delete_holds"], *at, begins)
            if relations:
                await con.execute(_SQL["delete_relations"], *at, begins)

        await self._write(write)

    async def old_state(
        self, place: Place
    ) -> tuple[Sequence[tuple[int, bytes, bytes]], Sequence[tuple[str, str, bytes]]]:
        """Return state from before what is kept, and the current sealed state, as rows."""
        old = await self._before(_SQL["kept_state"], place)
        return old, await self._all(_SQL["sealed_states"], place.cb, place.c)

    async def dead_epochs(self, place: Place) -> Sequence[int]:
        """Return the epochs from before what is kept that are still there, but for the newest."""

        async def read(con: Connection) -> list[int]:
            at = (place.cb, place.c)
            newest = (await con.fetchrow(_SQL["head"], *at))[1]
            first = min((await self._retired(con, place)).epoch, newest)
            return [row[0] for row in await con.fetch(_SQL["dead_epochs"], *at, first)]

        return await self._moment(read)

    async def delete_epochs(self, place: Place, numbers: Sequence[int]) -> None:
        """Delete epochs with wraps, shares and readers added."""
        rows = [(place.cb, place.c, number) for number in numbers]

        async def write(con: Connection) -> None:
            # A reader that is being added to one of them must find it gone.
            await con.execute(_SQL["lock_conversation"], place.cb, place.c)
            for name in OF_EPOCH:
                await con.executemany(_SQL[name], rows)

        await self._write(write)

    async def untold(self, place: Place) -> tuple[int, Sequence[str]] | None:
        """Return where the conversation begins and its people, if they were not told of it yet."""
        rows = await self._all(_SQL["told"], place.cb, place.c)
        if not rows or rows[0][1] >= rows[0][0]:
            return None
        people = await self._all(_SQL["members"], place.cb, place.c)
        return rows[0][0], [user for (user,) in people]

    async def set_told(self, place: Place, seq: int) -> None:
        """Note that people were told that the conversation begins at *seq*."""
        await self._write(lambda con: con.execute(_SQL["set_told"], seq, place.cb, place.c))

    # -- keys ----------------------------------------------------------------------------------

    async def under(
        self, table: str, place: Place, span: tuple[int, int], generations: range, limit: int
    ) -> Sequence[tuple[Any, ...]]:
        """Return rows under *generations* with a number in *span* (both ends), in order."""
        given: list[Any] = [place.cb, place.c]
        if table not in BY_CONVERSATION:
            given += span
        given += heads(generations)
        if table in BY_EVENT:
            given.append(limit)
        return await self._all(_SQL[f"{table}_under"], *given)

    async def replace(
        self, table: str, place: Place, changes: Sequence[Change], hold: str | None = None
    ) -> int:
        """Replace rows that are still as they were found; return how many, durably."""
        at = (place.cb, place.c)

        async def write(con: Connection) -> int:
            # Whoever redacts an event holds this lock from reading to writing it, and so does
            # whoever ends a hold while its rows move.
            await con.execute(_SQL["lock_conversation"], *at)
            if hold is not None and not await con.fetchval(_SQL["is_frozen"], *at, hold):
                return 0
            rows = [(one.after, *at, *one.key, one.before) for one in changes]
            return len(await con.fetchmany(_SQL[f"{table}_replace"], rows))

        return await self._write(write)

    async def epoch_span(self, place: Place) -> tuple[int, int]:
        """Return the numbers of the oldest and the newest epoch that is there."""
        ((oldest, newest),) = await self._all(_SQL["epoch_span"], place.cb, place.c)
        return oldest, newest

    async def seq_span(self, place: Place, epochs: tuple[int, int]) -> tuple[int, int]:
        """Return the numbers of the first and the last event that *epochs* can hold."""
        at = (place.cb, place.c)
        first = await self._all(_SQL["first_seq"], *at, epochs[0])
        after = (
            await self._all(_SQL["first_seq"], *at, epochs[1] + 1) if epochs[1] < OPEN_END else []
        )
        if epochs[0] > 1 and not first:
            # The first of them has not begun: no event lies in them yet.
            return 1, 0
        # State from before what is kept belongs to the oldest epoch that is left.
        return first[0][0] if epochs[0] > 1 else 0, after[0][0] - 1 if after else _LAST

    async def freezes(self, place: Place) -> Sequence[Freeze]:
        """Return the holds on a conversation, each checked against its mac."""
        return await self._read(lambda con: self._freezes(con, place))

    async def put_freeze(self, place: Place, freeze: Freeze) -> bool:
        """Write a hold; False if its key was destroyed meanwhile."""
        mac = freeze_mac(self._keys, place.conv, freeze)
        row = (place.cb, place.c, freeze.hold, freeze.first, freeze.last, freeze.until)

        async def write(con: Connection) -> bool:
            # Rows move under this lock: what is decided here holds for the next of them.
            await con.execute(_SQL["lock_conversation"], place.cb, place.c)
            if not await is_there(con, freeze.generation):
                return False
            await con.execute(_SQL["put_freeze"], *row, freeze.generation, mac)
            return True

        return await self._write(write)

    async def drop_freeze(self, place: Place, hold: str) -> None:
        """Delete a hold."""
        await self._write(lambda con: con.execute(_SQL["drop_freeze"], place.cb, place.c, hold))

    async def ready_month(self) -> int:
        """Return the generation of the current month; its key is durable."""
        return await self._keys.ready_month(self._database)

    async def ready_hold(self) -> int:
        """Return the generation for bodies that are redacted this month; its key is durable."""
        return await self._keys.ready_hold(self._database)

    async def ready_freeze(self) -> int:
        """Return the generation for holds that begin this month; its key is durable."""
        return await ready_freeze(self._database, self._keys)

    async def end_freeze_keys(self) -> Sequence[int]:
        """Destroy every key of holds that no hold names; return which."""
        return await end_freezes(self._database, self._keys)

    async def end_months(self, last: int) -> Sequence[int]:
        """Destroy the keys of all months up to *last*, for good; return which there were."""
        return await end_months(self._database, self._keys, last)

    async def wipe(self) -> None:
        """Write the small table of the keys anew, so that no page of it holds one that was.

        Pages of large tables keep what was deleted for a while, unreadable (decision 0015).
        """
        await self._read(lambda con: con.execute(_SWEEP["rewrite_keys"], timeout=_SECONDS))

    # -- inside --------------------------------------------------------------------------------

    async def _retired(self, con: Connection, place: Place) -> Retired:
        row = await con.fetchrow(_SQL["retired"], place.cb, place.c)
        return checked(self._keys, place.conv, row)

    async def _freezes(self, con: Connection, place: Place) -> list[Freeze]:
        rows = await con.fetch(_SQL["freezes"], place.cb, place.c)
        return [check_freeze(self._keys, place.conv, Freeze(*facts), mac) for *facts, mac in rows]

    def _day(self, conv: str, number: int, sealed: bytes) -> int | None:
        """Return the day of an epoch, None where its header does not open."""
        try:
            header = self._keys.outer.open("epoch", conv, (conv, number), sealed)
        except Denied:
            return None
        return day_of_header(header)

    async def _before(self, statement: str, place: Place, *more: int) -> list[tuple[Any, ...]]:
        async def read(con: Connection) -> list[tuple[Any, ...]]:
            at = (place.cb, place.c)
            begins = (await con.fetchrow(_SQL["head"], *at))[3]
            return [tuple(row) for row in await con.fetch(statement, *at, begins, *more)]

        return await self._moment(read)

    async def _all(self, statement: str, *given: Any) -> list[tuple[Any, ...]]:
        async def read(con: Connection) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in await con.fetch(statement, *given)]

        return await self._database.read(read, Side.CONVERSATIONS)

    async def _read(self, function: Callable[[Connection], Awaitable[T]]) -> T:
        return await self._keys.with_newest(
            self._database, lambda: self._database.read(function, Side.CONVERSATIONS)
        )

    async def _moment(self, function: Callable[[Connection], Awaitable[T]]) -> T:
        return await self._keys.with_newest(
            self._database, lambda: self._database.moment(function, Side.CONVERSATIONS)
        )

    async def _write(self, function: Callable[[Connection], Awaitable[T]]) -> T:
        return await self._keys.with_newest(
            self._database, lambda: self._database.write(function, Side.CONVERSATIONS)
        )
