"""The facts about people in the words of the safety room, from what the accounts room keeps."""

from typing import NamedTuple

from halfdoor.accounts.errors import NotFoundError
from halfdoor.accounts.people import People
from halfdoor.accounts.profile import Profiles
from halfdoor.accounts.recent import Recent
from halfdoor.accounts.records import PersonRecord
from halfdoor.clock import Clock
from halfdoor.safety import measures
from halfdoor.safety.ages import band_of
from halfdoor.safety.contact import Person
from halfdoor.safety.measures import Limits
from halfdoor.sealing.suites import PublicKey

_SHOWN = ("displayname", "avatar_url")
_BOUND = 20_000


class _Folded(NamedTuple):
    """The limits that follow from one record of a person."""

    record: PersonRecord
    limits: Limits


class Facts:
    """Implements what messaging asks about people (`contacts.People`, `keep.PublicKeys`, …)."""

    def __init__(self, people: People, profiles: Profiles, clock: Clock) -> None:
        """Ask *people* and *profiles*."""
        self._people = people
        self._profiles = profiles
        self._clock = clock
        self._folded: Recent[str, _Folded] = Recent(_BOUND)

    @property
    def version(self) -> int:
        """Goes up whenever a person, a connection or a block changes."""
        return self._people.version

    async def person(self, user: str) -> Person:
        """Return what is known of *user*; an unknown age where nothing is."""
        record = await self._people.person(user)
        return Person(
            user_id=user,
            band=band_of(record.age_band),
            region=record.region,
            guardian=record.guardian,
            guardian_allows=frozenset(record.guardian_allows),
            dm_choice=record.dm_choice,
            device_checks=record.device_checks,
        )

    async def limits(self, user: str) -> Limits:
        """Return what *user* may not do now, by decisions and by the platform's word.

        Folded once for each record and each time span in which nothing begins or ends.
        """
        record = self._people.at_hand(user) or await self._people.person(user)
        if not record.measures:
            return measures.SUSPENDED if record.suspended else measures.NONE
        now = self._clock.now_ms()
        held = self._folded.at_hand(user)
        # A record that changed is another object: the memory of people is made so.
        if held is not None and held.record is record and held.limits.stand(now):
            return held.limits
        limits = measures.fold(record.measures, now, suspended=record.suspended)
        self._folded.put(user, _Folded(record, limits))
        return limits

    async def suspended(self, user: str) -> bool:
        """Tell whether the account is suspended."""
        return (await self.limits(user)).suspended

    async def exists(self, user: str) -> bool:
        """Tell whether there is such an account."""
        return await self._people.exists(user)

    async def connection(self, one: str, other: str) -> str | None:
        """Return where the connection of two people comes from, None where there is none."""
        return await self._people.source(one, other)

    async def blocks(self, user: str) -> frozenset[str]:
        """Return whom *user* blocks."""
        return await self._people.blocks(user)

    def blocks_at_hand(self, user: str) -> frozenset[str] | None:
        """Return whom *user* blocks if it is remembered: the same object until it changes."""
        return self._people.blocks_at_hand(user)

    async def connect(self, one: str, other: str, source: str) -> None:
        """Connect two people."""
        await self._people.connect(one, other, source, self._clock.now_ms())

    async def public_key(self, user: str) -> PublicKey | None:
        """Return the public key of *user*, None for one who never signed in."""
        return await self._people.public_key(user)

    def forget_key(self, user: str) -> None:
        """Read the public key of *user* anew next time."""
        self._people.forget(user)

    async def member_content(self, user: str) -> dict[str, str]:
        """Return `displayname` and `avatar_url` as far as *user* has them."""
        try:
            fields = await self._profiles.all(user)
        except NotFoundError:
            return {}
        return {
            name: value for name in _SHOWN if isinstance(value := fields.get(name), str) and value
        }
