"""Whether what this process remembers of people is what the store has (decision 0013)."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol, final

from halfdoor.messaging.fresh import Together, begin, is_fresh
from halfdoor.messaging.mailbox import Standing

_BOUND: Final = 100_000
# Of somebody about whom nothing was ever written.
_NEVER: Final = 0

Forget = Callable[[str], None]
Recheck = Callable[[str], Awaitable[None]]


class Standings(Protocol):
    """Where people's streams live."""

    async def standings(self, users: Sequence[str]) -> Mapping[str, Standing]:
        """Return where the streams of *users* stand; those never begun are left out."""


class _Known(NamedTuple):
    """The version of a person as it was read at a time."""

    version: int
    at: float


@final
class Versions:
    """Compares, once in each request, what is remembered of a person with what is written.

    Where they differ everything about that person is forgotten before the request goes on. At most
    *bound* people; of whom nothing is known any more, nothing is believed.
    """

    def __init__(self, store: Standings, *, bound: int = _BOUND) -> None:
        self._store = store
        self._together: Together[str, Standing] = Together(self._look)
        self._bound = bound
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._positions: list[Callable[[str, int], None]] = []
        self._forgets: list[Forget] = []
        self._rechecks: list[Recheck] = []

    def watch(
        self,
        *,
        forget: Forget | None = None,
        recheck: Recheck | None = None,
        position: Callable[[str, int], None] | None = None,
    ) -> None:
        """Call *forget*, then *recheck*, for whoever changed; *position* with each one's newest."""
        self._forgets += [forget] if forget is not None else []
        self._rechecks += [recheck] if recheck is not None else []
        self._positions += [position] if position is not None else []

    async def arrive(self, *users: str) -> None:
        """Begin a request that is about *users*."""
        begin()
        await self.check(users)

    async def check(self, users: Iterable[str]) -> None:
        """Let nothing be remembered of *users* that was not so when this request began."""
        known = self._known
        asked = [user for user in users if (k := known.get(user)) is None or not is_fresh(k.at)]
        if not asked:
            return
        at, found = await self._together.ask(asked)
        for user in asked:
            await self._learn(user, at, found.get(user))

    def known(self, users: Iterable[str]) -> tuple[tuple[str, int], ...]:
        """Return the versions of those of *users* that are known: what is decided assumes them."""
        return tuple((user, self._known[user].version) for user in users if user in self._known)

    def confirm(self, versions: Iterable[tuple[str, int]], at: float) -> None:
        """Note that *versions* were found to hold after *at*, under the locks of a write."""
        for user, version in versions:
            before = self._known.get(user)
            if before is not None and before.version == version and before.at < at:
                self._known[user] = _Known(version, at)

    async def _look(self, users: Sequence[str]) -> Mapping[str, Standing]:
        return await self._store.standings(users)

    async def _learn(self, user: str, at: float, standing: Standing | None) -> None:
        before = self._known.get(user)
        if before is not None and before.at >= at:
            # Somebody else learned of a later look while this one was passed on.
            return
        version = standing.version if standing is not None else _NEVER
        self._known[user] = _Known(version, at)
        self._known.move_to_end(user)
        while len(self._known) > self._bound:
            self._known.popitem(last=False)
        for tell in self._positions if standing is not None else ():
            tell(user, standing.pos if standing is not None else 0)
        if before is not None and before.version == version:
            return
        for forget in self._forgets:
            forget(user)
        for recheck in self._rechecks:
            await recheck(user)

    def __contains__(self, user: str) -> bool:
        return user in self._known

    def __len__(self) -> int:
        return len(self._known)

    def __repr__(self) -> str:
        return f"Versions({len(self._known)} people)"
