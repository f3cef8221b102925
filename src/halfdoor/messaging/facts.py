"""The facts about people in the words of the safety room, from what the accounts room keeps."""

from halfdoor.accounts.errors import NotFoundError
from halfdoor.accounts.people import People
from halfdoor.accounts.profile import Profiles
from halfdoor.clock import Clock
from halfdoor.safety.ages import band_of
from halfdoor.safety.contact import Person
from halfdoor.sealing.suites import PublicKey

_SHOWN = ("displayname", "avatar_url")


class Facts:
    """Implements what messaging asks about people (`contacts.People`, `keep.PublicKeys`, …)."""

    def __init__(self, people: People, profiles: Profiles, clock: Clock) -> None:
        """Ask *people* and *profiles*."""
        self._people = people
        self._profiles = profiles
        self._clock = clock

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
        )

    async def suspended(self, user: str) -> bool:
        """Tell whether the account is suspended."""
        return (await self._people.person(user)).suspended

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
