"""`halfdoor verify` says what it found, by name, and its exit code says the same."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.transparency.log_in_folder import recent_log, write_log, write_policy
from tests.transparency.public_log import DAY_MS, PublicLog
from typer.testing import CliRunner

from halfdoor.cli.main import app
from halfdoor.merkle.checkpoint import parse_checkpoint
from halfdoor.sealing.labels import b64
from halfdoor.transparency.memory import read_memory
from halfdoor.transparency.report import report_json
from halfdoor.transparency.source import REPORT

Verify = Callable[..., Any]


@pytest.fixture
def log() -> PublicLog:
    return asyncio.run(recent_log())


@pytest.fixture
def folder(log: PublicLog, tmp_path: Path) -> Path:
    return asyncio.run(write_log(log, tmp_path / "log"))


@pytest.fixture
def verify(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Verify:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "200")
    policy = write_policy(tmp_path / "pinned.policy")

    def run(*words: str, where: str | None = None) -> Any:
        line = ["verify", where or str(folder), "--policy", str(policy), *words]
        return CliRunner().invoke(app, line, catch_exceptions=False)

    return run


def checks(told: Any) -> set[str]:
    return {one["check"] for one in json.loads(told.stdout)["findings"]}


def test_an_edited_entry_is_named_and_exits_with_1(folder: Path, verify: Verify) -> None:
    path = folder / "tile/entries/000.p/4"
    path.write_bytes(path.read_bytes().replace(b'"users":0', b'"users":7', 1))
    told = verify()
    assert told.exit_code == 1
    assert "failed: tile-hash at entry 1" in told.stdout
    assert "did NOT pass" in told.stdout
    told = verify("--json")
    assert told.exit_code == 1
    assert checks(told) == {"tile-hash"}


def test_other_numbers_are_named(folder: Path, verify: Verify) -> None:
    (folder / REPORT).write_bytes(report_json(4, [])[:-2] + b"2}")
    told = verify("--json")
    assert (told.exit_code, checks(told)) == (1, {"report-numbers"})


def test_a_log_that_shrank_leaves_both_checkpoints_as_evidence(
    log: PublicLog, folder: Path, verify: Verify, tmp_path: Path
) -> None:
    before = parse_checkpoint((folder / "checkpoint/latest").read_bytes())
    assert verify().exit_code == 0
    asyncio.run(write_log(asyncio.run(recent_log(days=2)), folder))
    told = verify("--json")
    assert (told.exit_code, checks(told)) == (1, {"log-shrank"})
    [evidence] = (tmp_path / "state/halfdoor/verify").glob("*.evidence")
    seen = parse_checkpoint((evidence / "seen-before").read_bytes())
    shown = parse_checkpoint((evidence / "shown-now").read_bytes())
    assert (seen.head, shown.head.size) == (before.head, 3)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no quorum line"),
        ("quorum none\n", "names 0 logs"),
        ("log x\nquorum none\n", "line 1"),
    ],
)
def test_a_policy_that_proves_nothing_is_refused(
    verify: Verify, tmp_path: Path, text: str, why: str
) -> None:
    bad = tmp_path / "bad.policy"
    bad.write_text(text)
    told = verify("--policy", str(bad))
    assert told.exit_code == 2
    assert why in told.stderr


def test_a_policy_without_a_witness_is_refused(verify: Verify, tmp_path: Path) -> None:
    alone = tmp_path / "alone.policy"
    line = (tmp_path / "pinned.policy").read_text().split("\n", 1)[0]
    alone.write_text(f"{line}\nquorum none\n")
    told = verify("--policy", str(alone))
    assert told.exit_code == 2
    assert "no witness" in told.stderr


@pytest.mark.parametrize(
    "where", ["ftp://example.org", "http://log.example.org", "https://a@b.example", "https://"]
)
def test_an_address_that_is_not_safe_is_not_asked(verify: Verify, where: str) -> None:
    assert verify(where=where).exit_code == 2


def test_a_folder_that_is_not_there_is_not_a_bad_log(verify: Verify, tmp_path: Path) -> None:
    told = verify(where=str(tmp_path / "nowhere"))
    assert told.exit_code == 2
    assert "could not be read" in told.stderr


def test_a_memory_that_is_none_of_ours_is_not_overwritten(verify: Verify, tmp_path: Path) -> None:
    spoilt = tmp_path / "memory.json"
    spoilt.write_text('{"v":9}')
    told = verify("--memory", str(spoilt))
    assert told.exit_code == 2
    assert spoilt.read_text() == '{"v":9}'


def test_an_honest_log_passes_and_the_next_run_goes_on(
    log: PublicLog, folder: Path, verify: Verify, tmp_path: Path
) -> None:
    kept = tmp_path / "kept" / "memory.json"
    told = verify("--memory", str(kept))
    assert told.exit_code == 0
    assert "4 entries" in told.stdout
    assert "Every check passed." in told.stdout
    assert read_memory(kept.read_bytes()).size == 4
    asyncio.run(log.append(log.grant(b64(bytes(32)))))
    asyncio.run(write_log(log, folder))
    # What was checked before is not read again: it may even be gone.
    told = verify("--memory", str(kept), "--json")
    assert told.exit_code == 1
    assert checks(told) == {"grant-policy"}
    assert read_memory(kept.read_bytes()).size == 4


def test_numbers_say_what_they_rest_on(log: PublicLog, folder: Path, verify: Verify) -> None:
    asyncio.run(log.append(log.grant(b64(bytes(32)), drill=True)))
    asyncio.run(write_log(log, folder))
    told = verify("--no-memory", "--json")
    [number] = json.loads(told.stdout)["numbers"]
    assert (number["row"], number["basis"]) == ("drills", "proved")
    assert "proved" in verify("--no-memory").stdout


def test_without_a_memory_nothing_is_written(verify: Verify, tmp_path: Path) -> None:
    assert verify("--no-memory").exit_code == 0
    assert not (tmp_path / "state").exists()


def test_a_terminal_is_not_moved_by_what_a_log_says(
    log: PublicLog, folder: Path, verify: Verify
) -> None:
    asyncio.run(log.append(log.grant(entity="evil\x1b[2J")))
    asyncio.run(write_log(log, folder))
    told = verify("--no-memory")
    assert told.exit_code == 1
    assert "\x1b" not in told.stdout


def test_an_old_copy_is_judged_as_of_its_time(log: PublicLog, folder: Path, verify: Verify) -> None:
    log.clock.now -= 30 * DAY_MS
    old = PublicLog()
    old.clock.now = log.clock.now
    asyncio.run(old.append(old.policy()))
    for path in folder.rglob("*"):
        if path.is_file():
            path.unlink()
    asyncio.run(write_log(old, folder))
    then = datetime.fromtimestamp(old.clock.now / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    assert "checkpoint-stale" in checks(verify("--no-memory", "--json"))
    assert verify("--no-memory", "--at", then).exit_code == 0
    assert verify("--no-memory", "--at", "yesterday").exit_code == 2


def test_a_copy_is_made_checked_and_watched(folder: Path, verify: Verify, tmp_path: Path) -> None:
    policy, copy = str(tmp_path / "pinned.policy"), str(tmp_path / "copy")
    told = CliRunner().invoke(app, ["mirror", str(folder), copy, "--policy", policy, "--json"])
    assert json.loads(told.stdout) == {"folder": copy, "size": 4}
    assert verify(where=copy).exit_code == 0
    watch = ["monitor", str(folder), copy, "--policy", policy, "--once"]
    told = CliRunner().invoke(app, watch)
    assert (told.exit_code, told.stdout) == (0, "")
    (Path(copy) / "checkpoint/latest").write_bytes(b"nothing")
    told = CliRunner().invoke(app, [*watch, "--json"])
    assert told.exit_code == 1
    assert json.loads(told.stdout)["check"] == "note-form"
    told = CliRunner().invoke(app, ["mirror", str(folder), copy, "--policy", policy])
    assert told.exit_code == 1
    assert "note-form" in told.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["--every", "5"],
        ["--every", "0s"],
        ["--webhook", "https://example.org/hook"],
        ["--webhook-secret", "secret"],
        ["--webhook", "http://example.org/hook", "--webhook-secret", "secret"],
        ["--webhook", "https://example.org/hook", "--webhook-secret", "nowhere"],
    ],
)
def test_a_monitor_that_could_tell_nobody_does_not_begin(
    folder: Path, tmp_path: Path, words: list[str]
) -> None:
    policy = str(write_policy(tmp_path / "pinned.policy"))
    told = CliRunner().invoke(app, ["monitor", str(folder), "--policy", policy, "--once", *words])
    assert told.exit_code == 2
