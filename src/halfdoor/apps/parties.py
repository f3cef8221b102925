"""What this server knows of a person, as a referral tells it: nothing is guessed."""

from typing import Final, Protocol, final

from halfdoor.accounts.errors import NotFoundError
from halfdoor.accounts.records import PersonRecord
from halfdoor.clock import Clock
from halfdoor.readers.review.cyber_tip_facts import Party
from halfdoor.safety.measures import Kind

_DISABLING: Final = {Kind.TERMINATED: "permanently", Kind.SUSPENDED: "temporarily"}


class People(Protocol):
    """Where facts and measures are known (`accounts.people.People`)."""

    async def person(self, user: str) -> PersonRecord:
        """Return what is known of *user*; of a stranger a record without facts."""


class Profiles(Protocol):
    """What people show of themselves (`accounts.profile.Profiles`)."""

    async def all(self, user: str) -> dict[str, object]:
        """Return all fields of a profile."""


@final
class Parties:
    """Implements `readers.review.referrals.Persons`."""

    def __init__(self, people: People, profiles: Profiles, clock: Clock) -> None:
        self._people = people
        self._profiles = profiles
        self._clock = clock

    async def party(self, user: str) -> Party:
        """Return what is known of *user*."""
        record = await self._people.person(user)
        disabled, since = _disabled(record, self._clock.now_ms())
        return Party(
            user=user,
            display_names=await self._names(user),
            age_band=record.age_band,
            age_source=record.age_source,
            country=record.region,
            disabled=disabled,
            disabled_at=since,
        )

    async def _names(self, user: str) -> tuple[str, ...]:
        try:
            name = (await self._profiles.all(user)).get("displayname")
        except NotFoundError:
            return ()
        return (name,) if isinstance(name, str) and name else ()


def _disabled(record: PersonRecord, now: int) -> tuple[str | None, int | None]:
    """Return how, and since when, the account is disabled by the desk; the gravest counts."""
    for kind, word in _DISABLING.items():
        for measure in record.measures:
            if measure.kind == kind and measure.holds(now):
                return word, measure.starts
    return None, None
