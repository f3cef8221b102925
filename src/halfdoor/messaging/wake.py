"""Who is waiting, and the newest rows of everybody who is: sync answers from here when it can.

The store is the only truth. A tail is a copy of the end of a person's inbox; whenever a row does
not continue it, it is thrown away and the store is asked again.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Final

from halfdoor.messaging.ledger import Told
from halfdoor.messaging.mailbox import EVENT, MailboxStore, Place

_PEOPLE: Final = 20_000
_ROWS: Final = 256


class Tail:
    """The rows of one inbox after `start`, complete; `start` is None until the store said so."""

    __slots__ = ("counts", "last", "rows", "start", "waiters")

    def __init__(self) -> None:
        """Begin to collect."""
        self.start: int | None = None
        self.last = 0
        self.rows: deque[Told] = deque()
        self.waiters: list[asyncio.Future[None]] = []
        # Unread counts by conversation: [notify, highlight, position they are true for].
        self.counts: dict[str, list[int]] = {}

    def take(self, told: Told) -> None:
        """Continue the tail, or begin it anew where *told* does not continue it."""
        if self.start is not None and told.pos <= self.last:
            # Told late, after a newer row, or told twice: the tail never goes back.
            return
        if self.start is not None and told.pos != self.last + 1:
            self.start = told.pos
            self.rows.clear()
            self.counts.clear()
        else:
            self.rows.append(told)
            if len(self.rows) > _ROWS:
                dropped = self.rows.popleft()
                if self.start is not None:
                    self.start = dropped.pos
        self.last = told.pos
        if told.kind == EVENT:
            counts = self.counts.get(told.conv)
            if counts is not None and told.pos > counts[2]:
                counts[0] += told.notify
                counts[1] += told.highlight
                counts[2] = told.pos

    def settle(self, position: int) -> None:
        """Begin after *position*, which the store gave after this tail began to collect."""
        if self.start is not None:
            # Another request asked at the same time, and its answer may be the newer one.
            return
        while self.rows and self.rows[0].pos <= position:
            self.rows.popleft()
        contiguous = [told.pos for told in self.rows] == list(
            range(position + 1, position + 1 + len(self.rows))
        )
        if not contiguous:
            position = max(told.pos for told in self.rows)
            self.rows.clear()
        self.start = position
        self.last = self.rows[-1].pos if self.rows else position

    def after(self, since: int) -> list[Told] | None:
        """Return the rows after *since*, or None where the tail does not reach back so far."""
        if self.start is None or since < self.start or since > self.last:
            return None
        # Positions have no gaps here, so the rows wanted are the last so many.
        return [self.rows[at] for at in range(since - self.last, 0)]

    def ring(self) -> None:
        """Wake everyone who waits for this person's inbox."""
        waiters, self.waiters = self.waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


class Wakeups:
    """The tails of everyone who synced lately, in bounded memory."""

    def __init__(self, mailbox: MailboxStore) -> None:
        """Read from *mailbox* what no tail holds."""
        self._mailbox = mailbox
        self._tails: OrderedDict[str, Tail] = OrderedDict()
        self.draining = False

    async def tail(self, user: str) -> Tail:
        """Return the tail of *user*, begun if need be."""
        found = self._tails.get(user)
        if found is None:
            found = self._tails[user] = Tail()
            found.settle(await self._mailbox.position(user))
            self._shed()
        elif found.start is None:
            found.settle(await self._mailbox.position(user))
        else:
            self._tails.move_to_end(user)
        return found

    def _shed(self) -> None:
        # A tail with someone waiting at it must stay, else nobody would wake them.
        while len(self._tails) > _PEOPLE:
            user, tail = next(iter(self._tails.items()))
            if tail.waiters:
                break
            del self._tails[user]

    def ring(self, told: Iterable[Told]) -> None:
        """Take what was written and wake the people it was written for, each once."""
        touched = set()
        for row in told:
            tail = self._tails.get(row.user)
            if tail is not None:
                tail.take(row)
                touched.add(row.user)
        for user in touched:
            self._tails[user].ring()

    def nudge(self, users: Iterable[str]) -> None:
        """Wake people for something that is no row (typing)."""
        for user in users:
            tail = self._tails.get(user)
            if tail is not None:
                tail.ring()

    async def wait(self, tail: Tail, seconds: float) -> None:
        """Return when somebody rings, or after *seconds*."""
        if self.draining:
            return
        waiter = asyncio.get_running_loop().create_future()
        tail.waiters.append(waiter)
        try:
            await asyncio.wait_for(waiter, seconds)
        except TimeoutError:
            pass
        finally:
            if waiter in tail.waiters:
                tail.waiters.remove(waiter)

    async def counts(self, user: str, tail: Tail, conv: str) -> tuple[int, int]:
        """Return how many unread events notify and highlight *user* in *conv*."""
        found = tail.counts.get(conv)
        if found is None:
            place = await self._mailbox.place(user, conv)
            if place is None:
                return 0, 0
            found = self._count(tail, place)
        return found[0], found[1]

    def _count(self, tail: Tail, place: Place) -> list[int]:
        counts = [place.notify, place.highlight, place.last_pos]
        # Rows that were written while the store was asked.
        for told in tail.rows:
            if told.conv == place.conv and told.kind == EVENT and told.pos > place.last_pos:
                counts[0] += told.notify
                counts[1] += told.highlight
                counts[2] = told.pos
        tail.counts[place.conv] = counts
        return counts

    def recount(self, user: str, conv: str) -> None:
        """Ask the store for the counts next time: *user* read something in *conv*."""
        tail = self._tails.get(user)
        if tail is not None:
            tail.counts.pop(conv, None)

    def drain(self) -> None:
        """Let every long poll answer now, and none wait again: the server is stopping."""
        self.draining = True
        for tail in self._tails.values():
            tail.ring()
