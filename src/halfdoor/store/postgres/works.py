"""Writes to a conversation that are no events: readers added, an epoch ended, a receipt."""

from collections.abc import Sequence

import msgspec

from halfdoor.messaging.ledger import LateWrap, Receipt, StaleError, Told
from halfdoor.messaging.mailbox import OWED, READER, RECEIPT
from halfdoor.store.errors import UnknownConversationError
from halfdoor.store.postgres.epoch_rows import reader_row
from halfdoor.store.postgres.streams import Assumed
from halfdoor.store.postgres.turn import Entry, Needs, Record, Telling, Turn, Written


class AddReaders(msgspec.Struct, frozen=True, gc=False):
    """Adds readers to epochs of *conv*, all or none."""

    conv: str
    late: tuple[LateWrap, ...]
    month: int
    creates: bool = False
    versions: Assumed = ()

    def add_needs(self, needs: Needs, *, careful: bool) -> None:
        """Ask for the ends of the chains of records."""
        needs.records.update((self.conv, late.epoch) for late in self.late)

    def write(self, turn: Turn) -> Written | Exception:
        """Write the records and wraps; `StaleError` if an epoch's chain of records moved."""
        at = turn.find(self.conv)
        if at is None:
            return UnknownConversationError(self.conv)
        ends = {late.epoch: turn.records.get((self.conv, late.epoch)) for late in self.late}
        rows = []
        for late in self.late:
            before = ends[late.epoch]
            if before is None or late.after != before.end:
                return StaleError()
            ends[late.epoch] = Record(before.n + 1, late.rh)
            rows.append(reader_row(turn.keys.outer, at, late, before.n + 1, self.month))
        turn.add("reader_added", *rows)
        turn.records.update(
            ((self.conv, epoch), end) for epoch, end in ends.items() if end is not None
        )
        users = dict.fromkeys(late.user for late in self.late)
        return _telling(self.conv, [Entry(user, READER, at.last_seq, 0) for user in users])


class EndEpoch(msgspec.Struct, frozen=True, gc=False):
    """Lets no epoch of *conv* be current, and tells people that a wrap is owed."""

    conv: str
    tell: tuple[str, ...]
    creates: bool = False
    versions: Assumed = ()

    def add_needs(self, needs: Needs, *, careful: bool) -> None:
        """Nothing but the conversation's own row."""

    def write(self, turn: Turn) -> Written | Exception:
        """Clear the current epoch; the next event starts one."""
        at = turn.find(self.conv)
        if at is None:
            return UnknownConversationError(self.conv)
        at.is_current = False
        turn.move(at)
        return _telling(self.conv, [Entry(user, OWED, at.last_seq, 0) for user in self.tell])


class SetReceipt(msgspec.Struct, frozen=True, gc=False):
    """Moves a receipt of *conv* forward."""

    conv: str
    receipt: Receipt
    tell: tuple[str, ...]
    # Whether the conversation's row says that a receipt moved, for processes that remember it.
    counted: bool = False
    creates: bool = False
    versions: Assumed = ()

    def add_needs(self, needs: Needs, *, careful: bool) -> None:
        """Ask for the receipt as it stands, and for the number of its person."""
        needs.members.add(self.conv)
        needs.receipts.add(self._key())

    def write(self, turn: Turn) -> Written | Exception:
        """Write the receipt and tell of it, unless it stood there or further."""
        at = turn.find(self.conv)
        if at is None:
            return UnknownConversationError(self.conv)
        receipt, key = self.receipt, self._key()
        if turn.receipts.get(key, 0) >= receipt.seq:
            return Written(None, lambda _told: None)
        turn.receipts[key] = receipt.seq
        if self.counted:
            # Where people have no database of their own, nobody else counts here.
            at.outbox += 1
            turn.move(at)
        m = turn.member(at, receipt.user).m
        place = (at.cb, at.c, m, receipt.kind, key[3])
        turn.receipt_rows.append((*place, receipt.event_id, receipt.seq, receipt.ts))
        return _telling(self.conv, [Entry(user, RECEIPT, receipt.seq, 0) for user in self.tell])

    def _key(self) -> tuple[str, str, str, str]:
        # "" stands for no thread: the key of a row has no nulls.
        return (self.conv, self.receipt.user, self.receipt.kind, self.receipt.thread or "")


def _telling(conv: str, entries: Sequence[Entry]) -> Written:
    """Return a write whose answer is what was told."""

    def answer(told: tuple[Told, ...]) -> tuple[Told, ...]:
        return told

    return Written(Telling(conv, 0, [], list(entries)), answer)
