"""Everyone who is connected to one listener: how many, for how long, and how they are sent home.

There are no timers for each connection: tables in the order of their deadlines are looked at once
a second, so that a request costs two entries in a dictionary.
"""

import asyncio
from collections.abc import Iterator
from typing import Protocol

import msgspec

from halfdoor.web.heading import Headings
from halfdoor.web.request import Receive, Scope
from halfdoor.web.response import Response

_TICKS_PER_LIMIT = 4
_MOST_BETWEEN_TICKS = 1.0


class Answering(Protocol):
    """Whatever answers requests; nothing that it raises may be of the client's making."""

    async def answer(self, scope: Scope, receive: Receive) -> Response:
        """The answer to one request."""


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How much of one connection is put up with; times in seconds, sizes in bytes.

    A head must be whole *head_seconds* after it began, and no longer than *head_bytes*; no request
    takes more than *message_bytes* on the line. A client that does not read is left after
    *write_seconds*, and a second more for every *write_bytes_per_second*. Of all answers together
    at most *unsent_bytes* wait for clients that do not read.
    """

    connections: int = 20_000
    head_seconds: float = 20.0
    idle_seconds: float = 75.0
    write_seconds: float = 30.0
    write_bytes_per_second: int = 16_384
    head_bytes: int = 65_536
    message_bytes: int = 16 << 20
    unsent_bytes: int = 256 << 20


class Guest(Protocol):
    """A connection, as its reception sees it."""

    @property
    def unsent(self) -> int:
        """Bytes of answers that the client has not taken."""

    def leave(self) -> None:
        """Close as soon as what is in hand is answered."""

    def late(self) -> None:
        """The head did not arrive in time."""

    def drop(self) -> None:
        """Close at once, and throw away what was not sent."""


class Reception:
    """The connections of one listener. Its tables are written by the connections themselves."""

    def __init__(self, app: Answering, patience: Patience) -> None:
        self.answer = app.answer
        self.patience = patience
        self.headings = Headings()
        self.loop = asyncio.get_running_loop()
        self.draining = False
        self.guests: set[Guest] = set()
        # When they came here, in that order: whose head is not whole, and who asks for nothing.
        self.heads: dict[Guest, float] = {}
        self.idle: dict[Guest, float] = {}
        # By when they must have taken their answer.
        self.writing: dict[Guest, float] = {}
        self._emptied = asyncio.Event()
        times = (patience.head_seconds, patience.idle_seconds, patience.write_seconds)
        self._between = min(_MOST_BETWEEN_TICKS, min(times) / _TICKS_PER_LIMIT)
        self._timer = self.loop.call_later(self._between, self._tick)

    @property
    def full(self) -> bool:
        """Whether one more connection is one too many."""
        return len(self.guests) >= self.patience.connections or self.draining

    def welcome(self, guest: Guest) -> None:
        """Count *guest* in; its head is awaited."""
        self.guests.add(guest)
        self.heads[guest] = self.loop.time()

    def farewell(self, guest: Guest) -> None:
        """Forget *guest*, who is gone."""
        self.guests.discard(guest)
        self.heads.pop(guest, None)
        self.idle.pop(guest, None)
        self.writing.pop(guest, None)
        if self.draining and not self.guests:
            self._emptied.set()

    def expect_reading(self, guest: Guest, size: int) -> None:
        """*guest* has *size* bytes to take, and a while to do so."""
        patience = self.patience
        seconds = patience.write_seconds + size / patience.write_bytes_per_second
        self.writing[guest] = self.loop.time() + seconds

    async def drain(self) -> None:
        """Take nobody in any more; return when everybody was answered and has left."""
        self.draining = True
        for guest in list(self.guests):
            guest.leave()
        if self.guests:
            await self._emptied.wait()

    def close(self) -> None:
        """Drop whoever is still there."""
        self.draining = True
        self._timer.cancel()
        for guest in {*self.guests, *self.writing}:
            guest.drop()

    def _tick(self) -> None:
        self.headings.turn()
        now, patience = self.loop.time(), self.patience
        for guest in list(_before(self.heads, now - patience.head_seconds)):
            guest.late()
        for guest in list(_before(self.idle, now - patience.idle_seconds)):
            guest.leave()
        if self.writing:
            self._check_writing(now)
        self._timer = self.loop.call_later(self._between, self._tick)

    def _check_writing(self, now: float) -> None:
        for guest in [guest for guest, until in self.writing.items() if until <= now]:
            guest.drop()
        sizes = {guest: guest.unsent for guest in self.writing}
        total = sum(sizes.values())
        for guest in sorted(sizes, key=self.writing.__getitem__):
            if total <= self.patience.unsent_bytes:
                return
            total -= sizes[guest]
            guest.drop()


def _before(table: dict[Guest, float], moment: float) -> Iterator[Guest]:
    for guest, since in table.items():
        if since > moment:
            return
        yield guest
