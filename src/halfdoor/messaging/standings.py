"""Where one person stands with the others in a conversation; remembered until anything changes."""

from collections import OrderedDict
from typing import Final, Protocol

import msgspec

from halfdoor.clock import Clock
from halfdoor.messaging.room import Room
from halfdoor.messaging.server_user import is_server_user
from halfdoor.safety.ages import adult_and_minor, is_minor
from halfdoor.safety.limiting import is_cut
from halfdoor.safety.measures import Limits
from halfdoor.safety.people import Person

_BOUND: Final = 20_000


class Facts(Protocol):
    """The facts about people that this is made from."""

    @property
    def version(self) -> int:
        """Goes up whenever a person, a connection or a block changes."""

    async def person(self, user: str) -> Person:
        """Return what is known of *user*; an unknown age where nothing is."""

    async def limits(self, user: str) -> Limits:
        """Return what *user* may not do now."""

    async def connection(self, one: str, other: str) -> str | None:
        """Return where the connection of two people comes from, None where there is none."""


class Standing(msgspec.Struct, frozen=True):
    """The members of a room whom one person does not know, and what that was true for.

    `strangers` are there or invited; `apart` are adults and minors of each other, now or ever
    there; from those in `cut`, there or invited, a measure keeps the person apart, connected or
    not. `until` (ms) is when a measure of somebody may begin or end.
    """

    revision: int
    version: int
    strangers: frozenset[str]
    apart: frozenset[str]
    cut: frozenset[str]
    until: int | None


class Standings:
    """Finds out who knows whom, and who is kept from whom."""

    def __init__(self, people: Facts, clock: Clock) -> None:
        """Ask *people*."""
        self._people = people
        self._clock = clock
        self._held: OrderedDict[tuple[str, str], Standing] = OrderedDict()

    async def of(self, room: Room, user: str) -> Standing:
        """Return where *user* stands with the others in *room*."""
        key = (room.conv, user)
        held = self._held.get(key)
        if (
            held is not None
            and held.revision == room.head.revision
            and held.version == self._people.version
            and (held.until is None or self._clock.now_ms() < held.until)
        ):
            return held
        standing = await self._look(room, user)
        self._held[key] = standing
        while len(self._held) > _BOUND:
            self._held.popitem(last=False)
        return standing

    async def _look(self, room: Room, user: str) -> Standing:
        revision, version = room.head.revision, self._people.version
        here, ours = await self._people.person(user), await self._people.limits(user)
        strangers, apart, cut, changes = set(), set(), set(), {ours.until}
        for other, membership in list(room.members.items()):
            if other == user or is_server_user(other):
                # The server is nobody's stranger: what it says reaches children too.
                continue
            present = membership in {"join", "invite"}
            there, theirs = await self._people.person(other), await self._people.limits(other)
            changes.add(theirs.until)
            if is_cut(here, ours, there, theirs):
                apart.add(other)
                cut |= {other} if present else set()
            if await self.knows(user, other):
                continue
            strangers |= {other} if present else set()
            if adult_and_minor(here.band, there.band) or adult_and_minor(there.band, here.band):
                apart.add(other)
        return Standing(
            revision,
            version,
            frozenset(strangers),
            frozenset(apart),
            frozenset(cut),
            min((one for one in changes if one is not None), default=None),
        )

    async def knows(self, one: str, other: str) -> bool:
        """Tell whether two people are connected.

        Having accepted a request connects too (SAFETY §5.13), but never somebody known to be a
        minor with somebody who is not: for that the platform must say so.
        """
        source = await self._people.connection(one, other)
        if source != "accepted":
            return source is not None
        here, there = await self._people.person(one), await self._people.person(other)
        return is_minor(here.band) == is_minor(there.band)
