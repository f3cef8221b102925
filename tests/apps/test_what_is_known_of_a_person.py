"""A referral tells of a person what this server was told, and nothing it would have to guess."""

from halfdoor.accounts.errors import NotFoundError
from halfdoor.accounts.records import MeasureRecord, PersonRecord
from halfdoor.apps.parties import Parties
from halfdoor.safety.measures import Kind

NOW = 1_795_000_000_000
USER = "@mallory:a.example"


class Stopped:
    def now_ms(self) -> int:
        return NOW


class Town:
    """What is known of one person."""

    def __init__(self, record: PersonRecord, profile: dict[str, object] | None) -> None:
        self.record = record
        self.profile = profile

    async def person(self, user: str) -> PersonRecord:
        return self.record

    async def all(self, user: str) -> dict[str, object]:
        if self.profile is None:
            raise NotFoundError
        return self.profile


def parties(*measures: MeasureRecord, profile: dict[str, object] | None = None) -> Parties:
    town = Town(PersonRecord(user=USER, measures=measures), profile)
    return Parties(town, town, Stopped())


def measure(kind: Kind, **changes: int) -> MeasureRecord:
    return MeasureRecord(
        id=kind.value,
        kind=kind.value,
        decision="dec_1",
        starts=changes.get("starts", NOW - 10),
        ends=changes.get("ends"),
        reversed=changes.get("reversed"),
    )


async def test_of_a_stranger_nothing_is_told() -> None:
    party = await parties().party(USER)
    assert (party.user, party.age_band, party.country, party.display_names) == (
        USER,
        None,
        None,
        (),
    )
    assert party.disabled is None


async def test_what_ended_or_was_reversed_disables_nobody() -> None:
    for over in (
        measure(Kind.SUSPENDED, ends=NOW),
        measure(Kind.TERMINATED, reversed=NOW - 1),
        measure(Kind.TERMINATED, starts=NOW + 1),
        measure(Kind.NO_MEDIA),
    ):
        assert (await parties(over).party(USER)).disabled is None


async def test_the_gravest_measure_that_holds_is_told() -> None:
    suspended, ended = measure(Kind.SUSPENDED, ends=NOW + 9), measure(Kind.TERMINATED, starts=7)
    party = await parties(suspended).party(USER)
    assert (party.disabled, party.disabled_at) == ("temporarily", NOW - 10)
    party = await parties(suspended, ended).party(USER)
    assert (party.disabled, party.disabled_at) == ("permanently", 7)


async def test_a_display_name_is_told_where_there_is_one() -> None:
    named = parties(profile={"displayname": "Mal"})
    assert (await named.party(USER)).display_names == ("Mal",)
    odds: list[dict[str, object]] = [{}, {"displayname": ""}, {"displayname": 7}]
    for odd in odds:
        assert (await parties(profile=odd).party(USER)).display_names == ()
