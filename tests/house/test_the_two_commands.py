"""`scripts/up`, `scripts/check` and `.ci/run` stop with a name when something is missing."""

import asyncio
import importlib.util
import os
import select
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SH = shutil.which("sh") or "sh"


def program(folder: Path, name: str, body: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!{SH}\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


def shell(
    script: str, *, path: Path | str, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SH, "-euc", script],
        cwd=cwd or ROOT,
        env={"PATH": str(path), "HOME": str(cwd or ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("script", ["scripts/up", "scripts/check", "scripts/lock", ".ci/run"])
def test_a_command_is_executable_and_plain_sh(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    assert (ROOT / script).read_text(encoding="utf-8").startswith("#!/bin/sh\n")
    subprocess.run([SH, "-n", ROOT / script], check=True)


def test_a_missing_debian_package_is_named_when_we_are_not_root(tmp_path: Path) -> None:
    program(tmp_path, "id", "echo 1000")
    program(tmp_path, "apt-get", 'echo "apt-get must not run" >&2; exit 99')
    program(tmp_path, "basename", "echo check")
    run = shell(". scripts/_bootstrap.sh; need_debian faketime faketime", path=tmp_path)
    assert run.returncode == 1
    assert "as root: apt-get install faketime" in run.stderr
    assert "must not run" not in run.stderr
    assert run.stdout == ""


def test_root_installs_a_missing_debian_package_after_an_update(tmp_path: Path) -> None:
    program(tmp_path, "id", "echo 0")
    program(tmp_path, "basename", "echo check")
    program(
        tmp_path,
        "apt-get",
        f'echo "apt-get $*"; [ "$1" = update ] || echo "#!{SH}" >{tmp_path}/faketime; '
        f'[ "$1" = update ] || {shutil.which("chmod")} +x {tmp_path}/faketime',
    )
    run = shell(". scripts/_bootstrap.sh; need_debian faketime faketime", path=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "apt-get update" in run.stderr.splitlines()[1]
    assert "apt-get install" in run.stderr.splitlines()[2]
    assert run.stdout == ""


def test_an_installation_that_fails_stops_the_script(tmp_path: Path) -> None:
    program(tmp_path, "id", "echo 0")
    program(tmp_path, "basename", "echo check")
    program(tmp_path, "apt-get", '[ "$1" = update ]')
    run = shell(". scripts/_bootstrap.sh; need_debian faketime faketime", path=tmp_path)
    assert run.returncode == 1
    assert "'faketime' could not be installed" in run.stderr


def test_an_old_python_is_refused_by_name(tmp_path: Path) -> None:
    program(tmp_path, "python3", "exit 1")
    program(tmp_path, "basename", "echo up")
    run = shell(". scripts/_bootstrap.sh; find_python", path=tmp_path)
    assert run.returncode == 1
    assert "up: Python 3.11 or newer is needed" in run.stderr


def test_a_newer_python_beside_an_old_one_is_found(tmp_path: Path) -> None:
    program(tmp_path, "python3", "exit 1")
    program(tmp_path, "python3.12", "exit 0")
    run = shell('. scripts/_bootstrap.sh; find_python; echo "$PYTHON"', path=tmp_path)
    assert (run.returncode, run.stdout) == (0, "python3.12\n")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose check says where it ran and what it saw, and exits with 7."""
    root = tmp_path / "repository"
    (root / ".ci").mkdir(parents=True)
    shutil.copy2(ROOT / ".ci" / "run", root / ".ci" / "run")
    program(
        root / "scripts",
        "check",
        'root=$(dirname "$0")/..; echo "args:$*"; ls "$root"; cd "$root" && pwd; exit 7',
    )
    git = ["git", "-C", str(root), "-c", "user.name=t", "-c", "user.email=t@localhost"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message=first"], check=True)
    (root / "not-committed").touch()
    return root


def test_ci_checks_a_clean_clone_and_passes_on_what_the_check_says(
    repository: Path, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    run = subprocess.run(
        [repository / ".ci" / "run", "--long"],
        cwd=tmp_path,
        # As a git hook would call it, pointed at another repository's files.
        env={**os.environ, "TMPDIR": str(work), "GIT_INDEX_FILE": str(tmp_path / "other")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    args, listing, where = run.stdout.splitlines()
    assert run.returncode == 7, run.stderr
    assert (args, listing) == ("args:--long", "scripts")
    assert Path(where).is_relative_to(work)
    assert "not committed" in run.stderr
    assert list(work.iterdir()) == []


@pytest.fixture(scope="module")
def runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location("_stages", ROOT / "scripts" / "_stages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["_stages"] = module
    spec.loader.exec_module(module)
    return module


def test_a_report_that_is_missing_counts_no_tests(runner: ModuleType, tmp_path: Path) -> None:
    assert runner.count(tmp_path / "nothing.xml") == (0, 0)


def test_a_skipped_test_counts_as_failed(runner: ModuleType, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite tests="9" failures="1" errors="1" skipped="2"/></testsuites>',
        encoding="utf-8",
    )
    assert runner.count(report) == (5, 4)


def test_a_stage_that_fails_is_shown_whole_and_the_others_still_run(
    runner: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = [
        runner.Stage("bad", [SH, "-c", "echo first; echo second >&2; exit 3"]),
        runner.Stage("absent", ["/nonexistent/program"]),
        runner.Stage("good", [SH, "-c", "echo kept quiet; echo 5 guards"], slots=2),
        runner.Stage("last", [SH, "-c", "echo done"], after=("good",)),
    ]
    outcomes = asyncio.run(runner.run_all(plan, dict(os.environ), 60))
    assert {o.stage.name: o.code for o in outcomes} == {
        "bad": 3,
        "absent": None,
        "good": 0,
        "last": 0,
    }
    shown = capsys.readouterr().out
    assert "first\nsecond\n" in shown
    assert "5 guards" in shown
    assert "kept quiet" not in shown


def test_a_stage_that_hangs_is_ended_with_all_it_started(
    runner: ModuleType, tmp_path: Path
) -> None:
    """The child holds a pipe open for as long as it lives."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    stage = runner.Stage("hangs", [SH, "-c", 'sleep 600 >"$0" & echo begun; sleep 600', str(pipe)])
    outcome = asyncio.run(runner.run(stage, dict(os.environ), 0.5))
    ended, _, _ = select.select([reading], [], [], 30)
    os.close(reading)
    assert outcome.code is None
    assert outcome.output.splitlines() == ["begun", "still running after 0.5 s, ended"]
    assert ended


def test_the_stages_do_not_see_the_callers_settings(
    runner: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HALFDOOR_DATA", "somewhere")
    monkeypatch.setenv("HALFDOOR_LONG", "1")
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    assert {"HALFDOOR_DATA", "HALFDOOR_LONG", "PYTHONPATH"}.isdisjoint(
        runner.environment(long=False)
    )
    assert runner.environment(long=True)["HALFDOOR_LONG"] == "1"
