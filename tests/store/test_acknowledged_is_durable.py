"""What was acknowledged is there after SIGKILL, once, in order, and everybody concerned is told."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.store.making import ALICE, BOB, Store, chains, event
from tests.store.programs import environment

from halfdoor.messaging.ledger import Append
from halfdoor.messaging.mailbox import EVENT
from halfdoor.store.outerkey import outer_key_file
from halfdoor.store.sqlite.opening import open_store


def run_child(data: Path, files: str, when: str, *, kill_after: int) -> list[list[str]]:
    """Return what the child acknowledged before it died; it is killed after so many lines."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.store.writing_child", str(data), files, when],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    lines = []
    for line in child.stdout:
        lines.append(line.split())
        if len(lines) == kill_after:
            child.kill()
    child.stdout.close()
    assert child.wait(timeout=60) == -signal.SIGKILL
    # The pipe may end in the middle of a line; that one was not acknowledged to anybody.
    return [parts for parts in lines if len(parts) == 3]


async def check_nothing_lost(store: Store, acknowledged: list[list[str]]) -> None:
    """Check every acknowledged event, the chains, and that the inboxes hold each event once."""
    assert acknowledged
    assert all(report.ok for report in await chains(store))
    for conv in {parts[0] for parts in acknowledged}:
        events = await store.conversations.events(
            conv, after=0, before=10**9, limit=10**6, newest_first=False
        )
        kept = {one.fields.event_id: one.seq for one in events}
        told = {event_id: int(seq) for place, event_id, seq in acknowledged if place == conv}
        assert told.items() <= kept.items()
        messages = [one.seq for one in events if one.fields.type == "m.room.message"]
        for user in (ALICE, BOB):
            rows = await store.mailbox.inbox(user, after=0, limit=10**6)
            seqs = [row.seq for row in rows if row.conv == conv and row.kind == EVENT]
            assert [seq for seq in seqs if seq in set(messages)] == messages


@pytest.mark.parametrize("files", ["one", "two"])
async def test_a_killed_process_loses_nothing_it_acknowledged(files: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    acknowledged = run_child(data, files, "never", kill_after=200)
    key = outer_key_file(tmp_path / "keys" / "outer.key", data, make=False)
    store = open_store(data, key, two_files=files == "two")
    await check_nothing_lost(store, acknowledged)
    await store.close()


@pytest.mark.parametrize("when", ["before", "within", "after"])
async def test_a_crash_between_the_two_sides_tells_everybody_exactly_once(
    when: str, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    acknowledged = run_child(data, "two", when, kill_after=10**6)
    key = outer_key_file(tmp_path / "keys" / "outer.key", data, make=False)
    store = open_store(data, key, two_files=True)
    await check_nothing_lost(store, acknowledged)
    # And what comes next is told after it.
    (conv, *_), *_ = acknowledged
    room = await store.conversations.room(conv)
    assert room is not None
    expects = (room.head.hh, room.head.revision)
    said = await store.conversations.append(Append(conv, expects, (event(conv, ALICE, (BOB,)),)))
    assert [one.seq for one in said.told] == [room.head.last_seq + 1] * 2
    await check_nothing_lost(store, acknowledged)
    await store.close()
