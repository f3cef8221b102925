"""The account key's renewal goes on after SIGKILL, and costs no row and no step."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.store.making import ALICE
from tests.store.programs import environment

from halfdoor.accounts.records import Block
from halfdoor.clock import SystemClock
from halfdoor.store.outerkey import outer_key_file
from halfdoor.store.renewal import BATCH
from halfdoor.store.sqlite.accounts import SqliteAccounts
from halfdoor.store.sqlite.opening import Store, open_store

BLOCKS = BATCH * 6


class Later:
    """The machine's clock, after every lease has ended."""

    def now_ms(self) -> int:
        return SystemClock().now_ms() + 3_600_000


def opened(folder: Path) -> Store:
    data = folder / "data"
    key = outer_key_file(folder / "outer.key", data, make=True)
    return open_store(data, key, clock=Later())


def run_child(folder: Path, *, kill_after: int) -> int:
    """Let a process renew, and kill it after so many steps; return how many it did."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.store.renewing_child", str(folder)],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    steps = 0
    for _ in child.stdout:
        steps += 1
        if steps == kill_after:
            child.kill()
    child.stdout.close()
    child.wait(timeout=60)
    return steps


@pytest.mark.parametrize("kill_after", [2, 9, 15])
async def test_it_goes_on_where_it_stood(tmp_path: Path, kill_after: int) -> None:
    store = opened(tmp_path)
    accounts = SqliteAccounts(store.database, store.keys)
    for number in range(BLOCKS):
        peer = f"@peer{number}:a.example"
        await accounts.put_block(Block(user=ALICE, peer=peer, since=number))
    await store.renewal.begin(SystemClock().now_ms())
    await store.close()
    assert run_child(tmp_path, kill_after=kill_after) >= kill_after
    store = opened(tmp_path)
    accounts = SqliteAccounts(store.database, store.keys)
    assert len(await accounts.blocks(ALICE)) == BLOCKS
    at = await store.renewal.progress()
    assert at is not None
    assert at.table + at.rows // BATCH + 2 >= kill_after
    clock = Later()
    job = await store.jobs.claim(clock.now_ms(), 60_000)
    assert job is not None
    while job is not None:
        job = await store.renewal.step(job, clock.now_ms())
    assert (store.keys.account, store.keys.former_accounts) == (2, [])
    assert len(await accounts.blocks(ALICE)) == BLOCKS
    await store.close()
