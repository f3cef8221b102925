"""A blob is there whole or not at all, in a folder as in a bucket."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.store.s3_server import S3Server

from halfdoor.messaging.media_store import (
    BlobExistsError,
    BlobStoreUnavailableError,
    NoBlobError,
)
from halfdoor.store.backup.blobs import Copied, check_blobs, copy_blobs
from halfdoor.store.backup.errors import DamagedBackupError
from halfdoor.store.backup.source import Table
from halfdoor.store.blobs.bucket import BucketPlace, bucket_blobs
from halfdoor.store.blobs.folder import folder_blobs
from halfdoor.store.blobs.objects import SMALL_BYTES, ObjectBlobs
from halfdoor.store.media_rows import new_case_blob

CHUNK = 65_552


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    server = S3Server().start()
    yield server
    server.stop()


@pytest.fixture(params=("folder", "bucket"))
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectBlobs]:
    if request.param == "folder":
        made = folder_blobs(tmp_path / "blobs")
    else:
        made = bucket_blobs(request.getfixturevalue("s3").place)
    yield made
    made.close()


async def pieces(data: bytes, *, fails: Exception | None = None) -> AsyncIterator[bytes]:
    for at in range(0, len(data), CHUNK):
        yield data[at : at + CHUNK]
    if fails is not None:
        raise fails


async def whole(blobs: ObjectBlobs, name: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([piece async for piece in blobs.read(name, start, end)])


@pytest.mark.parametrize("size", [49, SMALL_BYTES, SMALL_BYTES + 1, 12 * SMALL_BYTES + 5])
async def test_what_was_put_is_read_whole_and_in_ranges(blobs: ObjectBlobs, size: int) -> None:
    name, data = new_case_blob(), os.urandom(size)
    stored = await blobs.put(name, pieces(data))
    assert (stored.size, stored.digest) == (size, sha256(data).digest())
    assert await blobs.size(name) == size
    assert await whole(blobs, name) == data
    assert await whole(blobs, name, 3, 40) == data[3:40]
    assert await whole(blobs, name, size - 5, size + 99) == data[-5:]
    assert await whole(blobs, name, size + 1) == b""


@pytest.mark.parametrize("size", [49, 3 * SMALL_BYTES])
async def test_a_blob_is_written_once(blobs: ObjectBlobs, size: int) -> None:
    name, data = new_case_blob(), os.urandom(size)
    await blobs.put(name, pieces(data))
    with pytest.raises(BlobExistsError):
        await blobs.put(name, pieces(os.urandom(size)))
    assert await whole(blobs, name) == data


@pytest.mark.parametrize("size", [CHUNK, 8 * SMALL_BYTES])
async def test_an_upload_that_fails_leaves_nothing(blobs: ObjectBlobs, size: int) -> None:
    name = new_case_blob()
    with pytest.raises(ConnectionResetError):
        await blobs.put(name, pieces(os.urandom(size), fails=ConnectionResetError()))
    assert await blobs.size(name) is None
    assert name not in [found async for found, _, _ in blobs.names("case")]
    assert (await blobs.put(name, pieces(b"another"))).size == 7


async def test_an_upload_whose_caller_leaves_is_broken_off(blobs: ObjectBlobs) -> None:
    name, begun = new_case_blob(), asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield bytes(CHUNK)
        begun.set()
        await asyncio.Event().wait()

    upload = asyncio.create_task(blobs.put(name, endless()))
    await begun.wait()
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert await blobs.size(name) is None


async def test_what_is_not_there_is_said_to_be_missing(blobs: ObjectBlobs) -> None:
    name = new_case_blob()
    assert await blobs.size(name) is None
    with pytest.raises(NoBlobError):
        await whole(blobs, name)
    await blobs.delete(name)


async def test_a_deleted_blob_is_gone(blobs: ObjectBlobs) -> None:
    name = new_case_blob()
    await blobs.put(name, pieces(b"for a while"))
    await blobs.delete(name)
    await blobs.delete(name)
    assert await blobs.size(name) is None


async def test_the_blobs_of_a_folder_are_told_with_their_length(blobs: ObjectBlobs) -> None:
    names = {new_case_blob() for _ in range(4)}
    for name in names:
        await blobs.put(name, pieces(b"12345"))
    found = {name: size async for name, size, _ in blobs.names("case")}
    assert {name: found[name] for name in names} == dict.fromkeys(names, 5)
    assert [one async for one in blobs.names("media")] == []


async def test_many_uploads_at_once_do_not_mix(blobs: ObjectBlobs) -> None:
    made = {new_case_blob(): os.urandom((2 + n % 2) * SMALL_BYTES) for n in range(5)}
    await asyncio.gather(*(blobs.put(name, pieces(data)) for name, data in made.items()))
    for name, data in made.items():
        assert await whole(blobs, name) == data


def test_a_large_blob_never_lies_in_memory_as_a_whole(tmp_path: Path) -> None:
    child = """
import asyncio, resource, sys
from pathlib import Path
from halfdoor.store.blobs.folder import folder_blobs

async def pieces():
    for _ in range(1600):
        yield bytes(65_552)

def held():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

async def main():
    before = held()
    blobs = folder_blobs(Path(sys.argv[1]))
    await blobs.put("case/00/" + "0" * 64, pieces())
    read = 0
    async for piece in blobs.read("case/00/" + "0" * 64):
        read += len(piece)
    assert read == 1600 * 65_552
    blobs.close()
    print(held() - before)

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", child, str(tmp_path / "blobs")],
        capture_output=True,
        text=True,
        check=True,
    )
    # The file has 100 MiB, and three parts of it are in hand at once.
    assert int(done.stdout) < 50


async def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BlobStoreUnavailableError, match="file"):
        folder_blobs(tmp_path / "file" / "blobs")


async def test_a_server_that_refuses_the_key_or_is_gone_is_said_to_be_unavailable(
    s3: S3Server,
) -> None:
    place = s3.place
    wrong = BucketPlace(
        endpoint=place.endpoint,
        bucket=place.bucket,
        region=place.region,
        access_key=place.access_key,
        secret_key="another",
    )
    blobs = bucket_blobs(wrong)
    with pytest.raises(BlobStoreUnavailableError) as caught:
        await blobs.put(new_case_blob(), pieces(b"1"))
    assert "another" not in str(caught.value)
    blobs.close()


async def test_a_server_whose_name_nobody_vouches_for_is_not_spoken_to(s3: S3Server) -> None:
    name = new_case_blob()
    trusted = bucket_blobs(s3.place_by_tls)
    await trusted.put(name, pieces(b"by TLS"))
    assert await whole(trusted, name) == b"by TLS"
    unknown = bucket_blobs(replace(s3.place_by_tls, ca_file=None))
    other_name = s3.place_by_tls.endpoint.replace("localhost", "127.0.0.1")
    misnamed = bucket_blobs(replace(s3.place_by_tls, endpoint=other_name))
    for blobs in (unknown, misnamed):
        with pytest.raises(BlobStoreUnavailableError):
            await blobs.size(name)
    for blobs in (trusted, unknown, misnamed):
        blobs.close()


async def test_what_a_killed_upload_left_in_a_folder_goes_with_its_name(tmp_path: Path) -> None:
    blobs, name = folder_blobs(tmp_path / "blobs"), new_case_blob()
    left = tmp_path / "blobs" / f"{name}#1"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half of it")
    await blobs.delete(name)
    assert not left.exists()
    blobs.close()


class Rows:
    """The rows of a house, as far as they name blobs."""

    tables = (Table("people", "media", ("ub", "state", "blob", "stored", "digest")),)

    def __init__(self, made: dict[str, bytes]) -> None:
        self.made = made

    async def rows(self, table: Table) -> AsyncIterator[list[tuple[object, ...]]]:
        yield [(1, 1, "media/00/under-way", 0, None)]
        yield [(1, 2, name, len(data), sha256(data).digest()) for name, data in self.made.items()]


async def test_files_move_from_a_folder_to_a_bucket_and_a_second_run_copies_nothing(
    s3: S3Server, tmp_path: Path
) -> None:
    folder, bucket = folder_blobs(tmp_path / "blobs"), bucket_blobs(s3.place)
    made = {new_case_blob(): os.urandom(size) for size in (49, 2 * SMALL_BYTES)}
    for name, data in made.items():
        await folder.put(name, pieces(data))
    lost, changed = new_case_blob(), new_case_blob()
    await folder.put(changed, pieces(b"not what was put"))
    rows = Rows({**made, lost: b"lost", changed: b"what was put 123"})
    assert await copy_blobs(rows, folder, bucket) == Copied(4, sum(map(len, made.values())), 2)
    assert await copy_blobs(rows, folder, bucket) == Copied(4, 0, 2)
    for name, data in made.items():
        assert await whole(bucket, name) == data
    assert await bucket.size(changed) is None
    assert await check_blobs(Rows(made), bucket) == 2
    with pytest.raises(DamagedBackupError, match=lost):
        await check_blobs(rows, bucket)
    for one in (folder, bucket):
        one.close()


def test_where_a_bucket_is_shows_no_secret(s3: S3Server) -> None:
    assert "no secret" not in repr(s3.place)
    assert "no secret" not in str(list(s3.place.__rich_repr__()))
    assert "no secret" not in repr(bucket_blobs(s3.place))
