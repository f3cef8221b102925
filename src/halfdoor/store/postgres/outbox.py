"""The outbox between two databases: what people have still to be told after a crash (SCALE §3).

Several processes may deliver the same entries. Whoever delivers a conversation tells everything
that lies there up to their own entry, in order, and each person's cursor says what they have heard.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from halfdoor.messaging.ledger import Told
from halfdoor.store.postgres.connect import Connection, is_unavailable, named
from halfdoor.store.postgres.database import Database, Side
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.projection import project
from halfdoor.store.postgres.statements import statements
from halfdoor.store.postgres.turn import Telling, Turn, Written

_SQL: Final = statements("append")
_ALL: Final = statements("outbox_maintenance")["all"]
_AT_ONCE: Final = 500
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Telling).decode

_Place = tuple[int, int]
_Row = tuple[int, int, int, bytes]
_Outcome = tuple[Told, ...] | Exception


class Outbox:
    """Keeps each telling with its write until the people's side has it; told once, in order."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys
        # Told and durable, but not deleted yet: conversation to its place and newest entry told.
        self._done: dict[_Place, int] = {}
        self._places: dict[str, _Place] = {}
        self._seen: set[tuple[int, int, int]] = set()

    def keep(self, turn: Turn, outcome: Written | Exception) -> Written | Exception:
        """Put what *outcome* has to tell into *turn*, under the next number of its conversation."""
        if isinstance(outcome, Exception) or outcome.telling is None:
            return outcome
        at = turn.standings[outcome.telling.conv]
        at.outbox += 1
        turn.move(at)
        numbered = msgspec.structs.replace(outcome.telling, n=at.outbox)
        self._places[at.conv] = (at.cb, at.c)
        turn.add("fanout", (at.cb, at.c, at.outbox, _encode(numbered)))
        return outcome._replace(telling=numbered)

    async def forget_told(self, con: Connection) -> None:
        """Delete what was told, within a write.

        If that write fails, the entries are met once more, and everybody has heard them.
        """
        done, self._done = self._done, {}
        if done:
            rows = [(*place, n) for place, n in sorted(done.items())]
            await con.executemany(_SQL["delete_fanout"], rows)

    async def deliver(self, tellings: Sequence[Telling | None]) -> list[_Outcome]:
        """Tell people, and return what was told, or why it could not be."""
        convs = dict.fromkeys(telling.conv for telling in tellings if telling is not None)
        if not convs:
            return [() for _ in tellings]
        places = {self._places.pop(conv): conv for conv in convs}
        try:
            waiting = await self._waiting(places)
        except Exception as error:  # noqa: BLE001 - what it is, callers are told
            return [() if telling is None else named_error(error) for telling in tellings]
        told = await self._tell_all(waiting)
        numbers = {conv: place for place, conv in places.items()}
        for conv, entries in waiting.items():
            if entries and not isinstance(told.get((conv, entries[-1].n)), Exception):
                place = numbers[conv]
                self._done[place] = max(entries[-1].n, self._done.get(place, 0))
        return [
            () if telling is None else told.get((telling.conv, telling.n), ())
            for telling in tellings
        ]

    async def sweep(self) -> None:
        """Tell everything that lies there, and delete it."""
        found = _AT_ONCE
        while found == _AT_ONCE:
            rows = await self._left()
            await self._tell_rows(rows)
            found = len(rows)

    async def sweep_left(self) -> None:
        """Tell what lay there already when this was called the last time.

        What came since is most likely on its way, by the process that wrote it.
        """
        rows = await self._left()
        before, self._seen = self._seen, {row[:3] for row in rows}
        await self._tell_rows([row for row in rows if row[:3] in before])

    async def _left(self) -> list[_Row]:
        async def read(con: Connection) -> list[_Row]:
            return [(cb, c, n, payload) for cb, c, n, payload in await con.fetch(_ALL, _AT_ONCE)]

        return await self._database.read(read, Side.CONVERSATIONS)

    async def _tell_rows(self, rows: Sequence[_Row]) -> None:
        """Tell these entries and delete them; `StoreError`, or what else was in the way."""
        waiting: dict[str, list[Telling]] = {}
        places: dict[str, _Place] = {}
        for cb, c, _, payload in rows:
            telling = _decode(payload)
            waiting.setdefault(telling.conv, []).append(telling)
            places[telling.conv] = (cb, c)
        told = await self._tell_all(waiting) if waiting else {}
        failed = None
        for conv, entries in waiting.items():
            outcome = told[conv, entries[-1].n]
            if isinstance(outcome, Exception):
                failed = outcome
            else:
                self._done[places[conv]] = max(entries[-1].n, self._done.get(places[conv], 0))
        if self._done:
            await self._database.write(self.forget_told, Side.CONVERSATIONS)
        if failed is not None:
            raise failed

    async def _waiting(self, places: dict[_Place, str]) -> dict[str, list[Telling]]:
        """Return what lies in the outbox of these conversations, in order."""

        async def read(con: Connection) -> dict[str, list[Telling]]:
            found: dict[str, list[Telling]] = {conv: [] for conv in places.values()}
            for cb, c, payload in await con.fetchmany(_SQL["fanout"], list(places)):
                found[places[cb, c]].append(_decode(payload))
            return found

        return await self._database.read(read, Side.CONVERSATIONS)

    async def _tell_all(self, waiting: dict[str, list[Telling]]) -> dict[tuple[str, int], _Outcome]:
        """Tell all of it in one transaction; if that fails, each conversation alone."""
        entries = [telling for tellings in waiting.values() for telling in tellings]
        try:
            told = await self._tell(entries)
        except Exception as error:  # noqa: BLE001 - a poison entry may raise anything
            if len(waiting) == 1 or is_unavailable(error):
                return {(entry.conv, entry.n): named_error(error) for entry in entries}
        else:
            return {(e.conv, e.n): one for e, one in zip(entries, told, strict=True)}
        found: dict[tuple[str, int], _Outcome] = {}
        for conv, tellings in waiting.items():
            found |= await self._tell_all({conv: tellings})
        return found

    async def _tell(self, entries: Iterable[Telling]) -> list[tuple[Told, ...]]:
        listed = list(entries)

        async def tell(con: Connection) -> list[tuple[Told, ...]]:
            return await project(con, self._keys, self._database.restores, listed)

        return await self._keys.with_newest(
            self._database, lambda: self._database.write(tell, Side.PEOPLE)
        )


def named_error(error: Exception) -> Exception:
    """Return the error of ours for *error*."""
    found = named(error)
    return found if isinstance(found, Exception) else error
