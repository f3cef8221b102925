"""A client's way to the server: one connection that is made again, to another node if need be."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from bench.line import AnswerError, Line
from tests.journeys.person import TooLateError

# As long as a client shows a spinner rather than an error.
PATIENCE_SECONDS = 240.0
_PAUSE_SECONDS = 0.2
# After so long at another node a client is sent to its own again, as by a balancer.
_AWAY_SECONDS = 1.0
_LOST = (OSError, EOFError, asyncio.LimitOverrunError)


class GivenUpError(AssertionError):
    """The server refused for good what it has to accept."""


class Way:
    """One device's way to any of *addresses* (host, port), beginning with the first.

    `told` counts each status that was no 200, and under 0 how often nobody answered at all;
    `on_trouble` is called each time.
    """

    def __init__(self, addresses: Sequence[tuple[str, int]]) -> None:
        self._home = list(addresses)
        self._addresses = list(addresses)
        self._moved = 0.0
        self._line: Line | None = None
        self.token = ""
        self.user = ""
        self.told: Counter[int] = Counter()
        self.on_trouble: Callable[[], None] = _nothing

    async def once(self, method: str, path: str, body: Any = None, *, seconds: float) -> bytes:
        """One request, one answer; `AnswerError`, or `OSError` where none came in time."""
        if self._addresses != self._home and time.monotonic() > self._moved + _AWAY_SECONDS:
            self._addresses = list(self._home)
            self.close()
        if self._line is None:
            self._line = Line(*self._addresses[0])
            self._line.token = self.token
        try:
            async with asyncio.timeout(seconds):
                return await self._line.ask(method, path, body)
        except TimeoutError as late:
            self.close()
            raise ConnectionError("no answer in time") from late
        except _LOST as lost:
            self.close()
            # The next node, where there is one: this client's own may be dead for a while.
            self._addresses.append(self._addresses.pop(0))
            self._moved = time.monotonic()
            raise ConnectionError("the connection was lost") from lost
        except asyncio.CancelledError:
            self.close()
            raise

    async def must(self, method: str, path: str, body: Any = None, *, seconds: float = 30.0) -> Any:
        """Ask again and again until it is answered with a 200; return what was said."""
        give_up = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up:
            try:
                return msgspec.json.decode(await self.once(method, path, body, seconds=seconds))
            except AnswerError as refused:
                self.told[refused.status] += 1
                if refused.status != 429 and refused.status < 500:
                    raise GivenUpError(f"{self.user} {method} {path}: {refused}") from refused
            except ConnectionError:
                self.told[0] += 1
            self.on_trouble()
            # Not all of them at the same moment.
            await asyncio.sleep(_PAUSE_SECONDS * (0.5 + random.random()))
        said = f"no answer for {PATIENCE_SECONDS:.0f} s; since the beginning {dict(self.told)}"
        raise TooLateError(f"{self.user} {method} {path}: {said}")

    async def sign_in(self, name: str, password: str, *, fresh: bool) -> None:
        """Make the account (*fresh*), or sign in to it as a new device."""
        body: dict[str, Any] = {"username": name, "password": password}
        if fresh:
            path, body["auth"] = "/_matrix/client/v3/register", {"type": "m.login.dummy"}
        else:
            path, body = (
                "/_matrix/client/v3/login",
                {
                    "type": "m.login.password",
                    "identifier": {"type": "m.id.user", "user": name},
                    "password": password,
                },
            )
        answer = await self.must("POST", path, body)
        self.token, self.user = str(answer["access_token"]), str(answer["user_id"])
        self.close()

    def close(self) -> None:
        """Hang up; the next request connects anew."""
        if self._line is not None:
            self._line.close()
            self._line = None


def _nothing() -> None:
    """What a request in trouble does where nobody counts."""
