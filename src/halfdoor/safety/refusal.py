"""Why contact is refused: a closed list, with what may be told to whom.

A block or an ignore is no reason here and never becomes one: whoever is blocked gets the answer
that they would have got without it (SAFETY §5.13).
"""

from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """The reasons there are, in words for programs."""

    OTHER_ENTITY = "other_entity"
    ADULT_AND_MINOR = "adult_and_minor"
    OWN_MESSAGES_OFF = "own_messages_off"
    OWN_GUARDIAN = "own_guardian"
    OWN_NOT_CONNECTED = "own_not_connected"
    MESSAGES_OFF = "messages_off"
    GUARDIAN = "guardian"
    NOT_CONNECTED = "not_connected"
    BANDS_APART = "bands_apart"
    CLOSED = "closed"
    LIMIT_REACHED = "limit_reached"
    TEXT_ONLY = "text_only"
    LINK = "link"
    MEDIA = "media"
    STATE_BEFORE_ACCEPT = "state_before_accept"
    NOT_REACHABLE = "not_reachable"
    OWN_NO_NEW_CONVERSATIONS = "own_no_new_conversations"
    OWN_NO_MEDIA = "own_no_media"
    NO_MINORS = "no_minors"
    NO_END_TO_END = "no_end_to_end"
    ONLY_END_TO_END = "only_end_to_end"
    OWN_NOT_END_TO_END = "own_not_end_to_end"
    NOT_END_TO_END = "not_end_to_end"


# These rest on facts about the other person (age, settings, guardian), so whoever is refused learns
# only that it is one of them: an adult cannot find out who is a child by asking.
_ABOUT_THE_OTHER: Final = frozenset(
    {
        Reason.ADULT_AND_MINOR,
        Reason.MESSAGES_OFF,
        Reason.GUARDIAN,
        Reason.NOT_CONNECTED,
        Reason.BANDS_APART,
        # Told so, whoever is limited could find out by trying who is a child.
        Reason.NO_MINORS,
    }
)

_SENTENCES: Final = {
    Reason.OTHER_ENTITY: "This person's account is with another company, which cannot be reached"
    " from here.",
    Reason.OWN_MESSAGES_OFF: "Direct messages are switched off for your account.",
    Reason.OWN_GUARDIAN: "Your guardian has not yet allowed messages with this person.",
    Reason.OWN_NOT_CONNECTED: "With your settings you can only write to people you are connected"
    " with.",
    Reason.CLOSED: "An earlier request between you ended without being accepted. You can ask again"
    " later.",
    Reason.LIMIT_REACHED: "You can write again once this person has accepted your request.",
    Reason.TEXT_ONLY: "Until this person has accepted your request you can only send plain text.",
    Reason.LINK: "Links, and texts too long to be searched for them, cannot be sent to somebody you"
    " are not connected with.",
    Reason.MEDIA: "Pictures and files cannot be sent to, or fetched from, somebody you are not"
    " connected with.",
    Reason.STATE_BEFORE_ACCEPT: "Until this person has accepted your request you cannot give the"
    " conversation a name, a topic, a picture or other settings.",
    Reason.OWN_NO_NEW_CONVERSATIONS: "After a decision about your account you cannot begin"
    " conversations or invite people for now. Your messages from the server say why, until when,"
    " and how to contest it.",
    Reason.OWN_NO_MEDIA: "After a decision about your account you can only send text for now. Your"
    " messages from the server say why, until when, and how to contest it.",
    Reason.NO_END_TO_END: "Conversations here are standard; end-to-end encrypted ones are not"
    " offered.",
    Reason.ONLY_END_TO_END: "Conversations here are end-to-end encrypted; standard ones are not"
    " offered.",
    Reason.OWN_NOT_END_TO_END: "Your account cannot take part in end-to-end encrypted"
    " conversations. It depends on your age and on what your app does to keep you safe. Standard"
    " conversations are open to you.",
    # One sentence for all that lies with other people.
    Reason.NOT_END_TO_END: "These people cannot be in one end-to-end encrypted conversation. It"
    " depends on the ages, settings and connections of everybody in it. A standard conversation may"
    " be possible.",
    Reason.NOT_REACHABLE: "You cannot write to this person. Who may write to whom depends on both"
    " people's ages, settings and connections.",
}


class ContactRefused(Exception):  # noqa: N818 - the fact is the name
    """Policy does not allow this contact; nothing was sent.

    `reason` is the whole truth, for `policy explain` and the operator's counters. `public` is what
    may leave the server, and `sentence` says that to people. `row` is the key of the policy that
    decided, empty where no single key did.
    """

    def __init__(self, reason: Reason, row: str = "") -> None:
        self.reason = reason
        self.row = row
        self.public = Reason.NOT_REACHABLE if reason in _ABOUT_THE_OTHER else reason
        self.sentence = _SENTENCES[self.public]
        super().__init__(self.sentence)
