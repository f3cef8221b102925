"""Makes a backup: parts first, the manifest that names them last, then everything is read again."""

from typing import Final

import msgspec

from halfdoor.sealing.labels import Denied
from halfdoor.store.backup.folder import BackupFolder
from halfdoor.store.backup.manifest import Manifest, Part, Section
from halfdoor.store.backup.rows import Cutter, Tally, count_rows, encode_row
from halfdoor.store.backup.source import Progress, Snapshot, Table
from halfdoor.store.backup.verify import verify
from halfdoor.store.errors import OuterKeyError
from halfdoor.store.outerkey import OuterKeyStore

# The column that begins with the generation of the key its row is sealed under.
_SEALED: Final = "sealed"
_GENERATION_BYTES: Final = 2
_KEYS: Final = "conversations.data_key"


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that was made and verified: `written` of its `parts` were not there before."""

    number: int
    rows: int
    parts: int
    written: int
    bytes_written: int
    removed: int
    # Files of people: how many there are, and how many of them could not be copied.
    files: int = 0
    files_missing: int = 0


async def check_outer_key(snapshot: Snapshot, outer_key: OuterKeyStore) -> None:
    """Refuse an outer key that is not that of the house: its backup would open with none."""
    (table,) = (table for table in snapshot.tables if table.section == _KEYS)
    places = [table.columns.index(name) for name in ("generation", "wrapped")]
    try:
        async for batch in snapshot.rows(table):
            for row in batch:
                outer_key.unwrap(*(row[at] for at in places))
    except Denied:
        raise OuterKeyError(
            "this is not the outer key of this data: name the file the data was made with"
        ) from None


async def write_backup(
    folder: BackupFolder,
    snapshot: Snapshot,
    progress: Progress,
    *,
    now_ms: int,
    program: str,
    keep: int,
) -> Written:
    """Keep *snapshot* in *folder*, verify all of it, and forget all but the newest *keep*."""
    writer = _Writer(folder, progress)
    sections = [await writer.section(snapshot, table) for table in snapshot.tables]
    manifest = Manifest(
        made=now_ms,
        program=program,
        store=snapshot.store,
        schema=snapshot.schema,
        sections=tuple(sections),
    )
    number = folder.finish(manifest)
    verify(folder, manifest, progress)
    # Nothing older goes before the new one was read from the disk.
    removed = folder.forget(keep)
    return Written(
        number=number,
        rows=manifest.rows,
        parts=len(manifest.parts),
        written=writer.written,
        bytes_written=writer.bytes_written,
        removed=removed,
    )


class _Writer:
    """Puts the rows of tables into a folder."""

    def __init__(self, folder: BackupFolder, progress: Progress) -> None:
        self._folder = folder
        self._progress = progress
        self.written = 0
        self.bytes_written = 0

    async def section(self, snapshot: Snapshot, table: Table) -> Section:
        """Keep one table."""
        tally, cutter = Tally(), Cutter()
        parts: list[Part] = []
        at = table.columns.index(_SEALED) if _SEALED in table.columns else None
        async for batch in snapshot.rows(table):
            for row in batch:
                encoded = encode_row(row)
                tally.add(encoded)
                # Nothing is sealed yet of a file that is on its way.
                head = b"" if at is None or row[at] is None else row[at][:_GENERATION_BYTES]
                group = int.from_bytes(head, "big")
                part = cutter.add(group, encoded)
                if part is not None:
                    parts.append(self._keep(part))
            self._progress(f"reading {table.section}", tally.rows, None)
        parts += [self._keep(part) for part in cutter.rest()]
        return Section(
            name=table.section,
            columns=table.columns,
            rows=tally.rows,
            digest=tally.digest,
            parts=tuple(parts),
        )

    def _keep(self, part: bytes) -> Part:
        name, size, is_new = self._folder.put(part)
        if is_new:
            self.written += 1
            self.bytes_written += size
        return Part(name, count_rows(part), size)
