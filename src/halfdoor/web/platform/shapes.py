"""The bodies and answers of the platform interface; its OpenAPI document is made from them."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

MOST: int = 1000

AgeBand = Literal["under13", "13-15", "16-17", "adult"]
User = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=255,
        description="A local part, or a full user id of this server.",
        examples=["alice", "@alice:chat.example"],
    ),
]
AgeSource = Annotated[
    str,
    Meta(
        max_length=64,
        pattern="^[!-~]+$",
        description="Who vouches for the age band, in a word of yours.",
        examples=["id-check"],
    ),
]
Region = Annotated[
    str,
    Meta(
        min_length=2,
        max_length=2,
        pattern="^[A-Z]{2}$",
        description="Where the person lives: ISO 3166-1, two letters. People of a region that is"
        " not this server's are refused.",
    ),
]
Allowed = Annotated[
    list[User],
    Meta(max_length=200, description="Whom the guardian allows to write to this person."),
]


class _Closed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body in which a misspelt field is refused, not passed over."""


class PersonFacts(_Closed, frozen=True, kw_only=True):
    """What you say of one person. A field that is left out stays as it was; null takes it away."""

    user: User
    age_band: Annotated[
        AgeBand | UnsetType | None,
        Meta(
            description="Null or never said means an unknown age: treated as a minor when"
            " receiving, as an adult when sending."
        ),
    ] = UNSET
    age_source: AgeSource | UnsetType | None = UNSET
    guardian: Annotated[
        User | UnsetType | None, Meta(description="The guardian's user id on this server.")
    ] = UNSET
    guardian_allows: Allowed | UnsetType = UNSET
    region: Region | UnsetType | None = UNSET
    dm_choice: Annotated[
        bool | UnsetType | None,
        Meta(
            description="The person's own switch for direct messages; null: they never touched it."
        ),
    ] = UNSET
    device_checks: Annotated[
        bool | UnsetType,
        Meta(
            description="Whether the person's app looks for harm on their own device: what someone"
            " of 16 or 17 needs for an end-to-end encrypted conversation. Say it only of an app"
            " that does so on each of their devices; nothing here can look."
        ),
    ] = UNSET
    display_name: Annotated[
        Annotated[str, Meta(min_length=1, max_length=255)] | UnsetType,
        Meta(description="A first display name. Whoever has one keeps it."),
    ] = UNSET


class PutPeople(_Closed, frozen=True, kw_only=True):
    """People to create or update, each named once. All of them, or none."""

    people: Annotated[list[PersonFacts], Meta(min_length=1, max_length=MOST)]


class PersonResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one person of a request."""

    user: str
    result: Literal["created", "updated", "unchanged"]


class PeopleResults(msgspec.Struct, frozen=True, kw_only=True):
    """One result for each person, in the order of the request."""

    results: list[PersonResult]


class PersonShown(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a person. Null means that nobody said it."""

    user: str
    age_band: AgeBand | None
    age_source: str | None
    guardian: str | None
    guardian_allows: list[str]
    region: str | None
    dm_choice: bool | None
    device_checks: bool
    suspended: bool
    display_name: str | None


class Suspension(_Closed, frozen=True, kw_only=True):
    """Whether a person is suspended: signed in, reading, but not writing."""

    suspended: bool


class ErasePerson(_Closed, frozen=True, kw_only=True):
    """What becomes of the messages of a person who is erased; no body means `keep`."""

    messages: Annotated[
        Literal["keep", "redact"],
        Meta(
            description="keep: others keep what the person wrote to them. redact: all of it is"
            " redacted. The first request decides."
        ),
    ] = "keep"


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """How far the erasure of a person has come. Times are ms since 1970."""

    user: str
    state: Literal["running", "done"]
    asked: int
    done: int | None


class PutConnections(_Closed, frozen=True, kw_only=True):
    """Pairs of people who know each other. All of them, or none."""

    connections: Annotated[list[tuple[User, User]], Meta(min_length=1, max_length=MOST)]


class ConnectionResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one pair of a request."""

    between: tuple[str, str]
    result: Literal["connected", "unchanged"]


class ConnectionResults(msgspec.Struct, frozen=True, kw_only=True):
    """One result for each pair, in the order of the request."""

    results: list[ConnectionResult]


class Nothing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An empty object."""


class RefusedItem(msgspec.Struct, frozen=True, kw_only=True):
    """Which item of a list cannot be done, counted from 0, and why."""

    index: int
    reason: str


class Refusal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request of which nothing was done."""

    errcode: str
    error: str
    items: Annotated[list[RefusedItem], Meta(description="For a list: its items at fault.")] = (
        msgspec.field(name="org.halfdoor.items", default_factory=list)
    )
