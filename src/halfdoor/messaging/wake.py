"""Who is waiting, and the newest rows of everybody who is: sync answers from here when it can.

The store is the only truth. A tail is a copy of the end of a person's inbox; whenever a row does
not continue it, it is thrown away and the store is asked again.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Final, Protocol

from halfdoor.messaging.errors import HungUpError
from halfdoor.messaging.fresh import begin, is_fresh
from halfdoor.messaging.ledger import Told
from halfdoor.messaging.mailbox import EVENT, MailboxStore, Place

_PEOPLE: Final = 20_000
_ROWS: Final = 256


class Tail:
    """The rows of one inbox after `start`, complete; `start` is None until the store said so."""

    __slots__ = ("counts", "hinted", "last", "moment", "read_at", "rows", "start", "waiters")

    def __init__(self) -> None:
        """Begin to collect."""
        self.start: int | None = None
        self.last = 0
        # The newest position that somebody else told of.
        self.hinted = 0
        # When what is told here last was so; None for now (s, `time.monotonic`).
        self.moment: float | None = None
        # When rows, or what they stand for, last came from elsewhere than a send of this process.
        self.read_at = 0.0
        self.rows: deque[Told] = deque()
        self.waiters: list[asyncio.Future[None]] = []
        # Unread counts by conversation: [notify, highlight, position they are true for].
        self.counts: dict[str, list[int]] = {}

    @property
    def is_behind(self) -> bool:
        """Whether another process wrote rows that are not here yet."""
        return self.hinted > self.last and self.start is not None

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

    def take_over(self, rows: Iterable[Told]) -> None:
        """Continue the tail by what another process wrote; what was counted here may not hold."""
        for told in rows:
            self.take(told)
            self.counts.pop(told.conv, None)

    def begin_anew(self) -> None:
        """Hold nothing until the store said where this inbox stands."""
        self.start = None
        self.last = 0
        self.rows.clear()
        self.counts.clear()

    def after(self, since: int) -> list[Told] | None:
        """Return the rows after *since*, or None where the tail does not reach back so far."""
        if self.start is None or since < self.start or since > self.last:
            return None
        # Positions have no gaps here, so the rows wanted are the last so many.
        return [self.rows[at] for at in range(since - self.last, 0)]

    def ring(self, at: float | None = None) -> None:
        """Wake everyone who waits for this person's inbox; *at* is when what is told was so."""
        self.moment = at
        if self.waiters:
            waiters, self.waiters = self.waiters, []
            for waiter in waiters:
                _wake(waiter)


class Line(Protocol):
    """Where somebody waits for an answer, and may hang up: then `waiter` is woken."""

    @property
    def gone(self) -> bool:
        """Whether they hung up."""

    waiter: asyncio.Future[None] | None


class Others(Protocol):
    """The other processes that write to the same store."""

    async def listen(self, user: str) -> None:
        """Hear of *user* from now on."""

    def tell(self, people: Iterable[tuple[str, int]]) -> None:
        """Say that people's inboxes are at these positions."""


class Wakeups:
    """The tails of everyone who synced lately, in bounded memory."""

    def __init__(self, mailbox: MailboxStore, others: Others | None = None) -> None:
        """Read from *mailbox* what no tail holds; *others* may write there too."""
        self._mailbox = mailbox
        self._others = others
        self._tails: OrderedDict[str, Tail] = OrderedDict()
        self.draining = False

    async def tail(self, user: str) -> Tail:
        """Return the tail of *user*, begun if need be."""
        if self._others is not None:
            await self._others.listen(user)
        found = self._tails.get(user)
        begun = found is None or found.start is None
        if found is None:
            found = self._tails[user] = Tail()
            found.settle(await self._mailbox.position(user))
            self._shed()
        elif found.start is None:
            found.settle(await self._mailbox.position(user))
        else:
            self._tails.move_to_end(user)
        if found.is_behind:
            await self.catch_up(user, found)
        elif begun and self._others is not None:
            found.read_at = time.monotonic()
        return found

    def renew(self, tail: Tail) -> None:
        """Let nothing be believed that is older than rows of other processes in *tail*.

        A row is told once: what it stands for must be found then, or is never shown.
        """
        if self._others is not None and is_fresh(tail.read_at):
            begin()

    def read_aside(self) -> None:
        """Do as `renew`, for rows that were just read from the store and into no tail."""
        if self._others is not None:
            begin()

    def learn(self, user: str, position: int) -> None:
        """Note that the inbox of *user* is at *position*, and wake them if that is new here."""
        tail = self._tails.get(user)
        if tail is not None and position > tail.hinted:
            tail.hinted = position
            if tail.is_behind:
                tail.ring()

    async def catch_up(self, user: str, tail: Tail) -> None:
        """Read what another process wrote into the inbox of *user*."""
        if tail.hinted - tail.last <= _ROWS:
            rows = await self._mailbox.inbox(user, after=tail.last, limit=_ROWS)
            tail.take_over(rows)
        if tail.is_behind:
            # Too much, or not there: a hint is no promise.
            tail.begin_anew()
            tail.settle(await self._mailbox.position(user))
            tail.hinted = tail.last
        tail.read_at = time.monotonic()

    def waiting(self) -> list[str]:
        """Return who waits for something to happen."""
        return [user for user, tail in self._tails.items() if tail.waiters]

    def _shed(self) -> None:
        # A tail with someone waiting at it must stay, else nobody would wake them.
        while len(self._tails) > _PEOPLE:
            user, tail = next(iter(self._tails.items()))
            if tail.waiters:
                break
            del self._tails[user]

    def ring(self, told: Iterable[Told], at: float | None = None) -> bool:
        """Take what was written, wake the people it was written for; tell whether any waited.

        *at* (s, `time.monotonic`) is when conversation and people were compared for it, by the
        writer, with what this process remembers.
        """
        touched, waited = {}, False
        rows = told if self._others is None else list(told)
        for row in rows:
            tail = self._tails.get(row.user)
            if tail is not None:
                tail.take(row)
                touched[row.user] = tail
        for tail in touched.values():
            if self._others is not None and at is None:
                tail.read_at = time.monotonic()
            waited = waited or bool(tail.waiters)
            tail.ring(at)
        if self._others is not None:
            self._others.tell([(row.user, row.pos) for row in rows])
        return waited

    def nudge(self, users: Iterable[str]) -> None:
        """Wake people for something that is no row (typing)."""
        for user in users:
            tail = self._tails.get(user)
            if tail is not None:
                if self._others is not None:
                    tail.read_at = time.monotonic()
                tail.ring()

    async def wait(self, tail: Tail, seconds: float, line: Line | None = None) -> None:
        """Return when somebody rings, or after *seconds*; HungUpError once *line* is dead."""
        if self.draining:
            return
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        # `asyncio.wait_for` would make a second future, and costs five times as much.
        timer = loop.call_later(seconds, _wake, waiter)
        tail.waiters.append(waiter)
        if line is not None:
            line.waiter = waiter
            if line.gone:
                _wake(waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            rung = waiter not in tail.waiters
            if not rung:
                tail.waiters.remove(waiter)
            if line is not None:
                line.waiter = None
        if line is not None and line.gone:
            raise HungUpError
        if self._others is not None:
            # Much may have changed elsewhere while this request waited.
            begin(tail.moment if rung else None)

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


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
