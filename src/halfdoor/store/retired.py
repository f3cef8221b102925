"""What retention has ended of a conversation, and how much of it a sweep may end next. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Protocol

import msgspec

from halfdoor.sealing.chain import extended
from halfdoor.sealing.labels import b64
from halfdoor.sealing.outer import OuterKeys
from halfdoor.store.generations import FREEZES, generation_of
from halfdoor.store.sqlite.events import link_of, open_row

RETIRED: Final = "retired"
_NO_HASH: Final = bytes(32)


class Retired(msgspec.Struct, frozen=True, gc=False):
    """Everything of a conversation before epoch *epoch* and event *seq* was ended by retention.

    The chain stood at *chain* there. *deleted* events are gone; *kept* ones are state that the
    server acts on, over which *links* is chained from 32 zero bytes.
    """

    epoch: int = 1
    seq: int = 1
    chain: bytes = _NO_HASH
    deleted: int = 0
    kept: int = 0
    links: bytes = _NO_HASH

    def facts(self) -> list[str | int]:
        """Return what the row's mac covers."""
        return [self.epoch, self.seq, b64(self.chain), self.deleted, self.kept, b64(self.links)]


NOTHING: Final = Retired()


class Macs(Protocol):
    """Whoever can make and check the macs of rows that decide something."""

    def row_mac(self, table: str, partition: str, pk: list[str], row: list[str | int]) -> bytes:
        """Return the mac of a row."""

    def check_row_mac(
        self, table: str, partition: str, pk: list[str], row: list[str | int], found: bytes
    ) -> None:
        """Refuse a row that does not bear its mac, with `RowMacError`."""


def retired_mac(macs: Macs, conv: str, retired: Retired) -> bytes:
    """Return the mac of what retention has ended of *conv*."""
    return macs.row_mac(RETIRED, conv, [conv], retired.facts())


def checked(macs: Macs, conv: str, row: Sequence[object] | None) -> Retired:
    """Return what a row (six facts and a mac) says of *conv*, else `RowMacError`."""
    if row is None:
        return NOTHING
    *facts, found = row
    retired = Retired(*facts)  # type: ignore[arg-type]
    macs.check_row_mac(RETIRED, conv, [conv], retired.facts(), found)  # type: ignore[arg-type]
    return retired


class OldEpoch(NamedTuple):
    """An epoch that a sweep looks at; *held* ones are out of its reach."""

    number: int
    first_seq: int
    chain0: bytes
    day: int
    held: bool


class End(NamedTuple):
    """Where what is kept begins. *closes*: the newest epoch ends too, and no event joins it."""

    epoch: int
    seq: int
    chain: bytes
    closes: bool


class _Day(msgspec.Struct):
    day: int


_day: Final = msgspec.json.Decoder(_Day).decode


def day_of_header(header: bytes) -> int:
    """Return the day of an epoch; its header was checked when it was made, and lies sealed."""
    return _day(header).day


def is_frozen(sealed: bytes) -> bool:
    """Tell whether a row lies under the key of a hold on its conversation."""
    return generation_of(sealed) in FREEZES


def end_of(
    epochs: Sequence[OldEpoch], before: int, most: int, head: tuple[int, bytes]
) -> End | None:
    """Return where a conversation begins after its epochs of days before *before* are gone.

    *epochs* are the oldest that are kept, one more than *most* where there are so many; at most
    *most* of them end. *head* is the last seq and the chain there. None where none may end: a
    held epoch stops all behind it, because a history has no holes.
    """
    count = 0
    for epoch in epochs[:most]:
        if epoch.held or epoch.day >= before:
            break
        count += 1
    if count == 0:
        return None
    if count < len(epochs):
        first = epochs[count]
        return End(first.number, first.first_seq, first.chain0, closes=False)
    return End(epochs[-1].number + 1, head[0] + 1, head[1], closes=True)


def ended(
    keys: OuterKeys,
    conv: str,
    before: Retired,
    end: End,
    state: Iterable[tuple[int, bytes, bytes]],
) -> Retired:
    """Return what is ended of *conv* once it begins at *end*.

    *state* are the rows (seq, event id, sealed) of state events in what ends now; they stay.
    Raises `Denied` if one of them does not open in its place.
    """
    links, kept = before.links, 0
    for seq, packed, sealed in state:
        links = extended(links, link_of(seq, packed, open_row(keys, conv, seq, packed, sealed)))
        kept += 1
    return Retired(
        end.epoch,
        end.seq,
        end.chain,
        before.deleted + end.seq - before.seq - kept,
        before.kept + kept,
        links,
    )
