"""The state of the house as an administrator sees it: rules, release, custodians, backups."""

import dataclasses
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.messaging.little_house import escrow_set

from halfdoor.apps.backup_record import (
    FILE,
    BackupRecord,
    Copy,
    Drill,
    note_backup,
    note_drill,
    read_record,
)
from halfdoor.apps.house_state import backup_state, custody_state, drill_states, policy_state
from halfdoor.apps.release import release, release_check, release_of
from halfdoor.policy.load import load
from halfdoor.sealing.shares import EscrowSet

COPY = Copy(folder="/b", number=3, made=5_000, store="sqlite", rows=9, parts=2, size=700)


# --- release --------------------------------------------------------------------------------------


def test_a_file_that_was_changed_added_or_lost_is_named() -> None:
    recorded = {"a.py": b"1" * 32, "b.py": b"2" * 32, "c.py": b"3" * 32}
    found = {"a.py": b"1" * 32, "b.py": b"9" * 32, "d.py": b"4" * 32}
    made = release_of(found, "1.0", recorded)
    assert made.changed == ("b.py", "c.py", "d.py")
    check = release_check(made)
    assert check.result == "failed"
    assert "b.py" in check.found


def test_a_release_as_it_was_installed_is_well_and_a_tree_has_nothing_to_compare() -> None:
    files = {"a.py": b"1" * 32}
    assert release_check(release_of(files, "1.0", files)).result == "ok"
    tree = release_of(files, "1.0", {})
    assert tree.changed is None
    assert "working tree" in release_check(tree).found


def test_the_digest_follows_every_name_and_every_content() -> None:
    one = release_of({"a.py": b"1" * 32, "b.py": b"2" * 32}, "1", {}).digest
    assert release_of({"b.py": b"2" * 32, "a.py": b"1" * 32}, "1", {}).digest == one
    others: tuple[dict[str, bytes], ...]
    others = ({"a.py": b"2" * 32, "b.py": b"1" * 32}, {"a.py": b"1" * 32}, {})
    assert one not in {release_of(each, "1", {}).digest for each in others}


def test_what_runs_here_is_read_whole() -> None:
    found = release()
    assert found.files > 300
    assert len(found.digest) == 64


# --- policy ---------------------------------------------------------------------------------------


def test_a_policy_without_a_file_is_the_default_and_nothing_waits() -> None:
    state = policy_state(load(None), None)
    assert (state.own, state.pending, state.refused, state.file) == ((), (), "", None)


def test_a_file_that_was_changed_since_the_start_waits_for_the_next(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text("redaction_grace_days = 3\n", encoding="utf-8")
    policy = load(file)
    state = policy_state(policy, file)
    assert [(one.key, one.here) for one in state.own] == [("redaction_grace_days", "3")]
    assert state.pending == ()
    file.write_text("redaction_grace_days = 4\n", encoding="utf-8")
    (row,) = policy_state(policy, file).pending
    assert (row.key, row.here, row.there) == ("redaction_grace_days", "3", "4")


def test_a_file_that_would_be_refused_is_told_before_the_next_start(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text("redaction_grace_dayz = 3\n", encoding="utf-8")
    state = policy_state(load(None), file)
    assert "redaction_grace_days" in state.refused
    assert state.pending == ()


# --- custodians -----------------------------------------------------------------------------------


def employed(found: EscrowSet, *employers: str) -> EscrowSet:

    people = tuple(
        dataclasses.replace(one, employer=employer)
        for one, employer in zip(found.custodians, employers, strict=True)
    )
    return dataclasses.replace(found, custodians=people)


def test_an_employer_who_is_enough_alone_is_named() -> None:
    found = escrow_set()
    count, needed = len(found.custodians), found.thresholds[0]
    apart = employed(found, *[f"org{number}" for number in range(count)])
    (state,) = custody_state([apart], "example")
    assert state.alone == ""
    assert state.circles[0].needed == needed
    together = ["Example"] * needed + ["other"] * (count - needed)
    (state,) = custody_state([employed(found, *together)], "example")
    assert state.alone in {"Example", "other"}
    assert sum(one.inside for one in state.circles[0].holders) == needed


def test_the_second_set_is_the_one_for_emergencies() -> None:
    found = escrow_set()
    assert [one.kind for one in custody_state([found, found], "x")] == ["escrow", "emergency"]
    assert custody_state([], "x") == ()


# --- backups --------------------------------------------------------------------------------------


def test_nothing_written_down_is_nothing_made(tmp_path: Path) -> None:
    assert read_record(tmp_path) is None
    assert backup_state(None) is None
    assert drill_states(None) == ()
    (tmp_path / FILE).write_bytes(b'{"last": 4')
    assert read_record(tmp_path) is None


def test_a_backup_is_a_drill_too_and_the_newest_stands_first(tmp_path: Path) -> None:
    note_backup(tmp_path, COPY)
    note_drill(tmp_path, Drill(at=6_000, folder="/b", number=3, whole=False))
    record = read_record(tmp_path)
    assert record is not None
    assert record.last == COPY
    assert [(one.at, one.whole) for one in record.drills] == [(6_000, False), (5_000, True)]
    state = backup_state(record)
    assert state is not None
    assert (state.number, state.size, state.made) == (3, 700, 5_000)
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0


def test_a_record_stays_small(tmp_path: Path) -> None:
    for number in range(30):
        note_backup(tmp_path, replace(COPY, number=number))
    record = read_record(tmp_path)
    assert record is not None
    assert len(record.drills) == 20
    assert record.drills[0].number == 29
    assert len(drill_states(record)) == 5


@pytest.mark.parametrize("gone", [True, False])
def test_a_backup_does_not_fail_because_nothing_can_be_written_down(
    tmp_path: Path, gone: bool
) -> None:
    place = tmp_path / "data"
    if not gone:
        place.write_bytes(b"a file where a folder should be")
    note_backup(place, COPY)
    assert read_record(place) is None
    assert BackupRecord().drills == ()
