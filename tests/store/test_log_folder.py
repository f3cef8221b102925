"""The folder of a log: files once written stay, are whole, and no name leads out of it."""

import os
from pathlib import Path

import pytest

from halfdoor.merkle.errors import RefusedError
from halfdoor.store.log_folder import FolderFiles
from halfdoor.transparency.errors import StoppedError
from halfdoor.transparency.source import CHECKPOINT, UnreachableError

TILE = "tile/0/x001/234.p/5"


async def test_a_file_that_is_there_keeps_its_bytes(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path / "log")
    await files.create(TILE, b"one")
    with pytest.raises(StoppedError, match="other bytes"):
        await files.create(TILE, b"two")
    await files.create(TILE, b"one")
    assert await files.read(TILE) == b"one"
    assert [each.name for each in (tmp_path / "log/tile/0/x001/234.p").iterdir()] == ["5"]


@pytest.mark.parametrize(
    "path",
    [
        "../secret",
        "tile/../../secret",
        "/etc/passwd",
        "tile//0",
        "tile/.hidden",
        ".new",
        "",
        "tile/0/000\n",
        "tile/0/000/",
        "TILE",
        "a" * 81,
        "tile\\0",
        "tile/0/\0",
    ],
)
async def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, path: str) -> None:
    files = FolderFiles(tmp_path / "log")
    (tmp_path / "secret").write_bytes(b"secret")
    for read in (files.read, files.get):
        with pytest.raises(RefusedError, match="file-name"):
            await read(path)
    for write in (files.create, files.replace):
        with pytest.raises(RefusedError, match="file-name"):
            await write(path, b"")


async def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path)
    await files.create("tile/0/000", bytes(8193))
    with pytest.raises(RefusedError, match="file-size"):
        await files.get("tile/0/000")
    await files.create("tile/0/001", bytes(8192))
    assert await files.get("tile/0/001") == bytes(8192)


async def test_a_folder_that_is_not_there_says_nothing_about_the_log(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError):
        await FolderFiles(tmp_path / "nowhere").get(CHECKPOINT)
    assert await FolderFiles(tmp_path).get(CHECKPOINT) is None
    assert await FolderFiles(tmp_path / "nowhere").read(TILE) is None


async def test_the_newest_checkpoint_lies_beside_those_of_the_days(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path)
    await files.replace(CHECKPOINT, b"first")
    await files.replace(CHECKPOINT, b"second")
    await files.create("checkpoint/20000", b"day")
    assert await files.get(CHECKPOINT) == b"second"
    assert (tmp_path / "checkpoint/latest").read_bytes() == b"second"
    assert await files.get("checkpoint/20000") == b"day"


async def test_what_a_crash_left_half_written_is_no_file_of_the_log(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path)
    await files.create(TILE, b"whole")
    (tmp_path / "tile/0/x001/234.p/.0011.new").write_bytes(b"ha")
    await files.create("tile/0/x001/234.p/6", b"six")
    assert await files.read(TILE) == b"whole"
    with pytest.raises(RefusedError):
        await files.read("tile/0/x001/234.p/.0011.new")


async def test_anyone_may_read_what_is_public(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path / "log")
    old = os.umask(0o022)
    try:
        await files.create(TILE, b"one")
    finally:
        os.umask(old)
    assert (tmp_path / "log" / TILE).stat().st_mode & 0o777 == 0o644


async def test_a_folder_in_place_of_a_file_is_no_file(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path)
    await files.create("tile/0/000.p/7", b"seven")
    assert await files.read("tile/0/000.p") is None
    assert await files.read("tile/0/000.p/7/8") is None
