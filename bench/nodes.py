"""Two nodes on one PostgreSQL beside one node alone: messages delivered a second.

    python -m bench.nodes [--pairs 50] [--seconds 5] [--runs 3] [--json FILE]

With two nodes everybody writes on the first and reads on the second, so that every message wakes
its reader over NATS. On two cores the nodes, PostgreSQL and the load tool share the same cores.
"""

import argparse
import asyncio
import contextlib
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
from bench.crowd import make_pairs
from bench.driving import drive
from bench.figures import percentile
from bench.phases import Found
from bench.servers.halfdoor import Halfdoor
from bench.servers.nats import nats
from bench.servers.postgres import Postgres
from bench.servers.process import Running

_PHASES = ("acknowledged", "delivered", "steady")


@contextlib.contextmanager
def one_node(folder: Path, postgres: Postgres) -> Iterator[tuple[list[Running], Halfdoor]]:
    """One node, without a bus."""
    house = Halfdoor(folder / "one", postgres.dsn)
    with house.run() as server:
        yield [server], house


@contextlib.contextmanager
def two_nodes(folder: Path, postgres: Postgres) -> Iterator[tuple[list[Running], Halfdoor]]:
    """Two nodes and the bus between them."""
    with nats(folder) as bus:
        first = Halfdoor(folder / "first", postgres.dsn, bus)
        with first.run() as a:
            second = Halfdoor(folder / "second", postgres.dsn, bus, beside=first)
            with second.run() as b:
                yield [a, b], first


def measure(nodes: int, seconds: float, count: int) -> list[Found]:
    """Start from nothing, make people, and measure once."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="halfdoor-bench-")))
        postgres = Postgres(None)
        stack.callback(postgres.drop)
        kind = one_node if nodes == 1 else two_nodes
        servers, house = stack.enter_context(kind(folder, postgres))
        crowd = asyncio.run(make_pairs("127.0.0.1", servers[0].port, count, house.introduce))
        crowd.save(folder / "crowd.json")
        others = ["--server-pid", str(servers[-1].pid)] if nodes > 1 else []
        found, _ = drive(
            "bench.load", f"http://127.0.0.1:{servers[0].port}",
            "--reader-url", f"http://127.0.0.1:{servers[-1].port}",
            "--crowd", str(folder / "crowd.json"), "--seconds", str(seconds),
            "--steady-seconds", str(seconds), "--phases", *_PHASES, *others,
            server=servers[0], postgres=postgres, canary="nodes",
            say=lambda text: print(f"{nodes} node(s): {text}", file=sys.stderr),
        )  # fmt: skip
    return found


def main() -> int:
    """Print medians and ranges of one node and of two, alternating."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    runs: dict[int, list[list[Found]]] = {1: [], 2: []}
    for _ in range(options.runs):
        for nodes, found in runs.items():
            found.append(measure(nodes, options.seconds, options.pairs))
    figures: dict[str, float] = {}
    for nodes, found in runs.items():
        for number, phase in enumerate(_PHASES[:2]):
            rates = [run[number].rate for run in found]
            figures[f"{nodes} node(s): {phase} /s"] = statistics.median(rates)
            print(
                f"{nodes} node(s), {phase}: {statistics.median(rates):,.0f} /s"
                f" [{min(rates):,.0f} – {max(rates):,.0f}]"
            )
        late = [percentile(run[2].latencies, 0.99) for run in found]
        figures[f"{nodes} node(s): p99 at 20/s, ms"] = statistics.median(late)
        print(f"{nodes} node(s), p99 at 20/s: {statistics.median(late):.1f} ms")
    if options.json is not None:
        options.json.write_bytes(msgspec.json.encode(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
