"""Writes to a conversation that are no events: readers added, an epoch ended, a receipt."""

from collections.abc import Sequence
from typing import Final

import msgspec

from halfdoor.messaging.ledger import LateWrap, Receipt, StaleError, Told
from halfdoor.messaging.mailbox import OWED, READER, RECEIPT
from halfdoor.store.errors import UnknownConversationError
from halfdoor.store.sqlite.epochs import write_reader
from halfdoor.store.sqlite.projection import Entry, Telling
from halfdoor.store.sqlite.statements import statements
from halfdoor.store.sqlite.turn import Turn, Written

_SQL: Final = statements("receipts")


class AddReaders(msgspec.Struct, frozen=True, gc=False):
    """Adds readers to epochs of *conv*, all or none."""

    conv: str
    late: tuple[LateWrap, ...]
    month: int

    def write(self, turn: Turn) -> Written | Exception:
        """Write the records and wraps; `StaleError` if an epoch's chain of records moved."""
        at = turn.heads.find(turn.con, self.conv)
        if at is None:
            return UnknownConversationError(self.conv)
        turn.con.execute("SAVEPOINT readers")
        for late in self.late:
            if not write_reader(turn.con, turn.keys.outer, self.month, at, late):
                turn.con.execute("ROLLBACK TO readers")
                turn.con.execute("RELEASE readers")
                return StaleError()
        turn.con.execute("RELEASE readers")
        users = dict.fromkeys(late.user for late in self.late)
        return _telling(self.conv, [Entry(user, READER, at.last_seq, 0) for user in users])


class EndEpoch(msgspec.Struct, frozen=True, gc=False):
    """Lets no epoch of *conv* be current, and tells people that a wrap is owed."""

    conv: str
    tell: tuple[str, ...]

    def write(self, turn: Turn) -> Written | Exception:
        """Clear the current epoch; the next event starts one."""
        at = turn.heads.find(turn.con, self.conv)
        if at is None:
            return UnknownConversationError(self.conv)
        at.is_current = False
        turn.moved(at)
        return _telling(self.conv, [Entry(user, OWED, at.last_seq, 0) for user in self.tell])


class SetReceipt(msgspec.Struct, frozen=True, gc=False):
    """Moves a receipt of *conv* forward."""

    conv: str
    receipt: Receipt
    tell: tuple[str, ...]

    def write(self, turn: Turn) -> Written | Exception:
        """Write the receipt and tell of it, unless it stood there or further."""
        at = turn.heads.find(turn.con, self.conv)
        if at is None:
            return UnknownConversationError(self.conv)
        receipt = self.receipt
        member = turn.heads.member(turn.con, at, receipt.user)
        # "" stands for no thread: the key of a row has no nulls.
        key = (at.cb, at.c, member.m, receipt.kind, receipt.thread or "")
        before = turn.con.execute(_SQL["seq"], key).fetchone()
        if before is not None and before[0] >= receipt.seq:
            return Written(None, lambda _told: None)
        turn.con.execute(_SQL["put"], (*key, receipt.event_id, receipt.seq, receipt.ts))
        return _telling(self.conv, [Entry(user, RECEIPT, receipt.seq, 0) for user in self.tell])


def _telling(conv: str, entries: Sequence[Entry]) -> Written:
    """Return a write whose answer is what was told."""

    def answer(told: tuple[Told, ...]) -> tuple[Told, ...]:
        return told

    return Written(Telling(conv, 0, [], list(entries)), answer)
