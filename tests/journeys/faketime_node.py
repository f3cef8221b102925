"""`halfdoor` under libfaketime with the machine's own monotonic clock.

`python -m tests.journeys.faketime_node WORD…`. Where only the time of day is to be false,
libfaketime refuses every wait until a moment (EINVAL), and so `time.sleep`; not a wait for a while.
"""

import select
import sys
import time
from pathlib import Path


def _wait(seconds: float) -> None:
    select.select([], [], [], seconds)


if __name__ == "__main__":
    # Before anything is imported that keeps the function.
    time.sleep = _wait  # type: ignore[assignment]
    from halfdoor.cli.main import main

    sys.argv[0] = str(Path(sys.executable).with_name("halfdoor"))
    main()
