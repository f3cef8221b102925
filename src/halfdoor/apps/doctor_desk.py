"""What `halfdoor doctor` says of the staff log: whether every line continues the one before."""

from typing import Final

from halfdoor.apps.checks import Check
from halfdoor.readers.review.store import DeskStore
from halfdoor.sealing.outer import RowMacError

_AT_ONCE: Final = 1000


async def staff_log_check(desk: DeskStore, at_once: int = _AT_ONCE) -> Check:
    """Recompute the staff log of *desk* from its first line to its last, *at_once* many a time."""
    name, last = "staff log", 0
    try:
        while lines := await desk.staff_log(last, at_once):
            last = lines[-1].n
    except RowMacError as error:
        return Check(
            name,
            "failed",
            f"{error}. Lines up to {last} are as they were written.",
            "Keep the files as they are, and look for who could write them.",
        )
    if not last:
        return Check(name, "ok", "empty: nobody of the staff has done anything yet.")
    return Check(name, "ok", f"{last} lines, each continues the one before, none is missing.")
