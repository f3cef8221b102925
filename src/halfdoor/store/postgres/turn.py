"""One batch of writes to conversations, in memory: what was looked up, and rows to be written.

Works read and change it and touch no connection; so they are plain functions of what stands under
the locks.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol

import msgspec

from halfdoor.messaging.ledger import Told
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.standings import Member, Standing
from halfdoor.store.postgres.streams import Assumed


class Needs(msgspec.Struct, gc=False):
    """What works have to look up before they can be written, each thing once."""

    members: set[str] = msgspec.field(default_factory=set)
    # (conversation, event id in bytes)
    events: set[tuple[str, bytes]] = msgspec.field(default_factory=set)
    sealed_states: set[str] = msgspec.field(default_factory=set)
    # (conversation, epoch)
    records: set[tuple[str, int]] = msgspec.field(default_factory=set)
    # (conversation, user, kind, thread)
    receipts: set[tuple[str, str, str, str]] = msgspec.field(default_factory=set)


class Change(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """*user* is now *membership*, by the event *seq*."""

    user: str
    membership: str
    seq: int


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One inbox row to be: `bits` are NOTIFY, HIGHLIGHT, and OWN for the sender's own event."""

    user: str
    kind: int
    seq: int
    bits: int


NOTIFY, HIGHLIGHT, OWN = 1, 2, 4


class Telling(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one write to *conv* has to tell; changes of membership come first.

    `n` is its number in the conversation's outbox, 0 where both sides share a transaction.
    """

    conv: str
    n: int
    changes: list[Change]
    entries: list[Entry]


class Written(NamedTuple):
    """A write to a conversation: what it has to tell, and the answer made of what was told."""

    telling: Telling | None
    answer: Callable[[tuple[Told, ...]], Any]


class Work(Protocol):
    """One write to one conversation."""

    @property
    def conv(self) -> str:
        """The conversation it is about."""

    @property
    def creates(self) -> bool:
        """Whether the conversation is to be made if it is not there."""

    @property
    def versions(self) -> Assumed:
        """Of the people it was decided by, how they stood; nothing where that does not matter."""

    def add_needs(self, needs: Needs, *, careful: bool) -> None:
        """Add to *needs* what `write` will ask of the turn."""

    def write(self, turn: "Turn") -> Written | Exception:
        """Write it into *turn*, or return why not; nothing may be written by then."""


class Kept(NamedTuple):
    """An event row: its number, and what is sealed."""

    seq: int
    sealed: bytes


class Record(NamedTuple):
    """The end of an epoch's chain of readers added: position (-1 for none) and hash."""

    n: int
    end: bytes


class Turn:
    """What a batch shares. `careful` says that event ids were asked for beforehand."""

    def __init__(self, keys: Keys, standings: dict[str, Standing], *, careful: bool) -> None:
        self.keys = keys
        self.standings = standings
        self.careful = careful
        # Looked up, and changed by what this batch writes.
        self.events: dict[tuple[str, bytes], Kept] = {}
        self.sealed_states: dict[tuple[str, str, str], bytes] = {}
        self.records: dict[tuple[str, int], Record] = {}
        self.receipts: dict[tuple[str, str, str, str], int] = {}
        # To be written.
        self.rows: dict[str, list[tuple[Any, ...]]] = {}
        self.event_rows: dict[tuple[str, int], tuple[Any, ...]] = {}
        self.replaced: dict[tuple[str, int], tuple[Any, ...]] = {}
        self.moved: dict[str, Standing] = {}
        self.members: dict[tuple[str, str], None] = {}
        self.changed_states: dict[tuple[str, str, str], None] = {}
        self.receipt_rows: list[tuple[Any, ...]] = []
        # Events that lose the keys of their files.
        self.bare: list[tuple[int, int, int]] = []

    def find(self, conv: str) -> Standing | None:
        """Return where *conv* stands, or None if nothing stands there."""
        at = self.standings.get(conv)
        return None if at is None or at.epoch == 0 else at

    def move(self, at: Standing) -> None:
        """Note that the row of a conversation has to be written."""
        self.moved[at.conv] = at

    def add(self, table: str, *rows: tuple[Any, ...]) -> None:
        """Gather rows of a table that is only ever added to."""
        self.rows.setdefault(table, []).extend(rows)

    def add_event(
        self, at: Standing, seq: int, packed: bytes, sealed: bytes, *, is_state: bool
    ) -> None:
        """Gather the row of an event."""
        self.events[at.conv, packed] = Kept(seq, sealed)
        self.event_rows[at.conv, seq] = (at.cb, at.c, seq, packed, is_state, sealed)

    def replace_event(self, at: Standing, packed: bytes, kept: Kept) -> None:
        """Let *kept* take the place of what is sealed of an event."""
        self.events[at.conv, packed] = kept
        new = self.event_rows.get((at.conv, kept.seq))
        if new is None:
            self.replaced[at.conv, kept.seq] = (at.cb, at.c, kept.seq, kept.sealed)
        else:
            self.event_rows[at.conv, kept.seq] = (*new[:-1], kept.sealed)

    def member(self, at: Standing, user: str) -> Member:
        """Return the row of *user*, who gets a number if they have none."""
        people = self._people(at)
        row = people.get(user)
        if row is None:
            row = Member(1 + max((known.m for known in people.values()), default=0))
            self.put_member(at, user, row)
        return row

    def put_member(self, at: Standing, user: str, row: Member) -> None:
        """Let *row* be the row of *user*."""
        self._people(at)[user] = row
        self.members[at.conv, user] = None

    def put_sealed_state(self, key: tuple[str, str, str], sealed: bytes) -> None:
        """Let *sealed* be the current value of *key* (conversation, type, state key)."""
        self.sealed_states[key] = sealed
        self.changed_states[key] = None

    def drop_sealed_state(self, key: tuple[str, str, str]) -> None:
        """Delete the current value of *key*."""
        del self.sealed_states[key]
        self.changed_states[key] = None

    def places(self, convs: Iterable[str]) -> dict[tuple[int, int], str]:
        """Return the conversations of *convs* that are there, by bucket and number."""
        found = (self.standings[conv] for conv in convs if conv in self.standings)
        return {(at.cb, at.c): at.conv for at in found}

    @staticmethod
    def _people(at: Standing) -> dict[str, Member]:
        if at.people is None:
            raise LookupError("a work must say that it needs the members")
        return at.people
