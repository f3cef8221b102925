"""How long and how much the keyring holds: what is in flight, what is over, who makes room."""

from collections import OrderedDict
from collections.abc import Callable
from types import TracebackType
from typing import final

from halfdoor.readers.participants.keyring_session import Held


class KeyringFullError(Exception):
    """Every session the keyring has room for has a request in flight: try again in a moment."""


@final
class Retention:
    """Holds sessions while requests are in flight, and *seconds* after the last one.

    At most *sessions* of them; *clock* counts seconds and never goes back.
    """

    __slots__ = ("_clock", "_most", "_seconds", "held")

    def __init__(self, *, seconds: float, sessions: int, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._most = sessions
        self._clock = clock
        self.held: OrderedDict[str, Held] = OrderedDict()

    def start(self, session: str) -> None:
        """Count one more request of *session*."""
        self.owned(session).in_flight += 1

    def end(self, session: str) -> None:
        """Count one request less."""
        held = self.held.get(session)
        # It was logged out while the request ran, and perhaps opened again since.
        if held is None or held.in_flight == 0:
            return
        held.in_flight -= 1
        held.last = self._clock()
        if held.in_flight == 0 and (held.empty or self._seconds == 0):
            self.forget(session)

    def sweep(self, now: float) -> int:
        """Wipe every session whose time is over at *now*, of the clock; return how many."""
        over = [name for name, held in self.held.items() if self._is_over(held, now)]
        for name in over:
            self.forget(name)
        return len(over)

    def forget(self, session: str) -> None:
        """Wipe what is held for *session*, whatever is in flight."""
        held = self.held.pop(session, None)
        if held is not None:
            held.wipe()

    def live(self, session: str) -> Held | None:
        """Return what is held for *session*, unless its time is over: a late sweep adds none."""
        held = self.held.get(session)
        # With 0 seconds a key is opened just before its request is counted: the sweep, or the end
        # of that request, takes it.
        if held is None or held.in_flight or self._seconds == 0:
            return held
        if self._is_over(held, self._clock()):
            self.forget(session)
            return None
        return held

    def owned(self, session: str) -> Held:
        """Return what is held for *session*, begun if there is nothing; `KeyringFullError`."""
        held = self.live(session)
        if held is None:
            if len(self.held) >= self._most:
                self._make_room()
            held = self.held[session] = Held(self._clock())
        else:
            self.held.move_to_end(session)
        return held

    def _is_over(self, held: Held, now: float) -> bool:
        return held.in_flight == 0 and now - held.last >= self._seconds

    def _make_room(self) -> None:
        """Forget the idle session that was used longest ago."""
        idle = next((name for name, held in self.held.items() if held.in_flight == 0), None)
        if idle is None:
            raise KeyringFullError("all sessions are busy")
        self.forget(idle)

    def __repr__(self) -> str:
        return f"Retention(sessions={len(self.held)})"


@final
class InFlight:
    """A block during which a request of one session is in flight."""

    __slots__ = ("_kept", "_session")

    def __init__(self, kept: Retention, session: str) -> None:
        self._kept = kept
        self._session = session

    def __enter__(self) -> None:
        self._kept.start(self._session)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._kept.end(self._session)
