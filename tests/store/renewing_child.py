"""A process that renews the account key until it is killed: `python -m … DIR`.

It prints one line for each step that is durable.
"""

import asyncio
import sys
from pathlib import Path

from halfdoor.clock import SystemClock
from halfdoor.store.outerkey import outer_key_file
from halfdoor.store.sqlite.opening import open_store

_LEASE_MS = 60_000


async def main() -> None:
    """Take the job and do it, step by step."""
    folder = Path(sys.argv[1])
    data, clock = folder / "data", SystemClock()
    store = open_store(data, outer_key_file(folder / "outer.key", data, make=False))
    job = await store.jobs.claim(clock.now_ms(), _LEASE_MS)
    while job is not None:
        job = await store.renewal.step(job, clock.now_ms())
        sys.stdout.write("step\n")
        sys.stdout.flush()
    await store.close()


if __name__ == "__main__":
    asyncio.run(main())
