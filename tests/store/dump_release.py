"""Writes the databases of a release as SQL: `python -m tests.store.dump_release VERSION`.

To be run once, when a version is released; `test_migrations` then brings every dump forward.
"""

import asyncio
import sqlite3
import sys
import tempfile
from pathlib import Path

from tests.store.making import ALICE, BOB, StoppedClock, Store, epoch_start, event, founding, say

from halfdoor.messaging.ledger import LateWrap, Receipt
from halfdoor.messaging.mailbox import AccountData
from halfdoor.store.outerkey import OuterKeyFile
from halfdoor.store.sqlite.opening import open_store

RELEASED = Path(__file__).parent / "released"
# A key for sample data in public files; nothing else is ever sealed under it.
SAMPLE_KEY = OuterKeyFile(Path("sample"), b"halfdoor sample key for releases")
CONV = "!sample:a.example"


async def furnish(store: Store) -> None:
    """Put something into every table of conversations and mailboxes."""
    at = await store.conversations.append(founding(CONV, ALICE, BOB))
    said = event(CONV, ALICE, (BOB,))
    at = await say(store, at, said)
    gone = event(CONV, ALICE, (BOB,), target=said.fields.event_id, rel_type="m.replace")
    at = await say(store, at, gone, start=epoch_start(2, ALICE, BOB))
    await say(store, at, event(CONV, ALICE, redacts=gone.fields.event_id, destroy_after=2**40))
    (epoch,) = await store.conversations.epochs(CONV, BOB, [2])
    await store.conversations.add_readers(
        CONV, [LateWrap(2, BOB, b"{}", b"r" * 32, b"wrap", epoch.hh)]
    )
    receipt = Receipt(BOB, "m.read", None, said.fields.event_id, 4, 1)
    await store.conversations.set_receipt(CONV, receipt, [ALICE])
    await store.mailbox.set_read(BOB, CONV, 4)
    await store.mailbox.set_account_data(BOB, AccountData("", "m.direct", b"x", True, 0))
    await store.mailbox.set_filter(BOB, b"{}")
    await store.mailbox.reserve_contact(ALICE, BOB, said.fields.event_id, limit=1)
    await store.mailbox.close_contact(ALICE, BOB, 5)


def dump(path: Path) -> str:
    """Return the SQL that makes the database at *path* again."""
    con = sqlite3.connect(path)
    (version,) = con.execute("PRAGMA user_version").fetchone()
    lines = [*con.iterdump(), f"PRAGMA user_version = {version};"]
    con.close()
    return "\n".join(lines) + "\n"


async def main(version: str) -> None:
    target = RELEASED / version
    target.mkdir(parents=True, exist_ok=True)
    for two_files in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder)
            clock = StoppedClock()
            store = open_store(data, SAMPLE_KEY, two_files=two_files, clock=clock)
            await furnish(store)
            await store.close()
            for path in set(store.paths):
                (target / f"{path.stem}.sql").write_text(dump(path))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
