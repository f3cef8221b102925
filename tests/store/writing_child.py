"""A process that writes until it is killed: `python -m tests.store.writing_child DIR FILES WHEN`.

It prints one line for each write that was acknowledged. WHEN names the point at which it kills
itself in two-file configuration, or "never".
"""

import asyncio
import os
import signal
import sqlite3
import sys
from pathlib import Path

from tests.store.making import ALICE, BOB, event, found, say

from halfdoor.messaging.ledger import Committed
from halfdoor.store.outerkey import outer_key_file
from halfdoor.store.sqlite.opening import Store, open_store
from halfdoor.store.sqlite.outbox import Outbox
from halfdoor.store.sqlite.projection import Telling


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_between(when: str, after: int) -> None:
    """Let the process die at its *after*-th delivery: before it, or within its transaction."""
    deliver, turns = Outbox.deliver, 0

    def dying(self: Outbox, con: sqlite3.Connection, tellings: list[Telling | None]) -> object:
        nonlocal turns
        turns += 1
        if turns == after and when == "before":
            _die()
        told = deliver(self, con, tellings)
        if turns == after and when == "within":
            _die()
        return told

    def dying_begin(self: Outbox, con: sqlite3.Connection) -> None:
        # The delivery before this turn is durable, its entries are still there.
        if turns >= after and when == "after":
            _die()
        begin(self, con)

    begin = Outbox.begin
    Outbox.deliver = dying  # type: ignore[assignment,method-assign]
    Outbox.begin = dying_begin  # type: ignore[method-assign]


async def _write(store: Store, at: Committed, sender: str, other: str) -> None:
    while True:
        said = await say(store, at, event(at.conv, sender, (other,)))
        (kept,) = said.events
        sys.stdout.write(f"{at.conv} {kept.fields.event_id} {kept.seq}\n")
        sys.stdout.flush()


async def main() -> None:
    data, files, when = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    key = outer_key_file(data.parent / "keys" / "outer.key", data, make=True)
    store = open_store(data, key, two_files=files == "two")
    rooms = [await found(store, ALICE, BOB) for _ in range(2)]
    if when != "never":
        _die_between(when, after=20)
    await asyncio.gather(
        *(_write(store, at, *pair) for at in rooms for pair in ((ALICE, BOB), (BOB, ALICE)))
    )


if __name__ == "__main__":
    asyncio.run(main())
