"""A copy of a log is whole, never changes, and is as good as the log itself."""

from pathlib import Path

import pytest
from tests.transparency.log_fakes import ORIGIN, POLICY
from tests.transparency.log_in_folder import recent_log, shown_files
from tests.transparency.public_log import DIGEST, ENTITY, PublicLog

from halfdoor.apps.mirroring import Mirror
from halfdoor.merkle.bundles import bundle, check_bundle
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.tree import leaf_hash
from halfdoor.store.log_folder import FolderFiles
from halfdoor.transparency.entries import ReleaseEntry
from halfdoor.transparency.errors import StoppedError
from halfdoor.transparency.memory import Memory
from halfdoor.transparency.source import CHECKPOINT, UnreachableError, day_path
from halfdoor.transparency.verifying import Verifier


@pytest.fixture
async def log() -> PublicLog:
    return await recent_log()


async def mirrored(log: PublicLog, folder: Path, *, trusting: bool = True) -> int:
    return await Mirror(log, folder, POLICY if trusting else None, lambda done, of: None).run()


def files_in(folder: Path) -> dict[str, bytes]:
    found = {str(one.relative_to(folder)): one for one in folder.rglob("*") if one.is_file()}
    return {name: one.read_bytes() for name, one in found.items()}


async def test_a_checkpoint_without_a_quorum_is_not_copied(log: PublicLog, tmp_path: Path) -> None:
    lines = log.store.now.checkpoint.decode().splitlines(keepends=True) if log.store.now else []
    log.shown[CHECKPOINT] = "".join(lines[:-2]).encode()
    with pytest.raises(RefusedError, match="witness-quorum"):
        await mirrored(log, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


async def test_entries_of_another_tree_are_no_copy(log: PublicLog, tmp_path: Path) -> None:
    path = "tile/entries/000.p/4"
    leaves = check_bundle(log.files.files[path], 4)
    leaves[1] = leaves[2]
    log.shown[path] = bundle(leaves)
    with pytest.raises(RefusedError, match="tile-hash"):
        await mirrored(log, tmp_path)
    log.shown["tile/0/000.p/4"] = b"".join(map(leaf_hash, leaves))
    with pytest.raises(RefusedError, match="entries-root"):
        await mirrored(log, tmp_path)
    assert not (tmp_path / "checkpoint/latest").exists()


async def test_a_file_that_is_another_one_than_before_is_refused(
    log: PublicLog, tmp_path: Path
) -> None:
    await mirrored(log, tmp_path)
    before = files_in(tmp_path)
    other = await recent_log(days=2)
    for _ in range(2):
        await other.append(other.grant())
        await other.night()
    with pytest.raises((RefusedError, StoppedError), match=r"other|consistency|root|hash"):
        await mirrored(other, tmp_path, trusting=False)
    assert files_in(tmp_path)["checkpoint/latest"] == before["checkpoint/latest"]
    assert {name: files_in(tmp_path)[name] for name in before} == before


async def test_a_log_that_shrank_is_not_copied(log: PublicLog, tmp_path: Path) -> None:
    await mirrored(log, tmp_path)
    with pytest.raises(RefusedError, match="log-shrank"):
        await mirrored(await recent_log(days=2), tmp_path)


@pytest.mark.parametrize("missing", ["day", "document", "tile/entries/000.p/4"])
async def test_what_is_missing_is_named(log: PublicLog, tmp_path: Path, missing: str) -> None:
    paths = {"day": day_path(min(log.store.days)), "document": next(iter(log.documents))}
    log.shown[paths.get(missing, missing)] = None
    with pytest.raises(RefusedError, match=r"day-checkpoint|document|entries-there"):
        await mirrored(log, tmp_path)


async def test_a_copy_holds_all_and_passes_as_the_log_does(log: PublicLog, tmp_path: Path) -> None:
    releases = [
        ReleaseEntry(entity=ENTITY, day=log.day, version=f"v{number}", wheels={"one.whl": DIGEST})
        for number in range(300)
    ]
    await log.append(*releases)
    assert await mirrored(log, tmp_path) == 304
    # Partial tiles of heads that are past, and today's checkpoint, which no entry names yet.
    passing = (".p/", day_path(log.day))
    newest = {
        path: data
        for path, data in (await shown_files(log)).items()
        if not any(part in path for part in passing) or path.endswith("000/001.p/48")
    }
    newest["checkpoint/latest"] = newest.pop(CHECKPOINT)
    assert newest.items() <= files_in(tmp_path).items()
    verdict = await Verifier(
        FolderFiles(tmp_path), POLICY, Memory(origin=ORIGIN), now=log.clock.now // 1000
    ).run()
    assert verdict.good


async def test_a_copy_goes_on_where_it_was_cut_short(log: PublicLog, tmp_path: Path) -> None:
    class Failing:
        """Answers some times, then no more."""

        def __init__(self, left: int) -> None:
            self.left = left

        async def get(self, path: str) -> bytes | None:
            self.left -= 1
            if self.left < 0:
                raise UnreachableError("the line is dead")
            return await log.get(path)

    for left in range(40):
        try:
            size = await Mirror(Failing(left), tmp_path, POLICY, lambda done, of: None).run()
        except UnreachableError:
            assert not (tmp_path / "checkpoint/latest").exists()
        else:
            assert size == 4
            break
    else:
        pytest.fail("it never came to an end")
    await log.night()
    assert await mirrored(log, tmp_path) == 5
