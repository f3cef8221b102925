"""What is no backup, not this one's, or not whole, is refused before anything is touched."""

import asyncio
import errno
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.store.copies import back_up, restore
from tests.store.houses import SqliteHouse
from tests.store.making import ALICE, BOB, event, found, say

from halfdoor.sealing.backup import GENERATION, BackupKey
from halfdoor.store.backup.errors import (
    DamagedBackupError,
    NoBackupError,
    OccupiedError,
    UnequalCopyError,
    UnfitFolderError,
    UnknownFormatError,
)
from halfdoor.store.backup.folder import open_folder
from halfdoor.store.backup.manifest import Manifest, read_manifest, write_manifest
from halfdoor.store.errors import (
    DamagedStoreError,
    DataInUseError,
    NewerSchemaError,
    OuterKeyError,
    StoreUnavailableError,
)
from halfdoor.store.outerkey import OuterKeyFile, outer_key_file
from halfdoor.store.sqlite.lockfile import DirectoryLock


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A house in which two people wrote to each other, with a backup of it."""
    folder = tmp_path_factory.mktemp("made")

    async def make() -> None:
        house = SqliteHouse(folder, two_files=False)
        at = await found(house.store, ALICE, BOB)
        for _ in range(20):
            at = await say(house.store, at, event(at.conv, ALICE, (BOB,)))
        await back_up(house, folder / "backup")
        await house.pull_down()

    asyncio.run(make())
    return folder


@pytest.fixture
async def embedded(made: Path, tmp_path: Path) -> AsyncIterator[SqliteHouse]:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    house = SqliteHouse(tmp_path, two_files=False)
    yield house
    await house.pull_down()


@pytest.fixture
def folder(embedded: SqliteHouse) -> Path:
    return embedded.folder / "backup"


def parts(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "parts").rglob("*") if path.is_file())


def everything(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


async def refused(house: SqliteHouse, folder: Path, error: type[Exception], words: str) -> None:
    """See that neither looking nor restoring goes on, and that nothing was made or changed."""
    before, target = everything(folder), house.folder / "restored"
    with pytest.raises(error, match=words):
        await restore(folder, house.key, target)
    assert not target.exists() or not list(target.glob("*.db*")) + list(target.glob("rest*"))
    assert everything(folder) == before


def remove(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (remove, "is missing: use another copy"),
        (cut, "is cut off"),
        (lengthen, "longer than it was"),
        (empty, "is cut off"),
        (flip, "is damaged or was changed: use another copy"),
    ],
)
@pytest.mark.parametrize("which", [0, -1])
async def test_a_part_that_is_not_whole_is_refused(
    embedded: SqliteHouse,
    folder: Path,
    harm: Callable[[Path], None],
    words: str,
    which: int,
) -> None:
    harm(parts(folder)[which])
    await refused(embedded, folder, DamagedBackupError, words)


async def test_a_part_in_the_place_of_another_is_refused(
    embedded: SqliteHouse, folder: Path
) -> None:
    one, other = parts(folder)[:2]
    shutil.copy(one, other)
    await refused(embedded, folder, DamagedBackupError, "cut off|changed")


@pytest.mark.parametrize("harm", [cut, flip, lengthen])
async def test_a_manifest_that_is_not_whole_is_refused(
    embedded: SqliteHouse, folder: Path, harm: Callable[[Path], None]
) -> None:
    harm(folder / "manifest-000001")
    await refused(embedded, folder, DamagedBackupError, "manifest-000001 is damaged")


async def test_a_manifest_under_another_number_is_refused(
    embedded: SqliteHouse, folder: Path
) -> None:
    shutil.copy(folder / "manifest-000001", folder / "manifest-000002")
    await refused(embedded, folder, DamagedBackupError, r"an older one here \(--number 1\)")


@pytest.mark.parametrize("name", ["backup.key", "manifest-000001"])
async def test_a_form_of_another_version_is_refused(
    embedded: SqliteHouse, folder: Path, name: str
) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content.replace(b"halfdoor backup 1\n", b"halfdoor backup 2\n"))
    await refused(embedded, folder, UnknownFormatError, "another version of Halfdoor")


@pytest.mark.parametrize("name", ["backup.key", "manifest-000001"])
async def test_a_file_that_is_none_of_ours_is_refused(
    embedded: SqliteHouse, folder: Path, name: str
) -> None:
    (folder / name).write_bytes(b"something else\n")
    await refused(embedded, folder, DamagedBackupError, "no file of a backup")


async def test_another_outer_key_opens_nothing(embedded: SqliteHouse, folder: Path) -> None:
    other = outer_key_file(embedded.folder / "other.key", embedded.data, make=True)
    with pytest.raises(OuterKeyError, match="another outer key"):
        open_folder(folder, other)
    with pytest.raises(OuterKeyError, match="another outer key"):
        await restore(folder, other, embedded.folder / "restored")
    assert not (embedded.folder / "restored").exists()


async def test_a_damaged_key_file_says_what_to_do(embedded: SqliteHouse, folder: Path) -> None:
    flip(folder / "backup.key")
    await refused(embedded, folder, OuterKeyError, "put the file back")


async def test_a_folder_without_a_backup_says_so(embedded: SqliteHouse) -> None:
    (embedded.folder / "empty").mkdir()
    for missing in ("empty", "nowhere"):
        with pytest.raises(NoBackupError, match="holds no backup"):
            open_folder(embedded.folder / missing, embedded.key)


async def test_a_backup_that_was_never_finished_says_so(
    embedded: SqliteHouse, folder: Path
) -> None:
    (folder / "manifest-000001").unlink()
    await refused(embedded, folder, NoBackupError, "was ever finished")


async def test_a_number_that_is_not_there_names_those_that_are(
    embedded: SqliteHouse, folder: Path
) -> None:
    with pytest.raises(NoBackupError, match="no backup 9, but these: 1"):
        await restore(folder, embedded.key, embedded.folder / "restored", number=9)


def rewritten(folder: Path, key: OuterKeyFile, **changes: object) -> None:
    """Let whoever holds the keys write another manifest, as a newer or a faulty program would."""
    _, _, wrapped = (folder / "backup.key").read_bytes().partition(b"\n")
    sealing = BackupKey(key.unwrap(GENERATION, wrapped))
    path = folder / "manifest-000001"
    head, _, sealed = path.read_bytes().partition(b"\n")
    manifest = read_manifest(sealing.open_manifest(1, sealed))
    known = {name: getattr(manifest, name) for name in manifest.__struct_fields__}
    body = write_manifest(Manifest(**(known | changes)))
    path.write_bytes(head + b"\n" + sealing.seal_manifest(1, body))


async def test_a_newer_schema_is_refused(embedded: SqliteHouse, folder: Path) -> None:
    rewritten(folder, embedded.key, schema=9000)
    await refused(embedded, folder, NewerSchemaError, "restore it with that version")


async def test_a_backup_without_one_of_its_tables_is_refused(
    embedded: SqliteHouse, folder: Path
) -> None:
    _, manifest = open_folder(folder, embedded.key).manifest()
    fewer = tuple(one for one in manifest.sections if one.name != "conversations.event")
    rewritten(folder, embedded.key, sections=fewer)
    await refused(embedded, folder, DamagedBackupError, "does not hold the tables")


@pytest.mark.parametrize("what", ["rows of a section", "rows of a part"])
async def test_counts_that_do_not_agree_are_refused(
    embedded: SqliteHouse, folder: Path, what: str
) -> None:
    _, manifest = open_folder(folder, embedded.key).manifest()
    changed = []
    for section in manifest.sections:
        one = section
        if section.name == "conversations.event":
            part = replace(section.parts[0], rows=section.parts[0].rows - 1)
            one = (
                replace(section, rows=section.rows - 1)
                if what == "rows of a section"
                else replace(section, parts=(part, *section.parts[1:]))
            )
        changed.append(one)
    rewritten(folder, embedded.key, sections=tuple(changed))
    await refused(embedded, folder, DamagedBackupError, "another number of rows")


async def test_a_digest_that_does_not_fit_is_found_in_the_copy_which_goes(
    embedded: SqliteHouse, folder: Path
) -> None:
    _, manifest = open_folder(folder, embedded.key).manifest()
    sections = [replace(one, digest=bytes(32)) for one in manifest.sections]
    rewritten(folder, embedded.key, sections=tuple(sections))
    await refused(embedded, folder, UnequalCopyError, "not written as it was read")


def test_what_is_no_manifest_inside_is_refused() -> None:
    with pytest.raises(DamagedBackupError, match="cannot be read"):
        read_manifest(b"\x93\x01\x02\x03")


# --- where it is to go ----------------------------------------------------------------------------


async def test_a_target_that_holds_data_is_refused_and_stays_as_it_is(
    embedded: SqliteHouse, folder: Path
) -> None:
    await embedded.store.close()
    before = everything(embedded.data)
    with pytest.raises(OccupiedError, match="never puts anything over it"):
        await restore(folder, embedded.key, embedded.data)
    assert everything(embedded.data) == before
    await embedded.open()


@pytest.mark.parametrize("left", ["halfdoor.db-wal", "conversations.db-shm"])
async def test_a_log_that_was_left_alone_is_no_place_for_another_database(
    embedded: SqliteHouse, folder: Path, left: str
) -> None:
    target = embedded.folder / "restored"
    target.mkdir()
    (target / left).write_bytes(b"of another database")
    with pytest.raises(OccupiedError):
        await restore(folder, embedded.key, target)


async def test_a_target_in_use_is_refused(embedded: SqliteHouse, folder: Path) -> None:
    target = embedded.folder / "restored"
    target.mkdir()
    held = DirectoryLock(target)
    with pytest.raises(DataInUseError, match="stop it first"):
        await restore(folder, embedded.key, target)
    held.release()


async def test_a_target_that_cannot_be_made_is_named(embedded: SqliteHouse, folder: Path) -> None:
    (embedded.folder / "file").write_text("")
    with pytest.raises(StoreUnavailableError, match="file/data cannot be made"):
        await restore(folder, embedded.key, embedded.folder / "file" / "data")


# --- where it is made -----------------------------------------------------------------------------


async def test_a_folder_with_other_things_in_it_becomes_no_backup(embedded: SqliteHouse) -> None:
    other = embedded.folder / "letters"
    other.mkdir()
    (other / "a letter").write_text("dear")
    with pytest.raises(UnfitFolderError, match="name a new or an empty folder"):
        await back_up(embedded, other)
    assert everything(other) == {"a letter": b"dear"}


async def test_a_disk_that_is_full_is_named_and_the_backup_before_stays(
    embedded: SqliteHouse, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = await found(embedded.store, ALICE, BOB)
    before = everything(folder)

    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("halfdoor.store.backup.disk.os.fsync", full)
        with pytest.raises(StoreUnavailableError, match="No space left on device"):
            await back_up(embedded, folder)
    assert everything(folder) == before
    await say(embedded.store, at, event(at.conv, ALICE, (BOB,)))
    assert (await back_up(embedded, folder)).number == 2


async def test_two_backups_into_one_folder_at_once_are_refused(
    embedded: SqliteHouse, folder: Path
) -> None:
    held = DirectoryLock(folder)
    with pytest.raises(DataInUseError):
        await back_up(embedded, folder)
    held.release()


async def test_a_folder_of_another_outer_key_takes_no_more(
    embedded: SqliteHouse, folder: Path
) -> None:
    before = everything(folder)
    embedded.key.path.unlink()
    with pytest.raises(OuterKeyError, match="another outer key"):
        await back_up(embedded, folder)
    assert everything(folder) == before


async def test_a_house_of_a_newer_schema_is_not_copied(embedded: SqliteHouse, folder: Path) -> None:
    before = everything(folder)
    await embedded.ask("PRAGMA user_version = 9000", people=True)
    with pytest.raises(NewerSchemaError, match="use that version"):
        await back_up(embedded, folder)
    assert open_folder(folder, embedded.key).numbers() == [1]
    assert everything(folder) == before


async def test_a_damaged_house_is_not_taken_for_a_sound_one(
    embedded: SqliteHouse, folder: Path
) -> None:
    await embedded.store.close()
    path = embedded.store.paths[0]
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DamagedStoreError, match="restore the last good backup"):
        await back_up(embedded, folder)
    assert open_folder(folder, embedded.key).numbers() == [1]
    path.write_bytes(content)
    await embedded.open()


async def test_a_house_that_lacks_a_table_is_not_taken_for_a_sound_one(
    embedded: SqliteHouse, folder: Path
) -> None:
    await embedded.change("DROP TABLE receipt")
    with pytest.raises(DamagedStoreError, match="the table receipt is not as schema"):
        await back_up(embedded, folder)


async def test_a_chain_that_does_not_hold_is_not_restored(
    embedded: SqliteHouse, folder: Path
) -> None:
    await embedded.change("UPDATE conv SET chain = zeroblob(32)")
    await back_up(embedded, folder)
    await refused(embedded, folder, DamagedStoreError, "was so before it was copied")
    # The one before is as good as it was.
    await restore(folder, embedded.key, embedded.folder / "older", number=1)
