"""Who is typing where: kept by one process for seconds, never written down."""

from collections.abc import Callable

from halfdoor.clock import Clock

_LONGEST_MS = 120_000


class Typing:
    """The typing notices of this process. `boot` names it, `serial` counts the changes."""

    def __init__(
        self,
        boot: str,
        clock: Clock,
        nudge: Callable[[list[str]], None],
        pass_on: Callable[[str, str, int, list[str]], None] | None = None,
    ) -> None:
        """Tell people by *nudge*, given who should look again; other processes by *pass_on*."""
        self._pass_on = pass_on
        self.boot = boot
        self.serial = 0
        self._clock = clock
        self._nudge = nudge
        # conv -> user -> (expires at ms, who may see it); conv -> serial of the newest change
        self._typing: dict[str, dict[str, int]] = {}
        self._changed: dict[str, int] = {}

    def set(self, conv: str, user: str, timeout_ms: int, tell: list[str]) -> None:
        """Note that *user* types for *timeout_ms* (0: stopped), and let *tell* know."""
        if self.hear(conv, user, timeout_ms, tell) and self._pass_on is not None:
            self._pass_on(conv, user, timeout_ms, tell)

    def hear(self, conv: str, user: str, timeout_ms: int, tell: list[str]) -> bool:
        """Do as `set`, for somebody who types at another process; tell whether it was news."""
        typing = self._typing.setdefault(conv, {})
        if timeout_ms > 0:
            typing[user] = self._clock.now_ms() + min(timeout_ms, _LONGEST_MS)
        elif typing.pop(user, None) is None:
            return False
        self.serial += 1
        self._changed[conv] = self.serial
        self._nudge(tell)
        return True

    def changed(self, conv: str, since: int) -> bool:
        """Tell whether who types in *conv* changed after the serial *since*."""
        return self._changed.get(conv, 0) > since

    def changed_since(self, since: int) -> list[str]:
        """Return the conversations where something changed after the serial *since*."""
        if since >= self.serial:
            return []
        return [conv for conv, serial in self._changed.items() if serial > since]

    def users(self, conv: str) -> list[str]:
        """Return who types in *conv* now."""
        now = self._clock.now_ms()
        return sorted(u for u, until in self._typing.get(conv, {}).items() if until > now)

    def expire(self) -> list[str]:
        """Forget notices that ran out; return the conversations they stood in."""
        now = self._clock.now_ms()
        touched = []
        for conv, typing in list(self._typing.items()):
            over = [user for user, until in typing.items() if until <= now]
            for user in over:
                del typing[user]
            if over:
                self.serial += 1
                self._changed[conv] = self.serial
                touched.append(conv)
            if not typing:
                del self._typing[conv]
        return touched
