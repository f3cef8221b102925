"""The other processes on the same store: what they are told, what is heard of them (SCALE §4).

Everything here is a hint. Without it nothing is lost and nothing is believed longer; a poll every
few seconds finds what no hint told.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Coroutine, Iterable
from typing import Any, Final, Protocol, final

import msgspec

from halfdoor.ids import bucket
from halfdoor.messaging.fresh import begin
from halfdoor.messaging.rooms import Rooms
from halfdoor.messaging.typing import Typing
from halfdoor.messaging.versions import Versions

_LEAST_SECONDS: Final = 5.0
_MOST_SECONDS: Final = 10.0
_AT_ONCE: Final = 500
# Something about a person changed that is no row of their inbox.
_CHANGED: Final = 0
_log: Final = logging.getLogger("halfdoor.nodes")


class Notice(msgspec.Struct, frozen=True, array_like=True):
    """That *user* types in *conv* for *ms* more (0: stopped), for the eyes of *tell*."""

    conv: str
    user: str
    ms: int
    tell: list[str]


class Hears(Protocol):
    """What the bus does with what other processes say."""

    def moved(self, people: Iterable[tuple[str, int]]) -> None:
        """Hear that people's streams are at these positions."""

    def typed(self, notice: Notice) -> None:
        """Hear that somebody types."""

    def reconnected(self) -> None:
        """Hear that something may have been missed."""


class Bus(Protocol):
    """Carries ids and positions between processes, never content; none of it may fail."""

    def attach(self, hears: Hears) -> None:
        """Say everything that is heard to *hears*."""

    def tell(self, people: Iterable[tuple[str, int]]) -> None:
        """Say that people's streams are at these positions."""

    def type(self, notice: Notice) -> None:
        """Say that somebody types."""

    async def listen(self, ub: int) -> None:
        """Hear of the people of a bucket from now on; returns once that holds, or cannot."""

    async def close(self) -> None:
        """Say what is left to be said, and go."""


class Waiters(Protocol):
    """The tails of inboxes at which people wait here."""

    def learn(self, user: str, position: int) -> None:
        """Take note of the newest position of *user*."""

    def waiting(self) -> list[str]:
        """Return who waits."""


@final
class Neighbours:
    """Joins this process with the others; `close` leaves them."""

    def __init__(
        self,
        bus: Bus,
        versions: Versions,
        *,
        seconds: tuple[float, float] = (_LEAST_SECONDS, _MOST_SECONDS),
    ) -> None:
        """Poll after between the two *seconds*, never all processes at once."""
        self._bus = bus
        self._versions = versions
        self._seconds = seconds
        self._buckets: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._soon = asyncio.Event()
        self._waiters: Waiters | None = None
        self._typing: Typing | None = None
        self._rooms: Rooms | None = None

    def join(self, waiters: Waiters, typing: Typing, rooms: Rooms) -> None:
        """Begin to hear for those who wait here."""
        self._waiters, self._typing, self._rooms = waiters, typing, rooms
        self._versions.watch(position=waiters.learn)
        self._bus.attach(self)
        self._start(self._poll())

    async def close(self) -> None:
        """Leave the others."""
        for task in list(self._tasks):
            task.cancel()
        for task in list(self._tasks):
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._bus.close()

    # -- what the others are told --------------------------------------------------------------

    def tell(self, people: Iterable[tuple[str, int]]) -> None:
        """Say that people's streams are at these positions."""
        self._bus.tell(people)

    def changed(self, user: str) -> None:
        """Say that something about *user* changed that is no row of their inbox."""
        self._bus.tell([(user, _CHANGED)])

    def type(self, conv: str, user: str, ms: int, tell: list[str]) -> None:
        """Say that *user* types in *conv* for *ms*, for the eyes of *tell*."""
        self._bus.type(Notice(conv, user, ms, tell))

    # -- what is heard of the others -----------------------------------------------------------

    async def listen(self, user: str) -> None:
        """Hear of *user* from now on, and look once more at what came before."""
        ub = bucket(user)
        if ub not in self._buckets:
            await self._bus.listen(ub)
            self._buckets.add(ub)
            await self._versions.arrive(user)

    def moved(self, people: Iterable[tuple[str, int]]) -> None:
        """Wake whoever waits for what others wrote."""
        if self._waiters is None:
            return
        changed = []
        for user, position in people:
            if position != _CHANGED:
                self._waiters.learn(user, position)
            elif user in self._versions:
                changed.append(user)
        if changed:
            self._start(self._look(changed))

    def typed(self, notice: Notice) -> None:
        """Show the notice to those of its people who wait here."""
        self._start(self._show(notice))

    def reconnected(self) -> None:
        """Poll at once: something may have been missed."""
        self._soon.set()

    # -- inside --------------------------------------------------------------------------------

    async def _show(self, notice: Notice) -> None:
        if self._rooms is None or self._typing is None:
            return
        begin()
        # At hand, so that whoever is woken finds it.
        room = await self._rooms.get(notice.conv)
        if room.members.get(notice.user) == "join":
            joined = [user for user in notice.tell if room.members.get(user) == "join"]
            self._typing.hear(notice.conv, notice.user, notice.ms, joined)

    async def _look(self, users: list[str]) -> None:
        for at in range(0, len(users), _AT_ONCE):
            await self._versions.arrive(*users[at : at + _AT_ONCE])

    async def _poll(self) -> None:
        """Ask the store about everybody who waits, again and again."""
        while True:
            with contextlib.suppress(TimeoutError):
                pause = random.uniform(*self._seconds)  # noqa: S311 - only so that nodes differ
                await asyncio.wait_for(self._soon.wait(), pause)
            self._soon.clear()
            if self._waiters is None:
                continue
            try:
                await self._look(self._waiters.waiting())
            except Exception:  # noqa: BLE001 - the store is away, and every request says so
                _log.debug("the poll found no store", exc_info=True)

    def _start(self, act: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(act, name="halfdoor-neighbours")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            # A hint that cannot be followed is no loss: the poll comes by.
            _log.debug("a hint could not be followed", exc_info=task.exception())

    def __repr__(self) -> str:
        return f"Neighbours({len(self._buckets)} buckets)"
