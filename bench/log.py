"""How fast a public log takes entries with four witnesses on the same machine, all of it durable.

    python bench/log.py [--entries 20000] [--offers 200]

1. Many entries are offered at once: entries a second from the first offer to the checkpoint that a
   quorum cosigned. 2. Single entries come one after another: milliseconds from the offer to the
   checkpoint that covers it. The store is the embedded one, files lie in a folder, witnesses are
   processes of their own that are asked over HTTP; every write is synced before it counts.
"""

import argparse
import asyncio
import os
import platform
import secrets
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.journeys.witness_process import WitnessProcess
from tests.transparency.log_fakes import LOG, ORIGIN, policy_of

from halfdoor.apps.log import LogKeeper
from halfdoor.clock import SystemClock
from halfdoor.merkle.keys import VerifierKey
from halfdoor.store.log_folder import FolderFiles
from halfdoor.store.outerkey import outer_key_file
from halfdoor.store.sqlite.opening import open_store
from halfdoor.transparency.log_store import LogState
from halfdoor.web.logs import configure
from halfdoor.web.outbound.witnesses import HttpWitness, witness_client

ONE_OFFER = 100


def leaf(number: int) -> bytes:
    # As long as a HEARTBEAT.
    return b'{"n":%d,"padding":"%s"}' % (number, secrets.token_hex(200).encode())


class Published:
    """How many entries a quorum vouched for."""

    def __init__(self) -> None:
        self._size = 0
        self._moved = asyncio.Event()

    async def show(self, state: LogState) -> None:
        self._size = state.published
        self._moved.set()

    async def wait(self, size: int) -> None:
        while self._size < size:
            self._moved.clear()
            await self._moved.wait()


async def measure(folder: Path, entries: int, offers: int) -> None:
    published = Published()
    names = ["w1", "w2", "w3", "w4"]
    witnesses = {name: WitnessProcess(folder, name, [str(LOG.public)]) for name in names}
    key = outer_key_file(folder / "outer.key", folder / "data", make=True)
    store = open_store(folder / "data", key, clock=SystemClock())
    await store.log.begin(ORIGIN)
    try:
        for one in witnesses.values():
            one.start()
        async with witness_client() as client:
            keeper = LogKeeper(
                store=store.log,
                files=FolderFiles(folder / "public"),
                key=LOG,
                policy=policy_of({n: VerifierKey.parse(w.vkey) for n, w in witnesses.items()}),
                peers={n: HttpWitness(w.url, client) for n, w in witnesses.items()},
                clock=SystemClock(),
                log=configure("warning"),
                show=published.show,
            )
            running = asyncio.create_task(keeper.run())
            await throughput(keeper, published, entries)
            await latency(keeper, published, entries, offers)
            running.cancel()
    finally:
        await store.close()
        for one in witnesses.values():
            one.kill()
    size = sum(one.stat().st_size for one in (folder / "public").rglob("*") if one.is_file())
    print(f"{size / (entries + offers):,.0f} bytes of files an entry, partial tiles included")


async def throughput(keeper: LogKeeper, published: Published, entries: int) -> None:
    leaves = [leaf(number) for number in range(entries)]
    begun = time.perf_counter()
    for at in range(0, entries, ONE_OFFER):
        await keeper.offer(leaves[at : at + ONE_OFFER])
    offered = time.perf_counter() - begun
    await published.wait(entries)
    seconds = time.perf_counter() - begun
    print(f"{entries / seconds:,.0f} entries/s ({seconds:.2f} s, {offered:.2f} of them to offer)")


async def latency(keeper: LogKeeper, published: Published, before: int, offers: int) -> None:
    found = []
    for number in range(offers):
        one = leaf(before + number)
        begun = time.perf_counter()
        await keeper.offer([one])
        await published.wait(before + number + 1)
        found.append(1000 * (time.perf_counter() - begun))
        await asyncio.sleep(secrets.randbelow(300) / 1000)
    found.sort()
    p99 = found[int(0.99 * len(found))]
    print(f"append to cosigned: median {statistics.median(found):.0f} ms, p99 {p99:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=20_000)
    parser.add_argument("--offers", type=int, default=200)
    chosen = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory(prefix="halfdoor-log-") as folder:
        asyncio.run(measure(Path(folder), chosen.entries, chosen.offers))


if __name__ == "__main__":
    main()
