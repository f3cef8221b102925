"""A process that writes until it is killed.

`python -m tests.store.postgres_writing_child KEYFILE WHEN CONVERSATIONS ADDRESS [PEOPLE]`; it
prints one line for each write that was acknowledged. WHEN names the point at which it kills itself
where the two sides have a database each, or "never".
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import uvloop
from tests.store.making import ALICE, BOB, event

from halfdoor.messaging.ledger import Append, StaleError
from halfdoor.store.errors import StoreUnavailableError
from halfdoor.store.outerkey import outer_key_file
from halfdoor.store.postgres.opening import PostgresStore, open_store
from halfdoor.store.postgres.outbox import Outbox


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_between(when: str, after: int) -> None:
    """Let the process die at its *after*-th delivery: before it, within it, or after it."""
    deliver, tell, turns = Outbox.deliver, Outbox._tell, 0

    async def dying(self: Outbox, tellings: Any) -> Any:
        nonlocal turns
        turns += 1
        if turns >= after and when == "before":
            _die()
        told = await deliver(self, tellings)
        if turns >= after and when == "after":
            _die()
        return told

    async def dying_within(self: Outbox, entries: Any) -> Any:
        if turns >= after and when == "within":
            # What is told is sent off, and nobody hears whether it became durable.
            sent = asyncio.ensure_future(tell(self, entries))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert not sent.done()
            _die()
        return await tell(self, entries)

    Outbox.deliver = dying  # type: ignore[method-assign]
    Outbox._tell = dying_within  # type: ignore[method-assign]


async def write(store: PostgresStore, conv: str, sender: str, other: str) -> None:
    """Send for ever, each event until its outcome is known, and say what was acknowledged."""
    while True:
        said = event(conv, sender, (other,))
        kept = None
        while kept is None:
            try:
                room = await store.conversations.room(conv)
                assert room is not None
                expects = (room.head.hh, room.head.revision)
                done = await store.conversations.append(Append(conv, expects, (said,)))
                (kept,) = done.events
            except (StoreUnavailableError, StaleError):
                # As a client does: the same again, until somebody answers.
                await asyncio.sleep(0.05)
        sys.stdout.write(f"{conv} {kept.fields.event_id} {kept.seq}\n")
        sys.stdout.flush()


async def main() -> None:
    key_path, when, convs, *addresses = sys.argv[1:]
    key = outer_key_file(Path(key_path), Path(key_path).parent / "none", make=False)
    store = await open_store(addresses[0], key, people=addresses[1] if len(addresses) > 1 else None)
    if when != "never":
        _die_between(when, after=20)
    await asyncio.gather(
        *(
            write(store, conv, *pair)
            for conv in convs.split(",")
            for pair in ((ALICE, BOB), (BOB, ALICE))
        )
    )


if __name__ == "__main__":
    uvloop.run(main())
