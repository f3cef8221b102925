"""Where the rows of a copy come from: a backup, or another store; and what they amount to."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, final

from halfdoor.store.backup.folder import BackupFolder
from halfdoor.store.backup.manifest import Manifest
from halfdoor.store.backup.outcome import Figures
from halfdoor.store.backup.rows import Tally, encode_row, read_rows
from halfdoor.store.backup.schema import tables
from halfdoor.store.backup.source import Progress, Rows, Snapshot, Table


class Origin(Protocol):
    """All rows of a house, to be copied."""

    schema: int

    @property
    def tables(self) -> Sequence[Table]:
        """The tables of its schema."""

    def rows(self, table: Table) -> AsyncIterator[Rows]:
        """Return all rows of *table*, some at a time."""

    def figures(self) -> Figures:
        """Return what a copy has to hold; to be asked after all rows were read."""


@final
class BackupOrigin:
    """The rows of a backup that was verified."""

    def __init__(self, folder: BackupFolder, manifest: Manifest, progress: Progress) -> None:
        self._folder = folder
        self._sections = {section.name: section for section in manifest.sections}
        self._progress = progress
        self.schema = manifest.schema
        self.tables = tables(manifest.schema)

    async def rows(self, table: Table) -> AsyncIterator[Rows]:
        """Return the rows of *table*, part by part."""
        section, done = self._sections[table.section], 0
        for part in section.parts:
            found = read_rows(self._folder.part(part))
            done += len(found)
            self._progress(f"writing {table.section}", done, section.rows)
            yield found

    def figures(self) -> Figures:
        """Return what the manifest says."""
        return {name: (one.rows, one.digest) for name, one in self._sections.items()}


@final
class StoreOrigin:
    """The rows of a store at one moment, counted as they are read."""

    def __init__(self, snapshot: Snapshot, progress: Progress) -> None:
        self._snapshot = snapshot
        self._progress = progress
        self._tallies: dict[str, Tally] = {}
        self.schema = snapshot.schema
        self.tables = snapshot.tables

    async def rows(self, table: Table) -> AsyncIterator[Rows]:
        """Return the rows of *table* as the store has them."""
        tally = self._tallies[table.section] = Tally()
        async for batch in self._snapshot.rows(table):
            for row in batch:
                tally.add(encode_row(row))
            self._progress(f"moving {table.section}", tally.rows, None)
            yield batch

    def figures(self) -> Figures:
        """Return what was read."""
        return {name: (tally.rows, tally.digest) for name, tally in self._tallies.items()}
