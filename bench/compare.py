"""Halfdoor beside Synapse, and beside ejabberd where Debian's is installed, on this machine.

    python -m bench.compare [--json FILE] [--quick]

Installs Synapse from PyPI into an environment of its own (below ~/.cache), then runs the servers in
turn, on SQLite and on PostgreSQL, several times, and prints medians, ranges and ratios. Plain HTTP
on loopback, one server process, the same load tool and the same number of connections for all.
Afterwards it looks for its own words in Halfdoor's files and recomputes every chain.
"""

import argparse
import os
import platform
import secrets
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec
from bench.cell import Measured, Plan
from bench.environment import cache_folder, pinned, programs
from bench.results import write_results
from bench.servers.ejabberd import Ejabberd, ejabberd_version
from bench.servers.halfdoor import Halfdoor
from bench.servers.postgres import Postgres
from bench.servers.synapse import Synapse
from bench.shape import Cell, Report
from bench.table import print_table
from bench.xmpp_cell import MeasuredEjabberd

_SERVERS = ("halfdoor", "synapse", "ejabberd")
_STORES = ("sqlite", "postgresql")


class Comparison:
    """All cells of one comparison, in one temporary folder."""

    def __init__(self, options: argparse.Namespace, folder: Path, stack: ExitStack) -> None:
        self._options, self._folder, self._stack = options, folder, stack
        self._started = time.perf_counter()
        self.report = Report(
            date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            machine=machine(),
            versions={"python": platform.python_version(), "halfdoor": version("halfdoor")},
            options={
                "pairs": options.pairs,
                "seconds": options.seconds,
                "runs": options.runs,
                "rate": options.rate,
            },
        )

    def run(self) -> Report:
        """Measure everything that was asked for."""
        for store in self._options.stores:
            cells = [self._cell(name, store) for name in self._names(store)]
            for one in cells:
                one.make(self._saying(one.cell))
            for run in range(self._options.runs):
                # Every second run the other way about: what the last one left helps nobody.
                for one in cells if run % 2 == 0 else cells[::-1]:
                    one.hot(self._saying(one.cell, f"hot {run + 1}"))
                    self._keep()
            for run in range(self._options.runs if self._options.cold else 0):
                for one in cells if run % 2 == 0 else cells[::-1]:
                    one.cold(run, self._saying(one.cell, f"cold {run + 1}"))
                    self._keep()
            for one in cells:
                one.check(self._saying(one.cell))
        self._keep()
        return self.report

    def _keep(self) -> None:
        """Write down what there is: what fails later takes nothing of it away."""
        if self._options.json is not None:
            figures = msgspec.json.format(msgspec.json.encode(self.report), indent=1)
            self._options.json.write_bytes(figures)

    def _names(self, store: str) -> list[str]:
        names = [name for name in self._options.servers if name != "ejabberd"]
        if "ejabberd" in self._options.servers and store == "postgresql":
            if ejabberd_version():
                names.append("ejabberd")
            else:
                self._say("ejabberd is not installed (Debian package ejabberd): left out")
        return names

    def _cell(self, name: str, store: str) -> "Measured | MeasuredEjabberd":
        options, folder = self._options, self._folder / f"{name}-{store}"
        postgres = None
        if store == "postgresql":
            postgres = Postgres(options.postgres_bin)
            self._stack.callback(postgres.drop)
            self.report.versions["postgresql"] = postgres.version
        dsn = postgres.dsn if postgres is not None else None
        plan = Plan(
            pairs=options.pairs,
            conversations=options.conversations if name == "halfdoor" else options.sample,
            seconds=options.seconds,
            steady_seconds=options.steady_seconds,
            rate=options.rate,
            each=5,
            runs=options.runs,
            canary=f"canary-{secrets.token_hex(8)}",
        )
        if name == "ejabberd" and postgres is not None:
            cell = Cell(server=name, version=ejabberd_version(), store=store, hash_cost="")
            measured = MeasuredEjabberd(Ejabberd(folder, postgres), postgres, cell, plan)
            self.report.cells.append(cell)
            return measured
        if name == "halfdoor":
            server: Halfdoor | Synapse = Halfdoor(folder, dsn)
            number = version("halfdoor")
        else:
            server = Synapse(programs(options.cache) / "python", folder, dsn)
            number = pinned("matrix-synapse")
        cell = Cell(server=name, version=number, store=store, hash_cost=server.hash_cost())
        if postgres is not None:
            postgres.halt()
        self.report.cells.append(cell)
        return Measured(server, folder, postgres, cell, plan)

    def _saying(self, cell: Cell, what: str = "") -> "Saying":
        return Saying(self, f"{cell.server} on {cell.store} {what}".strip())

    def say(self, text: str) -> None:
        minutes, seconds = divmod(int(time.perf_counter() - self._started), 60)
        sys.stderr.write(f"{minutes:3}:{seconds:02}  {text}\n")

    _say = say


class Saying:
    """Progress of one cell."""

    def __init__(self, comparison: Comparison, what: str) -> None:
        self._comparison, self._what = comparison, what

    def __call__(self, text: str) -> None:
        self._comparison.say(f"{self._what}: {text}")


def machine() -> str:
    """Say what this machine is."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    kernel = ".".join(platform.release().split(".")[:2])
    return f"{os.cpu_count()} cores ({model}), {system}, Linux {kernel}"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stores", nargs="+", choices=_STORES, default=list(_STORES))
    parser.add_argument("--servers", nargs="+", choices=_SERVERS, default=list(_SERVERS))
    parser.add_argument("--runs", type=int, default=3, help="alternating runs of each")
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=5, help="of each phase")
    parser.add_argument("--steady-seconds", type=float, default=8, help="of the steady phase")
    parser.add_argument("--rate", type=float, default=20, help="messages/s of the steady phase")
    parser.add_argument("--conversations", type=int, default=5000, help="cold, on Halfdoor")
    parser.add_argument("--sample", type=int, default=180, help="cold, on Synapse")
    parser.add_argument("--no-cold", dest="cold", action="store_false")
    parser.add_argument("--quick", action="store_true", help="about a minute: SQLite, once, short")
    parser.add_argument("--json", type=Path, help="write every figure here")
    parser.add_argument("--results", type=Path, help="write the tables into this Markdown file")
    parser.add_argument("--postgres-bin", type=Path, help="programs of another PostgreSQL")
    parser.add_argument(
        "--cache",
        type=Path,
        default=cache_folder(),
        help="where Synapse is installed",
    )
    options = parser.parse_args()
    if options.quick:
        options.stores, options.runs, options.seconds = ["sqlite"], 1, 3
        options.steady_seconds = 3
        options.pairs, options.conversations, options.sample = 10, 100, 20
    return options


def main() -> int:
    """Compare, print, write; 1 where something was found that must not be."""
    options = arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="halfdoor-bench-"))
            report = Comparison(options, Path(folder), stack).run()
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped; nothing was left behind\n")
        return 130
    print_table(report)
    if options.results is not None:
        write_results(report, options.results)
    return 1 if any(cell.wrong for cell in report.cells) else 0


if __name__ == "__main__":
    sys.exit(main())
