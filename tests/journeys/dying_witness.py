"""A witness whose power is cut at the worst moment: python dying_witness.py WHEN NTH serve …

It ends itself `before` or `after` it keeps the NTH checkpoint that its memory is asked to keep.
"""

import os
import signal
import sys

from halfdoor.apps.witness import LoudMemory
from halfdoor.cli.main import main

_keep = LoudMemory.replace


def _die_when(when: str, nth: int) -> None:
    asked = 0

    async def replace(self: LoudMemory, origin: str, old: bytes | None, new: bytes) -> bool:
        nonlocal asked
        asked += 1
        if asked == nth and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        kept = await _keep(self, origin, old, new)
        if asked == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return kept

    LoudMemory.replace = replace  # type: ignore[method-assign]


if __name__ == "__main__":
    _die_when(sys.argv[1], int(sys.argv[2]))
    sys.argv = ["halfdoor", *sys.argv[3:]]
    main()
