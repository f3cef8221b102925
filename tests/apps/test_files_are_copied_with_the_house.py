"""Backup, restore and move bring along every file that a row names, and say what is missing."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.apps.test_a_house_is_copied import Run, Story, run, story, visit
from tests.store.postgres_houses import WHOLE, Postgresql

from halfdoor.apps.house import House
from halfdoor.ids import new_media_id
from halfdoor.messaging.media_store import CaseBlob, Quota, Upload

__all__ = ["run", "story"]
ADA = "@ada:a.example"
QUOTA = Quota(bytes=1 << 30, files=99)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Postgresql]:
    server = Postgresql.started()
    yield server
    server.stop()


class Files:
    """What was put into a house: files and a copy, and an upload that was cut off."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.blobs: dict[str, bytes] = {}

    async def put(self, house: House) -> None:
        media, blobs, now = house.store.media, house.media.blobs, house.clock.now_ms()
        for size in (60, 3_000_000):
            media_id, sealed = new_media_id(ADA), os.urandom(size)
            await media.reserve(media_id, ADA, now, QUOTA)
            blob = await media.claim(media_id, ADA, size, now, QUOTA)
            stored = await blobs.put(blob, _once(sealed))
            what = Upload(size - 49, stored.size, stored.digest, b"wrap", b"facts", opaque=False)
            await media.finish(media_id, ADA, what, QUOTA)
            self.files[media_id] = self.blobs[blob] = sealed
        media_id = next(iter(self.files))
        copy = await media.keep_for_case("case 1", media_id, now)
        stored = await blobs.put(copy, _once(b"a copy"))
        await media.kept_for_case(CaseBlob("case 1", media_id, copy, stored.size, stored.digest))
        self.blobs[copy] = b"a copy"
        under_way = new_media_id(ADA)
        await media.reserve(under_way, ADA, now, QUOTA)
        await media.claim(under_way, ADA, 5, now, QUOTA)

    async def check(self, house: House) -> None:
        for media_id, sealed in self.files.items():
            record = await house.store.media.media(media_id)
            assert record is not None
            assert record.blob is not None
            assert await _whole(house, record.blob) == sealed
        (copy,) = await house.store.media.case_blobs("case 1")
        assert await _whole(house, copy.blob) == b"a copy"


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _whole(house: House, blob: str) -> bytes:
    return b"".join([piece async for piece in house.media.blobs.read(blob)])


@pytest.fixture
def files(story: Story, tmp_path: Path) -> Files:
    put = Files()
    visit(tmp_path, put.put)
    return put


def names(folder: Path) -> set[str]:
    return {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()}


def test_a_backup_holds_every_file_once_and_a_restore_brings_it_back(
    run: Run, files: Files, tmp_path: Path
) -> None:
    made = json.loads(run("backup", "copies", "--json").stdout)
    assert (made["files"], made["files_missing"]) == (3, 0)
    assert names(tmp_path / "copies" / "blobs") == set(files.blobs)
    run("backup", "copies")
    verified = json.loads(run("backup", "copies", "--verify", "--json").stdout)
    assert verified["files"] == 3
    (tmp_path / "data").rename(tmp_path / "old")
    done = run("restore", "copies")
    assert "3 files" in done.stdout
    visit(tmp_path, files.check)


def test_a_file_that_was_changed_in_the_backup_is_found_and_never_restored(
    run: Run, files: Files, tmp_path: Path
) -> None:
    run("backup", "copies")
    victim = next(name for name, sealed in files.blobs.items() if len(sealed) == 60)
    (tmp_path / "copies" / "blobs" / victim).write_bytes(bytes(60))
    assert victim in run("backup", "copies", "--verify", status=1).stderr
    done = run("restore", "copies", "--data", "fresh")
    assert "1 files were not there" in done.stderr
    assert victim not in names(tmp_path / "fresh" / "media")


def test_a_file_that_the_house_has_lost_is_said_to_be_missing(
    run: Run, files: Files, tmp_path: Path
) -> None:
    victim = next(iter(files.blobs))
    (tmp_path / "data" / "media" / victim).unlink()
    done = run("backup", "copies")
    assert "1 files were not there" in done.stderr
    assert names(tmp_path / "copies" / "blobs") == set(files.blobs) - {victim}


def test_a_file_leaves_a_backup_with_the_last_one_that_names_it(
    run: Run, files: Files, tmp_path: Path
) -> None:
    run("backup", "copies", "--keep", "2")

    async def end(house: House) -> None:
        for media_id in files.files:
            await house.store.media_sweeping.leave(ADA)
            (file,) = [
                one
                for one in await house.store.media_sweeping.left((-1, b""), 2**60, 9)
                if one.media_id == media_id
            ]
            assert await house.store.media_sweeping.doom(file)
        await house.media.sweep.run()

    visit(tmp_path, end)
    run("backup", "copies", "--keep", "2")
    assert names(tmp_path / "copies" / "blobs") == set(files.blobs)
    run("backup", "copies", "--keep", "2")
    left = names(tmp_path / "copies" / "blobs")
    assert len(left) == 1
    assert files.blobs[left.pop()] == b"a copy"


def test_a_move_to_postgresql_leaves_files_where_they_are_and_misses_none(
    run: Run, files: Files, tmp_path: Path, postgresql: Postgresql
) -> None:
    dsn = postgresql.dsn(asyncio.run(postgresql.create(WHOLE)))
    (tmp_path / "password").write_text(postgresql.server.password)
    address = dsn.replace(f":{urlsplit(dsn).password}@", "@")
    words = ("--url", address, "--password-file", "password", "--json")
    moved = json.loads(run("migrate", "sqlite", "postgres", *words).stdout)
    assert (moved["files"], moved["files_missing"]) == (3, 0)
    assert names(tmp_path / "data" / "media") == set(files.blobs)
    # The same house, from PostgreSQL: its backup holds them too.
    with (tmp_path / "halfdoor.toml").open("a") as file:
        file.write(f"[database]\nurl = '{address}'\npassword_file = 'password'\n")
    made = json.loads(run("backup", "copies", "--json").stdout)
    assert (made["files"], made["files_missing"]) == (3, 0)
    (tmp_path / "data").rename(tmp_path / "old")
    done = json.loads(run("doctor", "--json", status=1).stdout.splitlines()[-1])
    assert "3 of 3 are missing" in str(done)


def test_the_doctor_names_a_file_that_is_missing_and_counts_what_nobody_names(
    run: Run, files: Files, tmp_path: Path
) -> None:
    stray = tmp_path / "data" / "media" / "media" / "00" / "stray"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"left")
    assert "3, all there, 1 more that no row names" in run("doctor").stdout
    victim = next(iter(files.blobs))
    (tmp_path / "data" / "media" / victim).unlink()
    said = " ".join(run("doctor", status=1).stdout.split())
    assert "1 of 3 are missing or cut off" in said
