"""The table of contact by age band (SAFETY §5.1), as a typed schema that explains itself.

In each choice the words stand from strictest to loosest, and what is absent takes the strictest.
"""

from enum import Enum
from typing import Annotated

from msgspec import Meta

from halfdoor.policy.review import Part


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


class MediaHandling(Enum):
    """What becomes of a picture or a file from somebody one does not know, strictest first."""

    BLOCKED = "blocked"
    BLURRED = "blurred"
    ALLOW = "allow"


class GroupAdd(Enum):
    """How a person may be brought into a group, from strictest to loosest."""

    GUARDIAN = "guardian"
    MUTUALS_MUST_ACCEPT = "mutuals_must_accept"
    MUST_ACCEPT_SHOWS_ADULTS = "must_accept_shows_adults"
    MUST_ACCEPT = "must_accept"


class EndToEnd(Enum):
    """Whether somebody may be in an encrypted conversation, from strictest to loosest."""

    NEVER = "never"
    MUTUALS_WITH_DEVICE_CHECKS = "mutuals_with_device_checks"
    ALLOW = "allow"


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
    media_from_non_connection: Annotated[
        MediaHandling,
        Meta(
            description="Pictures, files, sound and video from people one is not connected with."
            " blocked: the message is refused, and no file of theirs is handed out. blurred:"
            " nothing is handed out before the conversation is accepted; after that each such"
            " message is marked, so that a client shows it blurred until tapped. allow: handed out"
            " once the conversation is accepted, without a mark."
        ),
    ] = MediaHandling.BLOCKED
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
    end_to_end: Annotated[
        EndToEnd,
        Meta(
            description="Whether people of this band may be in an end-to-end encrypted"
            " conversation, where posture.allowed has them at all. never: not at all."
            " mutuals_with_device_checks: where they are connected with everybody in it, and the"
            " platform says that the checks on their own device are on. allow: yes. It must hold"
            " for everyone in the conversation, with each of the others."
        ),
    ] = EndToEnd.NEVER


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
