"""Processor time and memory of a process and everything it started, from /proc."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Memory:
    """In MiB: *resident* counts a shared page for everyone, *proportional* once."""

    resident: float
    proportional: float


def family(root: int) -> list[int]:
    """Return *root* and all its descendants that live."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def cpu_seconds(roots: list[int]) -> float:
    """Return the processor time of these families so far, of children that ended too."""
    ticks = 0
    for root in roots:
        for pid in family(root):
            fields = _stat(pid)
            # utime, stime, and those of children that were waited for.
            ticks += sum(int(value) for value in fields[11:15])
    return ticks / _TICK


def memory(roots: list[int]) -> Memory:
    """Return the memory of these families."""
    resident = proportional = 0
    for pid in (one for root in roots for one in family(root)):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
        resident += sizes["Rss"]
        proportional += sizes["Pss"]
    return Memory(resident / 1024, proportional / 1024)


def thread_seconds(pid: int) -> dict[int, float]:
    """Return the processor time of each thread of a process."""
    threads = [int(one.name) for one in Path(f"/proc/{pid}/task").iterdir()]
    fields = {thread: _stat(pid, thread) for thread in threads}
    return {
        thread: sum(int(value) for value in one[11:13]) / _TICK for thread, one in fields.items()
    }


def _stat(pid: int, thread: int | None = None) -> list[str]:
    """Return the fields of /proc/PID/stat from the third on; nothing where it has ended."""
    place = Path(f"/proc/{pid}/stat" if thread is None else f"/proc/{pid}/task/{thread}/stat")
    try:
        text = place.read_text()
    except OSError:
        return []
    return text[text.rindex(")") + 2 :].split()
