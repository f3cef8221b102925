"""What is measured of pairs that talk: acknowledged, delivered, and latency at a fixed rate."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
from bench.usage import cpu_seconds, memory

# A message of ordinary length; the canary and the number come before it.
TEXT = "The quick brown fox jumps over the lazy dog, and the dog does not mind at all."
_CLOCK = time.perf_counter


class Loop(Protocol):
    """What a phase needs of `bench.epoll.Loop`."""

    def at(self, when: float, call: Callable[[], None]) -> None: ...

    def run(self) -> None: ...

    def stop(self) -> None: ...


class Talk(Protocol):
    """Two people, one who writes and one who reads: over HTTP, or over XMPP."""

    def send(self, text: str, then: Callable[[], None]) -> None:
        """Send *text*; *then* once the server has acknowledged it."""

    def expect(self, text: str, then: Callable[[], None]) -> None:
        """Call *then* once the reader has *text*. The reader listens from now on."""


class Watched(msgspec.Struct, frozen=True):
    """The processes whose cost is measured."""

    server: list[int]
    database: list[int]


class Found(msgspec.Struct, kw_only=True):
    """One phase: *count* things in *seconds*; processor time in µs a thing; latencies in ms."""

    phase: str
    count: int
    seconds: float
    server_us: float
    database_us: float
    tool_us: float
    resident_mib: float
    database_mib: float
    latencies: list[float] = []

    @property
    def rate(self) -> float:
        return self.count / self.seconds


class Meter:
    """Counts what happens between `begin` and `end`."""

    def __init__(self, phase: str, watched: Watched) -> None:
        self._phase, self._watched = phase, watched
        self.count = 0
        self.latencies: list[float] = []
        # When each of them began, by the same clock.
        self.starts: list[float] = []
        self._found: Found | None = None

    def begin(self) -> None:
        self.count = 0
        self.latencies.clear()
        self.starts.clear()
        self._before = self._spent()
        self._started = _CLOCK()

    def end(self) -> None:
        seconds, after = _CLOCK() - self._started, self._spent()
        server, database, tool = (
            (b - a) * 1e6 / max(1, self.count) for a, b in zip(self._before, after, strict=True)
        )
        self._found = Found(
            phase=self._phase,
            count=self.count,
            seconds=seconds,
            server_us=server,
            database_us=database,
            tool_us=tool,
            resident_mib=memory(self._watched.server).resident,
            database_mib=memory(self._watched.database).proportional,
        )

    def found(self) -> Found:
        if self._found is None:
            raise RuntimeError("nothing was measured")
        return msgspec.structs.replace(self._found, latencies=list(self.latencies))

    def _spent(self) -> tuple[float, float, float]:
        return (
            cpu_seconds(self._watched.server),
            cpu_seconds(self._watched.database),
            time.process_time(),
        )


class Words:
    """The texts that are sent: each begins with the canary and a number."""

    def __init__(self, canary: str) -> None:
        self._canary = canary
        self.sent = 0
        self.bytes = 0

    def next(self) -> str:
        self.sent += 1
        text = f"{self._canary} {self.sent} {TEXT}"
        self.bytes += len(text)
        return text


def acknowledged(
    loop: Loop, talks: Sequence[Talk], words: Words, meter: Meter, warm: float, seconds: float
) -> Found:
    """Everybody sends as fast as they are answered; nobody reads."""
    end = _CLOCK() + warm + seconds
    busy = len(talks)

    def sender(talk: Talk) -> Callable[[], None]:
        def answered() -> None:
            nonlocal busy
            meter.count += 1
            if _CLOCK() < end:
                talk.send(words.next(), answered)
            else:
                busy -= 1
                if not busy:
                    loop.stop()

        return answered

    for talk in talks:
        talk.send(words.next(), sender(talk))
    loop.at(_CLOCK() + warm, meter.begin)
    loop.at(end, meter.end)
    loop.run()
    return meter.found()


def delivered(
    loop: Loop, talks: Sequence[Talk], words: Words, meter: Meter, warm: float, seconds: float
) -> Found:
    """Each pair's next message leaves when the last one has arrived and was acknowledged."""
    end = _CLOCK() + warm + seconds
    busy = len(talks)

    def turn(talk: Talk) -> None:
        text, open_ends, started = words.next(), 2, _CLOCK()

        def half() -> None:
            nonlocal open_ends, busy
            open_ends -= 1
            if open_ends:
                return
            meter.count += 1
            if _CLOCK() < end:
                turn(talk)
            else:
                busy -= 1
                if not busy:
                    loop.stop()

        def arrived() -> None:
            meter.latencies.append((_CLOCK() - started) * 1000)
            half()

        talk.expect(text, arrived)
        talk.send(text, half)

    for talk in talks:
        turn(talk)
    loop.at(_CLOCK() + warm, meter.begin)
    loop.at(end, meter.end)
    loop.run()
    return meter.found()


def paced(
    loop: Loop, talks: Sequence[Talk], words: Words, meter: Meter, rate: float, seconds: float
) -> Found:
    """*rate* messages a second over all pairs, whatever the server does.

    A message that finds every pair busy waits, and its latency counts from when it was due.
    """
    total = max(1, int(rate * seconds))
    free, due = deque(talks), deque[float]()
    left = total

    def start(talk: Talk, since: float) -> None:
        text, open_ends = words.next(), 2

        def half() -> None:
            nonlocal open_ends, left
            open_ends -= 1
            if open_ends:
                return
            left -= 1
            meter.count += 1
            if due:
                start(talk, due.popleft())
            else:
                free.append(talk)
            if not left:
                meter.end()
                loop.stop()

        def arrived() -> None:
            meter.latencies.append((_CLOCK() - since) * 1000)
            meter.starts.append(since)
            half()

        talk.expect(text, arrived)
        talk.send(text, half)

    began = _CLOCK() + 0.2

    def tick(number: int) -> Callable[[], None]:
        def call() -> None:
            if number + 1 < total:
                loop.at(began + (number + 1) / rate, tick(number + 1))
            if free:
                start(free.popleft(), _CLOCK())
            else:
                due.append(began + number / rate)

        return call

    loop.at(began, meter.begin)
    loop.at(began, tick(0))
    loop.run()
    return meter.found()
