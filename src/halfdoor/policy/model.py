"""What an entity may decide, as a typed schema in which each field explains itself.

A value that is absent takes the strictest meaning here; the usual values stand in `default.toml`,
over which `load` lays an entity's own file. Nothing here can allow an adult to reach a minor to
whom they are not connected: that row has one value.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from halfdoor.policy.bands import (
    Band,
    Bands,
    Dm,
    DmEnabled,
    EndToEnd,
    FirstContact,
    GroupAdd,
    Kinds,
    LinkHandling,
    ListVisible,
    MediaHandling,
    WhoCanStart,
)
from halfdoor.policy.review import Part, Review
from halfdoor.sealing.labels import H, canonical

__all__ = [
    "Band",
    "Bands",
    "Contact",
    "Dm",
    "DmEnabled",
    "EndToEnd",
    "Entity",
    "Escrow",
    "FirstContact",
    "GroupAdd",
    "Kinds",
    "LinkHandling",
    "ListVisible",
    "MediaHandling",
    "Policy",
    "Posture",
    "Retention",
    "WhoCanStart",
]


Region = Annotated[str, Meta(pattern=r"^(\*|[A-Z]{2})\Z")]
Host = Annotated[
    str, Meta(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+\Z")
]
FilePath = Annotated[str, Meta(min_length=1)]


class Entity(Part, frozen=True):
    """The legal entity that runs this deployment."""

    name: Annotated[
        str,
        Meta(
            pattern=r"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?\Z",
            description="The name that stands in every header and in the public log. It never"
            " changes: lower-case letters, digits, dots, hyphens.",
        ),
    ]
    regions: Annotated[
        tuple[Region, ...],
        Meta(
            description="Where its people live: ISO 3166-1 codes of two letters, or * for anywhere."
            " None listed means nobody."
        ),
    ] = ()

    def is_home_of(self, region: str | None) -> bool:
        """Tell whether a person of *region* is at home here; without a claim, wherever they are."""
        return region is None or "*" in self.regions or region in self.regions


class Escrow(Part, frozen=True):
    """Where the documents of the custodian sets lie."""

    set: Annotated[
        FilePath | None,
        Meta(
            description="Path of the escrow set's document, relative to this file. Without one,"
            " standard conversations cannot be created."
        ),
    ] = None
    emergency_set: Annotated[
        FilePath | None,
        Meta(
            description="Path of the document of the smaller on-call set, relative to this file."
            " Where there is one, every new epoch carries shares for it too."
        ),
    ] = None


class Posture(Part, frozen=True):
    """Which kinds of conversation exist here."""

    allowed: Annotated[
        tuple[Literal["standard", "e2ee"], ...],
        Meta(
            description="The postures a conversation may have: standard (sealed here; custodians"
            " can open it for a logged grant), e2ee (encrypted in people's own apps; nobody here"
            " has a key). None listed means none allowed. What is taken out later ends no"
            " conversation that exists."
        ),
    ] = ()
    default: Annotated[
        Literal["standard", "e2ee"],
        Meta(
            description="The posture of a conversation whose creator names none. Where it is e2ee"
            " and these people may not have that, the conversation is standard if that is allowed."
        ),
    ] = "standard"


Days = Annotated[int, Meta(ge=1, le=36_500)]


class Retention(Part, frozen=True):
    """How long messages are kept. What is older is deleted, a whole day at a time, for everybody.

    What is absent deletes nothing: a message that is gone comes back for nobody.
    """

    default_days: Annotated[
        Days | Literal["unlimited"],
        Meta(
            description="For how many days a conversation keeps messages whose members chose"
            ' nothing, or "unlimited". Names, memberships and rules of the conversation stay.'
        ),
    ] = "unlimited"
    longest_days: Annotated[
        Days | Literal["unlimited"],
        Meta(
            description="The most days that any conversation keeps messages, whatever its members"
            ' choose, or "unlimited".'
        ),
    ] = "unlimited"
    shortest_days: Annotated[
        Days,
        Meta(
            description="The fewest days that the members of a conversation may choose: for so long"
            " a report can reach what was said. Where it equals the default and the longest, there"
            " is nothing to choose."
        ),
    ] = 30


class Contact(Part, frozen=True):
    """Rules of contact that hold for every age band."""

    adult_minor_unconnected: Annotated[
        Literal["never"],
        Meta(
            description="Whether an adult and a minor who are not connected may have contact, in"
            " either direction, alone or in a group. There is one value; it stands here to be read."
        ),
    ] = "never"
    closed_days: Annotated[
        int,
        Meta(
            ge=1,
            le=3650,
            description="For how many days a refused or left request closes the pair to another.",
        ),
    ] = 3650
    own_link_hosts: Annotated[
        tuple[Host, ...],
        Meta(
            description="The platform's own hosts, each in full and in lower case: a subdomain is"
            " another host."
        ),
    ] = ()


class Policy(Part, frozen=True):
    """Everything an entity decides, whole and checked; `load` makes it."""

    version: Annotated[
        Literal[1], Meta(description="The version of this schema that the file is written for.")
    ]
    entity: Annotated[Entity, Meta(description="Who runs this deployment.")]
    redaction_grace_days: Annotated[
        int,
        Meta(
            ge=0,
            le=365,
            description="For how many days a deleted message lies sealed where a report can still"
            " reach it, before it is destroyed.",
        ),
    ] = 30
    retention: Annotated[Retention, Meta(description="How long messages are kept.")] = Retention()
    escrow: Annotated[Escrow, Meta(description="The custodian sets.")] = Escrow()
    posture: Annotated[Posture, Meta(description="The kinds of conversation.")] = Posture()
    contact: Annotated[Contact, Meta(description="Contact, whatever the age.")] = Contact()
    bands: Annotated[Bands, Meta(description="Contact, by age band.")] = Bands()
    review: Annotated[Review, Meta(description="Reports, cases, measures, staff.")] = Review()

    @property
    def digest(self) -> bytes:
        """SHA-256 over the canonical JSON of every value, 32 bytes: what the log will name."""
        return H(canonical(msgspec.to_builtins(self)))
