"""What an entity may decide, as a typed schema in which each field explains itself.

A value that is absent takes the strictest meaning here; the usual values stand in `default.toml`,
over which `load` lays an entity's own file. Nothing here can allow an adult to reach a minor to
whom they are not connected: that row has one value.
"""

from enum import Enum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from halfdoor.policy.review import Part, Review
from halfdoor.sealing.labels import H, canonical


class DmEnabled(Enum):
    """Whether a person takes part in direct messages at all, from strictest to loosest."""

    OFF = "off"
    GUARDIAN_LIST = "guardian_list"
    MUTUALS = "mutuals"
    EXPLICIT_CHOICE = "explicit_choice"
    ON = "on"


class WhoCanStart(Enum):
    """Who may open a conversation with a person, from strictest to loosest."""

    GUARDIAN_LIST = "guardian_list"
    MUTUALS_ADJACENT_BAND = "mutuals_adjacent_band"
    MUTUALS = "mutuals"
    EVERYONE_BY_REQUEST = "everyone_by_request"


class Kinds(Enum):
    """What a first message may be, from strictest to loosest."""

    TEXT = "text"
    TEXT_AND_OWN_LINKS = "text_and_own_links"


class LinkHandling(Enum):
    """What becomes of a link from somebody one is not connected with, strictest first."""

    BLOCKED = "blocked"
    UNLINKED_WARNING = "unlinked_warning"
    WARNING = "warning"
    ALLOW = "allow"


class GroupAdd(Enum):
    """How a person may be brought into a group, from strictest to loosest."""

    GUARDIAN = "guardian"
    MUTUALS_MUST_ACCEPT = "mutuals_must_accept"
    MUST_ACCEPT_SHOWS_ADULTS = "must_accept_shows_adults"
    MUST_ACCEPT = "must_accept"


class ListVisible(Enum):
    """Who may see with whom a person is connected, from strictest to loosest."""

    NOBODY = "nobody"
    CONNECTIONS = "connections"


class Dm(Part, frozen=True):
    """Direct messages of one age band."""

    enabled: Annotated[
        DmEnabled,
        Meta(
            description="Whether people of this band take part in direct messages. It holds in both"
            " directions, also between people who are connected. off: not at all. guardian_list:"
            " with those whom the guardian listed. mutuals: with connections, and where a guardian"
            " is linked only with those the guardian allowed. explicit_choice: once the person has"
            " chosen so. on: unless the person has chosen otherwise."
        ),
    ] = DmEnabled.OFF
    who_can_start: Annotated[
        WhoCanStart,
        Meta(
            description="Who may open a conversation with people of this band. guardian_list: those"
            " whom the guardian listed. mutuals_adjacent_band: connections of the same or the next"
            " age band. mutuals: connections. everyone_by_request: connections at once, others by a"
            " message request."
        ),
    ] = WhoCanStart.GUARDIAN_LIST


class FirstContact(Part, frozen=True):
    """What somebody who is not connected may send before the other person accepts."""

    messages: Annotated[
        int,
        Meta(
            ge=0,
            le=10,
            description="How many events, edits included, one person may send another over all"
            " rooms until accepted. Of the two people's bands the smaller number holds.",
        ),
    ] = 0
    kinds: Annotated[
        Kinds,
        Meta(
            description="text: words alone, no link of any kind. text_and_own_links: also links to"
            " the hosts in own_link_hosts. Of the two people's bands the stricter holds."
        ),
    ] = Kinds.TEXT


class Band(Part, frozen=True):
    """The rules of one age band: one column of the table in SAFETY §5.1."""

    dm: Annotated[Dm, Meta(description="Direct messages: whether, and from whom.")] = Dm()
    first_contact: Annotated[
        FirstContact, Meta(description="What may be sent before a request is accepted.")
    ] = FirstContact()
    links_from_non_connection: Annotated[
        LinkHandling,
        Meta(
            description="Links in messages from people one is not connected with. blocked: the"
            " message is refused. unlinked_warning: delivered, shown as plain text under a warning."
            " warning: delivered under a warning. allow: delivered as it is."
        ),
    ] = LinkHandling.BLOCKED
    group_add: Annotated[
        GroupAdd,
        Meta(
            description="How people of this band come into groups. guardian: only where everyone in"
            " it is on the guardian's list. mutuals_must_accept: invited by a connection."
            " must_accept_shows_adults: invited by anyone who may contact them, and told which"
            " adults are there. must_accept: invited by anyone who may contact them. Each accepts"
            " for themselves."
        ),
    ] = GroupAdd.GUARDIAN
    connection_list_visible: Annotated[
        ListVisible, Meta(description="Who sees with whom people of this band are connected.")
    ] = ListVisible.NOBODY


class Bands(Part, frozen=True, rename={"from13": "13-15", "from16": "16-17"}):
    """The table of SAFETY §5.1: one set of rules for each age band."""

    under13: Annotated[Band, Meta(description="Children under 13.")] = Band()
    from13: Annotated[Band, Meta(description="Young people of 13 to 15.")] = Band()
    from16: Annotated[Band, Meta(description="Young people of 16 and 17.")] = Band()
    adult: Annotated[Band, Meta(description="People of 18 and over.")] = Band()
    unknown: Annotated[
        Band,
        Meta(
            description="People whose age nobody has claimed: a minor when receiving, an adult"
            " when sending, and never under looser rules than those of 16-17."
        ),
    ] = Band()

    def of(self, name: str) -> Band:
        """Return the rules of the band called *name* in policy files; `KeyError` for no band."""
        return {
            "under13": self.under13,
            "13-15": self.from13,
            "16-17": self.from16,
            "adult": self.adult,
            "unknown": self.unknown,
        }[name]


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
        tuple[Literal["standard"], ...],
        Meta(description="The postures a conversation may have. None listed means none allowed."),
    ] = ()
    default: Annotated[
        Literal["standard"], Meta(description="The posture of a conversation that names none.")
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
