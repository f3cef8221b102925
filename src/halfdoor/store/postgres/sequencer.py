"""Batches of writes to conversations: one transaction each, and a bad write fails alone."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from typing import Any, Final

import asyncpg

from halfdoor.messaging.ledger import StaleError, Told
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.outer import RowMacError
from halfdoor.store.postgres.append import AskFirstError
from halfdoor.store.postgres.connect import Connection, is_conflict, is_unavailable, named
from halfdoor.store.postgres.database import Database, Side
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.lookups import look_up, write_turn
from halfdoor.store.postgres.outbox import Outbox
from halfdoor.store.postgres.projection import project
from halfdoor.store.postgres.standings import lock_standings
from halfdoor.store.postgres.streams import (
    Assumed,
    PeopleMovedError,
    read_standings,
    stale_of,
)
from halfdoor.store.postgres.turn import Needs, Telling, Turn, Work, Written

Outcome = Any
_ATTEMPTS: Final = 8
_PAUSE_SECONDS: Final = 0.01


class Sequencer:
    """Writes batches of `Work`; *outbox* is None where both sides share a database."""

    def __init__(self, database: Database, keys: Keys, outbox: Outbox | None) -> None:
        self._database = database
        self._keys = keys
        self._outbox = outbox

    async def commit(self, works: Sequence[Work]) -> list[Outcome]:
        """Return for each work its answer, which is durable, or why there is none."""
        careful = False
        for attempt in range(_ATTEMPTS):
            since = self._keys.changes
            try:
                return await self._transact(works, careful=careful)
            except PeopleMovedError as error:
                return await self._without(works, error.stale)
            except Exception as error:  # noqa: BLE001 - a poison item may raise anything
                if is_unavailable(error):
                    # Also where the outcome is unknown: then nobody may write it once more.
                    return [named(error)] * len(works)
                if isinstance(error, asyncpg.UniqueViolationError) and not careful:
                    # An event is there already. That is so rare that nobody asks beforehand.
                    careful = True
                elif is_conflict(error):
                    await asyncio.sleep(random.random() * attempt * _PAUSE_SECONDS)  # noqa: S311
                elif not (
                    isinstance(error, Denied | RowMacError)
                    and await self._keys.moved(self._database, since)
                ):
                    if len(works) == 1:
                        return [named(error)]
                    break
        # One of them cannot be written: each is tried alone, so that no neighbour fails with it.
        return [(await self.commit([work]))[0] for work in works]

    async def _without(self, works: Sequence[Work], stale: set[int]) -> list[Outcome]:
        """Refuse those whose people changed meanwhile, and write the others."""
        rest = [work for n, work in enumerate(works) if n not in stale]
        written = iter(await self.commit(rest) if rest else [])
        return [StaleError() if n in stale else next(written) for n in range(len(works))]

    async def _transact(self, works: Sequence[Work], *, careful: bool) -> list[Outcome]:
        """Write all *works* in one transaction, and tell people in it or after it."""
        if self._outbox is None:
            async with self._database.transaction() as con:
                outcomes = await self._write(con, works, careful=careful)
                restores, tellings = self._database.restores, _tellings(outcomes)
                told = await project(con, self._keys, restores, tellings, _assumed(works, tellings))
            return _answers(outcomes, told)
        async with self._database.transaction() as con:
            outcomes = await self._write(con, works, careful=careful)
            await self._outbox.forget_told(con)
        return _answers(outcomes, await self._outbox.deliver(_tellings(outcomes)))

    async def _write(
        self, con: Connection, works: Sequence[Work], *, careful: bool
    ) -> list[Written | Exception]:
        """Lock, look up, write: in this order, so that what is read is what is locked."""
        convs = [work.conv for work in works]
        new = [work.conv for work in works if work.creates]
        turn = Turn(self._keys, await lock_standings(con, convs, new), careful=careful)
        await look_up(con, turn, _needs(works, careful=careful))
        if self._outbox is not None:
            await self._check_people(works)
        outcomes = [work.write(turn) for work in works]
        unfit = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, AskFirstError)]
        if unfit:
            # Whether it is a repeat that met a conversation which moved on, the events say.
            asked = _needs([works[n] for n in unfit], careful=True)
            await look_up(con, turn, Needs(events=asked.events))
            turn.careful = True
            for n in unfit:
                outcomes[n] = works[n].write(turn)
        if self._outbox is not None:
            outcomes = [self._outbox.keep(turn, outcome) for outcome in outcomes]
        await write_turn(con, turn)
        return outcomes

    async def _check_people(self, works: Sequence[Work]) -> None:
        """Look, under the locks of conversations, at people who live in another database.

        Nothing is written by then; `PeopleMovedError` tells of works that must be decided anew.
        """
        assumed = [work.versions for work in works]
        users = {user for one in assumed for user, _ in one}
        if not users:
            return
        found = await self._database.read(lambda con: read_standings(con, users), Side.PEOPLE)
        stale = stale_of({user: one.version for user, one in found.items()}, assumed)
        if stale:
            raise PeopleMovedError(stale)


def _assumed(works: Sequence[Work], tellings: Sequence[Telling | None]) -> list[Assumed]:
    """Return what each work assumes of people, [] where none does; a refusal assumes nothing."""
    found = [
        () if telling is None else work.versions
        for work, telling in zip(works, tellings, strict=True)
    ]
    return found if any(found) else []


def _needs(works: Iterable[Work], *, careful: bool) -> Needs:
    needs = Needs()
    for work in works:
        work.add_needs(needs, careful=careful)
    return needs


def _tellings(outcomes: Iterable[Written | Exception]) -> list[Telling | None]:
    return [outcome.telling if isinstance(outcome, Written) else None for outcome in outcomes]


def _answers(
    outcomes: Iterable[Written | Exception], told: Iterable[tuple[Told, ...] | Exception]
) -> list[Outcome]:
    """Return the answers to callers: refusals, what was told, or why people could not be told."""
    return [
        outcome
        if isinstance(outcome, Exception)
        else one
        if isinstance(one, Exception)
        else outcome.answer(one)
        for outcome, one in zip(outcomes, told, strict=True)
    ]
