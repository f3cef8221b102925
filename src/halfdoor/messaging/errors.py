"""What the messaging room refuses, each error named for the fact.

`web/errors.py` turns them into answers. No text here quotes a message: what a client sent must not
reach a log by way of an error.
"""


class MessagingError(Exception):
    """Something the messaging room refuses; the text is meant for the client's developer."""


class NotJsonError(MessagingError):
    """The bytes are no JSON text: malformed, not UTF-8, or holding half a surrogate pair."""


class BadJsonError(MessagingError):
    """The bytes are JSON, but not of the shape or the range that the request asks for."""


class TooLargeError(MessagingError):
    """An event, or one of its names, is over the size that Matrix allows."""


class QuotaError(MessagingError):
    """A person keeps as much of this kind on the server as anybody may."""


class InvalidParameterError(MessagingError):
    """A parameter is of the right type and still means nothing here."""


class UnsupportedRoomVersionError(MessagingError):
    """A room version other than 11 was asked for."""


class InvalidRoomStateError(MessagingError):
    """The state asked for at creation contradicts itself, so the conversation could not start."""


class ForbiddenError(MessagingError):
    """The rules of the conversation do not allow it; `reason` says which rule, for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotFoundError(MessagingError):
    """What was asked for is not there, or not there for this person."""


class UnknownRoomError(NotFoundError):
    """No such conversation, as far as this person may know."""


class UnknownEventError(NotFoundError):
    """No such event, as far as this person may know."""


class BadFilterError(MessagingError):
    """A filter is not of the shape that the specification gives it."""


class HungUpError(MessagingError):
    """The client went away while it waited: whatever is answered, nobody reads it."""


class PushRuleError(MessagingError):
    """Something a request on the push rules gets refused for."""


class BadPushRuleError(PushRuleError):
    """The kind, the id or the body of a push rule is not one that may be kept."""


class UnknownPushRuleError(PushRuleError):
    """There is no push rule of that kind and id."""


class UnknownNeighbourError(PushRuleError):
    """`before` or `after` names no rule that the user made in this kind."""


class InviteBlockedError(MessagingError):
    """The person takes no invites (account data `m.invite_permission_config`, CS-API v1.18)."""
