"""Where a delivered message's processor time goes: a flame graph, and a table by part.

    python -m bench.flame [--svg bench/flame.svg] [--seconds 15] [--json FILE]

Fifty pairs talk in a closed loop over SQLite while py-spy looks at the stacks of the server's
Python threads. A part is found by the innermost frame that belongs to one; what its callees in C
take counts as its own. The samples of each thread share that thread's processor time from /proc, so
that a thread that waits, or a busy machine that lets it wait, lengthens nothing.
"""

import argparse
import asyncio
import contextlib
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import msgspec
from bench.crowd import make_pairs
from bench.drawing import svg, tree
from bench.environment import cache_folder, programs
from bench.phases import Found
from bench.servers.halfdoor import Halfdoor
from bench.usage import thread_seconds

_SAMPLES = "250"
# The first that stands in a frame's file name, from the innermost frame outwards, names the part.
_PARTS = {
    "halfdoor/sealing/": "sealing, opening, chain, outer layer",
    "halfdoor/readers/": "keyring",
    "halfdoor/store/": "store",
    "halfdoor/messaging/": "messaging: send, sync, rules of rooms",
    "halfdoor/safety/": "rules of contact",
    "halfdoor/accounts/": "sessions and accounts",
    "halfdoor/web/": "web: parsing, routes, answers",
}
_LOOP = "event loop and HTTP: uvloop, sockets, tasks"
_NATIVE = "threads that never ran Python"
_THREAD = re.compile(r"thread \((\d+)\)")

Stacks = dict[int, Counter[tuple[str, ...]]]


def stacks_of(raw: str) -> Stacks:
    """Return the stacks of each thread and how often each was seen; *raw* is py-spy's."""
    found: Stacks = {}
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        named, *frames = stack.split(";")
        if (thread := _THREAD.match(named)) is not None:
            found.setdefault(int(thread[1]), Counter())[tuple(frames)] += int(count)
    return found


def part_of(frames: tuple[str, ...]) -> str:
    """Return the part of the house in which a stack was at work."""
    for frame in reversed(frames):
        for place, name in _PARTS.items():
            if place in frame:
                return name
    return _LOOP


def record(program: Path, pid: int, seconds: float, file: Path) -> None:
    """Write *seconds* of a process's stacks into *file*."""
    subprocess.run(
        [
            program, "record", "--pid", str(pid), "--duration", str(round(seconds)),
            "--rate", _SAMPLES, "--threads", "--format", "raw", "--output", file,
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip


def profile(
    cache: Path, seconds: float, pairs: int
) -> tuple[list[tuple[tuple[str, ...], float]], float]:
    """Return every stack with its µs a delivered message, and messages delivered a second."""
    program = programs(cache) / "py-spy"
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="halfdoor-bench-")))
        house = Halfdoor(folder, None)
        server = stack.enter_context(house.run())
        crowd = asyncio.run(make_pairs("127.0.0.1", server.port, pairs, house.introduce))
        crowd.save(folder / "crowd.json")
        command = [
            sys.executable, "-m", "bench.load", f"http://127.0.0.1:{server.port}",
            "--crowd", str(folder / "crowd.json"), "--phases", "delivered",
            "--seconds", str(seconds + 4),
        ]  # fmt: skip
        driver = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        # Past its two seconds of warming up.
        time.sleep(4)
        before, started = thread_seconds(server.pid), time.perf_counter()
        record(program, server.pid, seconds, folder / "stacks")
        took, after = time.perf_counter() - started, thread_seconds(server.pid)
        said, _ = driver.communicate(timeout=120)
        found = msgspec.json.decode(said.splitlines()[0], type=Found)
        seen = stacks_of((folder / "stacks").read_text())
    weighed: list[tuple[tuple[str, ...], float]] = []
    for thread, spent in after.items():
        counts = seen.get(thread, Counter({(_NATIVE,): 1}))
        each = (spent - before.get(thread, 0.0)) * 1e6 / counts.total() / (found.rate * took)
        weighed += [(frames, count * each) for frames, count in counts.items()]
    return weighed, found.rate


def parts(weighed: list[tuple[tuple[str, ...], float]]) -> dict[str, float]:
    """Return the µs of each part, the largest first."""
    found: dict[str, float] = {}
    for frames, weight in weighed:
        name = _NATIVE if frames == (_NATIVE,) else part_of(frames)
        found[name] = found.get(name, 0.0) + weight
    return dict(sorted(found.items(), key=lambda one: -one[1]))


def main() -> int:
    """Draw and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--svg", type=Path, default=Path("bench/flame.svg"))
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--cache", type=Path, default=cache_folder())
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    weighed, rate = profile(options.cache, options.seconds, options.pairs)
    figures = parts(weighed)
    title = f"Halfdoor on SQLite, {options.pairs} pairs: processor time of a delivered message"
    options.svg.write_text(svg(tree(weighed), title, "µs"), encoding="utf-8")
    print(f"{rate:,.0f} messages delivered a second while being watched")
    for name, value in figures.items():
        print(f"{value:8.1f} µs  {name}")
    print(f"{sum(figures.values()):8.1f} µs  in all; drawn in {options.svg}")
    if options.json is not None:
        options.json.write_bytes(msgspec.json.encode(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
