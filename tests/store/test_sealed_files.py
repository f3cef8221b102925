"""The folder of the vault and its key: whole or not there, and nobody else's to read."""

import stat
from pathlib import Path

import pytest

from halfdoor.sealing.labels import Denied
from halfdoor.store.errors import OuterKeyError
from halfdoor.store.sealed_files import SealedFolder
from halfdoor.store.vault_key import VaultKeyFile, default_key_path


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def key_at(folder: Path) -> VaultKeyFile:
    return VaultKeyFile(
        folder / "keys" / "child_safety.key",
        data_dir=folder / "data",
        folder=folder / "data" / "vault",
    )


@pytest.mark.parametrize("name", ["", "../outer", "a/b", "a.b", "x" * 101, "a\0b", "a b"])
async def test_a_name_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    files = SealedFolder(tmp_path / "vault")
    with pytest.raises(ValueError, match="plain name"):
        await files.keep(name, b"x")
    with pytest.raises(ValueError, match="plain name"):
        await files.read(name)
    assert names(tmp_path) == []


async def test_what_is_kept_is_its_owners_alone(tmp_path: Path) -> None:
    files = SealedFolder(tmp_path / "data" / "vault")
    await files.keep("ref_1", b"sealed")
    assert mode(tmp_path / "data" / "vault") == 0o700
    assert names(tmp_path / "data" / "vault") == ["ref_1.sealed"]
    assert mode(tmp_path / "data" / "vault" / "ref_1.sealed") == 0o600
    assert await files.read("ref_1") == b"sealed"
    assert await files.read("ref_2") is None


async def test_what_a_crash_left_half_written_is_not_taken_for_the_whole(tmp_path: Path) -> None:
    files = SealedFolder(tmp_path)
    (tmp_path / "ref_1.new").write_bytes(b"hal")
    assert await files.read("ref_1") is None
    await files.keep("ref_1", b"whole")
    await files.keep("ref_1", b"newer")
    assert await files.read("ref_1") == b"newer"
    assert names(tmp_path) == ["ref_1.sealed"]


async def test_what_is_destroyed_is_gone(tmp_path: Path) -> None:
    files = SealedFolder(tmp_path)
    await files.keep("ref_1", b"sealed")
    assert await files.destroy("ref_1")
    assert not await files.destroy("ref_1")
    assert names(tmp_path) == []


@pytest.mark.parametrize("place", ["data/child_safety.key", "data/vault/child_safety.key"])
def test_a_key_beside_what_it_opens_is_refused(tmp_path: Path, place: str) -> None:
    with pytest.raises(OuterKeyError, match="move it elsewhere"):
        VaultKeyFile(
            tmp_path / place, data_dir=tmp_path / "data", folder=tmp_path / "data" / "vault"
        )


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    key_at(tmp_path).public()
    (tmp_path / "keys" / "child_safety.key").chmod(0o640)
    with pytest.raises(OuterKeyError, match="read by others"):
        key_at(tmp_path).private()


def test_a_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    key_at(tmp_path).public()
    (tmp_path / "keys" / "child_safety.key").write_bytes(b"short")
    with pytest.raises(OuterKeyError, match="holds no child-safety key"):
        key_at(tmp_path).private()


def test_where_something_was_sealed_no_new_key_takes_the_place_of_a_lost_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "data" / "vault").mkdir(parents=True)
    (tmp_path / "data" / "vault" / "ref_1.sealed").write_bytes(b"sealed")
    with pytest.raises(OuterKeyError, match="put the key back"):
        key_at(tmp_path).public()
    assert not (tmp_path / "keys").exists()


def test_it_is_made_when_it_is_needed_and_then_stays(tmp_path: Path) -> None:
    key = key_at(tmp_path)
    assert not (tmp_path / "keys").exists()
    public = key.public()
    assert mode(tmp_path / "keys" / "child_safety.key") == 0o600
    assert key_at(tmp_path).public() == public
    blob = public.seal(b"info", b"words")
    assert key_at(tmp_path).private().open(b"info", blob) == b"words"
    with pytest.raises(Denied):
        key_at(tmp_path / "other").private().open(b"info", blob)


def test_a_key_shows_where_it_lies_and_nothing_else(tmp_path: Path) -> None:
    key = key_at(tmp_path)
    raw = key.private().raw
    assert repr(key) == f"VaultKeyFile('{tmp_path / 'keys' / 'child_safety.key'}')"
    assert raw.hex() not in repr(key.private())


def test_it_lies_beside_the_outer_key_where_nobody_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert default_key_path() == tmp_path / "halfdoor" / "child_safety.key"
