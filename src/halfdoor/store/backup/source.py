"""What a backup is made from: one moment of a house, table by table."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, NamedTuple, Protocol

from halfdoor.store.backup.rows import Tally, encode_row

Rows = Sequence[Sequence[Any]]
# Called with what is being done, how much of it is done, and of how much, if that is known.
Progress = Callable[[str, int, int | None], None]


class Table(NamedTuple):
    """A table as both stores have it: its side, its name, its columns in their one order."""

    side: str
    name: str
    columns: tuple[str, ...]

    @property
    def section(self) -> str:
        """What the table's section of a backup is called."""
        return f"{self.side}.{self.name}"


class Snapshot(Protocol):
    """One moment of a house, however long it is looked at."""

    store: str
    schema: int

    @property
    def tables(self) -> Sequence[Table]:
        """Every table that is to be copied."""

    def rows(self, table: Table) -> AsyncIterator[Rows]:
        """Return all rows of *table* in batches; booleans are 0 and 1."""


def nothing_told(_what: str, _done: int, _of: int | None) -> None:
    """Tell nobody how far it is."""


async def tallies(snapshot: Snapshot, progress: Progress = nothing_told) -> dict[str, Tally]:
    """Return the count and digest of every table of *snapshot*, by its section."""
    found = {}
    for table in snapshot.tables:
        tally = found[table.section] = Tally()
        async for batch in snapshot.rows(table):
            for row in batch:
                tally.add(encode_row(row))
            progress(f"comparing {table.section}", tally.rows, None)
    return found
