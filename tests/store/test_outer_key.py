"""The outer key lies apart from the data, is nobody else's to read, and must be the right one."""

import os
import stat
from pathlib import Path

import pytest
from tests.store.houses import House
from tests.store.making import ALICE, BOB, found

from halfdoor.sealing.labels import Denied
from halfdoor.store.errors import OuterKeyError
from halfdoor.store.outerkey import default_path, outer_key_file


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_a_key_inside_the_data_directory_is_refused(data: Path) -> None:
    data.mkdir()
    for path in (data / "outer.key", data / "deep" / "outer.key", data / ".." / "data" / "k"):
        with pytest.raises(OuterKeyError, match="inside the data directory"):
            outer_key_file(path, data, make=True)
    assert list(data.iterdir()) == []


def test_a_link_into_the_data_directory_is_refused(data: Path, tmp_path: Path) -> None:
    data.mkdir()
    (tmp_path / "keys").symlink_to(data, target_is_directory=True)
    with pytest.raises(OuterKeyError, match="inside the data directory"):
        outer_key_file(tmp_path / "keys" / "outer.key", data, make=True)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_key_that_others_can_read_is_refused(data: Path, tmp_path: Path, mode: int) -> None:
    path = tmp_path / "outer.key"
    outer_key_file(path, data, make=True)
    path.chmod(mode)
    with pytest.raises(OuterKeyError, match="chmod 600"):
        outer_key_file(path, data, make=True)


def test_a_missing_key_is_not_made_where_there_is_data(data: Path, tmp_path: Path) -> None:
    with pytest.raises(OuterKeyError, match="no outer key at"):
        outer_key_file(tmp_path / "outer.key", data, make=False)
    assert not (tmp_path / "outer.key").exists()


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_file_of_another_size_is_no_key(data: Path, tmp_path: Path, size: int) -> None:
    path = tmp_path / "outer.key"
    path.write_bytes(bytes(size))
    path.chmod(0o600)
    with pytest.raises(OuterKeyError, match="exactly 32 bytes"):
        outer_key_file(path, data, make=True)


def test_a_key_that_cannot_be_written_is_said(data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OuterKeyError, match="cannot be made"):
        outer_key_file(tmp_path / "file" / "outer.key", data, make=True)
    (tmp_path / "folder").mkdir()
    with pytest.raises(OuterKeyError, match="cannot be read"):
        outer_key_file(tmp_path / "folder", data, make=True)


def test_a_fresh_key_is_its_owners_alone_and_stays(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "outer.key"
    key = outer_key_file(path, data, make=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    wrapped = key.wrap(7, b"d" * 32)
    again = outer_key_file(path, data, make=True)
    assert again.unwrap(7, wrapped) == b"d" * 32
    with pytest.raises(Denied):
        again.unwrap(8, wrapped)


def test_the_default_lies_in_the_owners_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/somewhere")
    assert default_path() == Path("/somewhere/halfdoor/outer.key")
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", "/people/ann")
    assert default_path() == Path("/people/ann/.config/halfdoor/outer.key")


async def test_another_outer_key_is_refused_and_changes_nothing(house: House) -> None:
    at = await found(house.store, ALICE, BOB)
    await house.store.close()
    other = outer_key_file(house.folder / "other.key", house.data, make=True)
    before = await house.contents()
    with pytest.raises(OuterKeyError, match="not the outer key of this data"):
        await house.open_with(other)
    assert await house.contents() == before
    await house.open()
    assert await house.store.conversations.room(at.conv) is not None


async def test_secrets_are_made_once_and_never_lie_open(house: House) -> None:
    secrets = house.store.secrets()
    assert len(secrets.k_lookup) == len(secrets.k_id) == 32
    assert secrets.k_lookup != secrets.k_id
    await house.store.close()
    raw = await house.raw()
    assert secrets.k_lookup not in raw
    assert secrets.k_id not in raw
    assert (await house.open()).secrets() == secrets


async def test_no_key_can_be_printed(house: House) -> None:
    shown = [
        repr(house.key),
        repr(house.store),
        repr(house.store.keys),
        repr(house.store.secrets()),
        str(house.store.secrets()),
    ]
    key = (house.folder / "keys" / "outer.key").read_bytes()
    hidden = [key, *house.store.secrets(), *house.store.keys._accounts._keys.values()]
    for text in shown:
        assert not [one for one in hidden if repr(one)[2:10] in text or one.hex()[:8] in text]
    assert os.fspath(house.folder) in shown[0]
    assert shown[3] == "Secrets(…)"
