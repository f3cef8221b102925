"""What a copy of a house has to come to before anybody may use it."""

from collections.abc import Mapping

import msgspec

from halfdoor.store.backup.errors import UnequalCopyError
from halfdoor.store.backup.rows import Tally
from halfdoor.store.errors import DamagedStoreError

# Of every section, how many rows it has and their digest.
Figures = Mapping[str, tuple[int, bytes]]


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """A restore that is complete: which backup, of when (ms), and what is in it."""

    number: int
    made: int
    rows: int
    conversations: int
    restores: int
    # Files of people: how many there are, and how many of them were not to be had.
    files: int = 0
    files_missing: int = 0


def check_equal(wanted: Figures, found: Mapping[str, Tally]) -> None:
    """Refuse a copy that holds other rows than what it was made from."""
    for name, (rows, digest) in wanted.items():
        tally = found.get(name, Tally())
        if (tally.rows, tally.digest) != (rows, digest):
            raise UnequalCopyError(
                f"{name} was not written as it was read ({tally.rows} rows of {rows}): check the"
                " disk, and run this again"
            )


def check_chain(conv: str, detail: str, *, ok: bool) -> None:
    """Refuse a copy with a conversation whose chain does not hold."""
    if not ok:
        raise DamagedStoreError(
            f"the conversation {conv} is not as it was written ({detail}), and was so before it"
            " was copied: use an older backup, and look for who could write the database"
        )
