"""A file goes when nobody can open it any more, not before, and whatever a crash left goes too."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.store.desk_making import whole_change
from tests.store.houses import House
from tests.store.making import ALICE, BOB, StoppedClock, found, say
from tests.store.test_files_are_kept import DAY_MS, QUOTA, naming, redact, upload

from halfdoor.ids import new_media_id
from halfdoor.messaging.media_store import BlobStoreUnavailableError, CaseBlob, MediaState, Usage
from halfdoor.messaging.media_sweep import Collected, MediaSweep
from halfdoor.store.blobs.folder import folder_blobs
from halfdoor.store.blobs.objects import ObjectBlobs
from halfdoor.store.media_rows import new_case_blob
from halfdoor.store.outerkey import outer_key_file
from halfdoor.store.sqlite.opening import open_store

LATER = DAY_MS + 1


async def once(data: bytes) -> AsyncIterator[bytes]:
    yield data


@pytest.fixture
def blobs(tmp_path: Path) -> Iterator[ObjectBlobs]:
    made = folder_blobs(tmp_path / "media")
    yield made
    made.close()


async def put(house: House, blobs: ObjectBlobs, owner: str = ALICE) -> tuple[str, str]:
    """Upload a file; return its id and its blob."""
    media, media_id, now = house.store.media, new_media_id(owner), house.clock.now
    await media.reserve(media_id, owner, now, QUOTA)
    blob = await media.claim(media_id, owner, 100, now, QUOTA)
    stored = await blobs.put(blob, once(os.urandom(149)))
    what = replace(upload(100), stored=stored.size, digest=stored.digest)
    await media.finish(media_id, owner, what, QUOTA)
    return media_id, blob


async def sweep(house: House, blobs: ObjectBlobs, *, after: int = 0) -> Collected:
    """Sweep as a server does that was started *after* so long."""
    house.clock.now += after
    return await MediaSweep(house.store.media_sweeping, blobs, house.clock).run()


async def test_a_file_that_was_never_named_goes_after_a_day_with_its_place_in_the_quota(
    either: House, blobs: ObjectBlobs
) -> None:
    media_id, blob = await put(either, blobs)
    assert await sweep(either, blobs, after=DAY_MS) == Collected()
    assert await either.store.media.usage(ALICE) == Usage(100, 1, 0)
    assert await sweep(either, blobs, after=1) == Collected(files=1)
    assert await either.store.media.media(media_id) is None
    assert await blobs.size(blob) is None
    assert await either.store.media.usage(ALICE) == Usage(0, 0, 0)
    assert await either.ask("SELECT 1 FROM media", people=True) == []


async def test_a_file_stays_while_any_event_that_names_it_does(
    either: House, blobs: ObjectBlobs
) -> None:
    store = either.store
    media_id, blob = await put(either, blobs)
    rooms = [await found(store, ALICE, BOB) for _ in range(2)]
    said = []
    for at in rooms:
        await store.media.use(at.conv, [media_id], either.clock.now, standard=True)
        said.append(await say(store, at, naming(at.conv, media_id)))
    assert await sweep(either, blobs, after=99 * DAY_MS) == Collected()
    grace = either.clock.now + 30 * DAY_MS
    await redact(store, said[0], grace)
    await store.destroy_held(grace)
    assert await sweep(either, blobs) == Collected()
    assert await store.media.uses(media_id) == [rooms[1].conv]
    # The last one that names it is held: who reports it needs the file.
    await redact(store, said[1], grace)
    assert await sweep(either, blobs) == Collected()
    await store.destroy_held(grace)
    assert await sweep(either, blobs) == Collected(files=1)
    assert await blobs.size(blob) is None
    assert await either.ask("SELECT 1 FROM media_use", people=True) == []


async def test_a_file_that_is_about_to_be_named_is_not_taken(
    either: House, blobs: ObjectBlobs
) -> None:
    media_id, _ = await put(either, blobs)
    either.clock.now += 3 * DAY_MS
    at = await found(either.store, ALICE, BOB)
    await either.store.media.use(at.conv, [media_id], either.clock.now, standard=True)
    assert await sweep(either, blobs) == Collected()
    # The request died before its event was written.
    assert await sweep(either, blobs, after=LATER) == Collected(files=1)


async def test_an_avatar_stays_while_a_profile_shows_it(either: House, blobs: ObjectBlobs) -> None:
    first, _ = await put(either, blobs)
    second, _ = await put(either, blobs)
    await either.store.media.show(ALICE, first, b"k" * 32)
    await either.store.media.show(ALICE, second, b"k" * 32)
    assert await sweep(either, blobs, after=LATER + 1) == Collected(files=1)
    assert await either.store.media.media(first) is None
    await either.store.media.hide(ALICE)
    assert await sweep(either, blobs, after=LATER) == Collected(files=1)


async def test_ids_without_files_and_uploads_that_died_go_after_a_day(
    either: House, blobs: ObjectBlobs
) -> None:
    media, now = either.store.media, either.clock.now
    never, died = new_media_id(ALICE), new_media_id(ALICE)
    for media_id in (never, died):
        await media.reserve(media_id, ALICE, now, QUOTA)
    # The process was killed between the blob and its row.
    blob = await media.claim(died, ALICE, 5, now, QUOTA)
    await blobs.put(blob, once(b"12345"))
    assert await sweep(either, blobs) == Collected()
    assert await sweep(either, blobs, after=LATER) == Collected(files=2)
    assert await blobs.size(blob) is None
    assert await media.usage(ALICE) == Usage(0, 0, 0)


async def test_an_upload_that_was_given_up_goes_at_once(either: House, blobs: ObjectBlobs) -> None:
    media, media_id = either.store.media, new_media_id(ALICE)
    await media.reserve(media_id, ALICE, either.clock.now, QUOTA)
    blob = await media.claim(media_id, ALICE, 5, either.clock.now, QUOTA)
    await blobs.put(blob, once(b"12345"))
    await media.give_up(media_id, ALICE, again=False)
    assert await sweep(either, blobs) == Collected(files=1)
    assert await blobs.size(blob) is None


CHILD = """
import asyncio, sys
from pathlib import Path
from halfdoor.ids import new_media_id
from halfdoor.messaging.media_store import Quota
from halfdoor.store.blobs.folder import folder_blobs
from halfdoor.store.outerkey import outer_key_file
from halfdoor.store.sqlite.opening import open_store

async def main(folder):
    store = open_store(folder / "data", outer_key_file(folder / "k", folder / "data", make=True))
    quota, now = Quota(bytes=1 << 30, files=9), int(sys.argv[2])
    media_id = new_media_id("@alice:a.example")
    await store.media.reserve(media_id, "@alice:a.example", now, quota)
    blob = await store.media.claim(media_id, "@alice:a.example", 0, now, quota)

    async def pieces():
        for _ in range(int(sys.argv[3])):
            yield bytes(65_552)
        print("now", flush=True)
        if sys.argv[4] == "under way":
            await asyncio.sleep(60)

    await folder_blobs(folder / "media").put(blob, pieces())
    print("kept", flush=True)
    await asyncio.sleep(60)

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.parametrize("pieces", [1, 200])
@pytest.mark.parametrize("moment", ["under way", "kept"])
async def test_a_server_that_is_killed_during_an_upload_leaves_nothing_that_is_not_swept(
    tmp_path: Path, pieces: int, moment: str
) -> None:
    clock = StoppedClock()
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CHILD, str(tmp_path), str(clock.now), str(pieces), moment),
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    said = [await child.stdout.readline()]
    if moment == "kept":
        said.append(await child.stdout.readline())
    child.kill()
    await child.wait()
    assert said[0] == b"now\n"
    key = outer_key_file(tmp_path / "k", tmp_path / "data", make=False)
    store = open_store(tmp_path / "data", key, clock=clock)
    blobs = folder_blobs(tmp_path / "media")
    assert (await store.media.usage(ALICE)).files == 1
    clock.now += LATER
    swept = await MediaSweep(store.media_sweeping, blobs, clock).run()
    assert swept == Collected(files=1)
    assert [one for one in (tmp_path / "media").rglob("*") if one.is_file()] == []
    assert await store.media.usage(ALICE) == Usage(0, 0, 0)
    blobs.close()
    await store.close()


class Failing:
    """Blobs that cannot be deleted for a while."""

    def __init__(self, blobs: ObjectBlobs) -> None:
        self.blobs = blobs
        self.reached = 0

    async def delete(self, name: str) -> None:
        self.reached += 1
        raise BlobStoreUnavailableError("gone for lunch")


async def test_a_sweep_that_is_cut_off_is_finished_by_the_next(
    either: House, blobs: ObjectBlobs
) -> None:
    media_id, blob = await put(either, blobs)
    either.clock.now += LATER
    failing = Failing(blobs)
    sweeping = MediaSweep(either.store.media_sweeping, failing, either.clock)  # type: ignore[arg-type]
    assert await sweeping.run() == Collected()
    assert failing.reached == 1
    # Nobody sees it any more, and nobody may name it, though its blob is there.
    assert await either.store.media.media(media_id) is None
    named = await either.store.media.use("!r:a.example", [media_id], 1, standard=True)
    assert named == frozenset()
    assert await blobs.size(blob) == 149
    await either.reopen()
    assert await sweep(either, blobs) == Collected(files=1)
    assert await blobs.size(blob) is None


async def test_blobs_that_no_row_names_go_and_no_other(either: House, blobs: ObjectBlobs) -> None:
    _, blob = await put(either, blobs)
    kept = await either.store.media.keep_for_case("case 1", new_media_id(BOB), either.clock.now)
    await blobs.put(kept, once(b"a copy"))
    other = blob[:-1] + ("0" if blob[-1] != "0" else "1")
    for stray in (other, new_case_blob(), "media/00/no-name-of-ours"):
        await blobs.put(stray, once(b"left"))
    at = await found(either.store, ALICE, BOB)
    # The clock of the blobs is that of the machine.
    either.clock.now = (await newest(blobs)) + 60_000
    await either.store.media.use(at.conv, [(await put(either, blobs))[0]], 1, standard=True)
    assert (await sweep(either, blobs)).strays == 0
    either.clock.now += 2 * DAY_MS
    assert (await sweep(either, blobs)).strays == 3
    assert await blobs.size(other) is None


async def newest(blobs: ObjectBlobs) -> int:
    return max([written async for _, _, written in blobs.names("media")])


async def test_copies_of_a_case_stay_with_it_and_go_when_it_lets_go(
    either: House, blobs: ObjectBlobs
) -> None:
    store = either.store
    await store.desk.commit(whole_change())
    made = {}
    for case in ("case_a", "case_gone"):
        blob = await store.media.keep_for_case(case, new_media_id(BOB), either.clock.now)
        await blobs.put(blob, once(b"a copy"))
        await store.media.kept_for_case(
            CaseBlob(case, new_media_id(BOB), blob, 6, sha256(b"a copy").digest())
        )
        made[case] = blob
    unfinished = await store.media.keep_for_case("case_a", new_media_id(BOB), either.clock.now)
    assert await sweep(either, blobs) == Collected()
    # One was never finished; of the other there never was a case.
    assert await sweep(either, blobs, after=LATER) == Collected(copies=2)
    assert await blobs.size(made["case_a"]) == 6
    assert await blobs.size(made["case_gone"]) is None
    assert unfinished != made["case_a"]
    await store.media.release_case("case_a")
    assert await sweep(either, blobs) == Collected(copies=1)
    assert await blobs.size(made["case_a"]) is None


async def test_files_of_somebody_erased_go_once_nobody_else_may_read_them(
    either: House, blobs: ObjectBlobs
) -> None:
    store = either.store
    shown, _ = await put(either, blobs)
    unsent, _ = await put(either, blobs)
    at = await found(store, ALICE, BOB)
    await store.media.use(at.conv, [shown], either.clock.now, standard=True)
    at = await say(store, at, naming(at.conv, shown))
    await store.media_sweeping.leave(ALICE)
    either.clock.now += LATER
    assert await sweep(either, blobs) == Collected(files=1)
    assert await store.media.media(unsent) is None
    left = await store.media.media(shown)
    assert left is not None
    assert left.state is MediaState.READY
    grace = either.clock.now
    await redact(store, at, grace)
    await store.destroy_held(grace)
    assert await sweep(either, blobs) == Collected(files=1)
    raw = await either.ask("SELECT user_id FROM media", people=True)
    assert raw == []


async def test_a_sweep_that_did_something_says_so(either: House, blobs: ObjectBlobs) -> None:
    await put(either, blobs)
    either.clock.now += LATER
    told: list[Collected] = []
    sweeping = MediaSweep(either.store.media_sweeping, blobs, either.clock)
    sweeping.report = told.append
    await sweeping.run()
    await sweeping.run()
    assert told == [Collected(files=1)]
