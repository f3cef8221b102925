"""What a client is told when the messaging room refuses."""

from typing import Any, Final

from halfdoor.messaging import errors as refused
from halfdoor.messaging.contacts import SuspendedError
from halfdoor.messaging.epoch_making import NoEscrowSetError
from halfdoor.messaging.keep import BusyError, NoKeyError
from halfdoor.safety.contact import ContactRefused
from halfdoor.sealing.labels import Denied
from halfdoor.web.errors import ErrorTable

# Word for word what `messaging` tells somebody who is not in a conversation that exists.
_NOT_IN_IT: Final = "you are not in this conversation"
_CLOSED: Final = "This cannot be opened or sealed by this session."
_SUSPENDED: Final = (
    "This account is suspended: you can read, leave conversations and report people. If it was"
    " decided here, your messages from the server say why, until when, and how to contest it."
)
_NO_ESCROW: Final = (
    "No custodians are configured, so no conversation can be sealed. Whoever runs this server makes"
    " a set of them: `halfdoor custodian init` on each custodian's machine, then name the set in"
    " the policy (`halfdoor custodian --help`)."
)


def add_refusals(table: ErrorTable) -> None:
    """Enter everything that `messaging`, `safety` and `sealing` refuse a client."""
    # The texts of this tree are written for clients and quote nothing that was sent.
    for error, status, errcode in (
        (refused.NotJsonError, 400, "M_NOT_JSON"),
        (refused.BadJsonError, 400, "M_BAD_JSON"),
        (refused.TooLargeError, 413, "M_TOO_LARGE"),
        (refused.QuotaError, 413, "M_TOO_LARGE"),
        (refused.InvalidParameterError, 400, "M_INVALID_PARAM"),
        (refused.UnsupportedRoomVersionError, 400, "M_UNSUPPORTED_ROOM_VERSION"),
        (refused.InvalidRoomStateError, 400, "M_INVALID_ROOM_STATE"),
        (refused.ForbiddenError, 403, "M_FORBIDDEN"),
        (refused.NotFoundError, 404, "M_NOT_FOUND"),
        (refused.BadFilterError, 400, "M_BAD_JSON"),
        (refused.BadPushRuleError, 400, "M_INVALID_PARAM"),
        (refused.UnknownPushRuleError, 404, "M_NOT_FOUND"),
        (refused.UnknownNeighbourError, 400, "M_UNKNOWN"),
        (refused.InviteBlockedError, 403, "M_INVITE_BLOCKED"),
    ):
        table.add(error, status, errcode, _text)
    # Never sent, only counted: as proxies log a client that closed its request.
    table.add(refused.HungUpError, 499, "M_UNKNOWN", "The client went away.")
    table.add(refused.UnknownRoomError, 403, "M_FORBIDDEN", _NOT_IN_IT)
    table.add(SuspendedError, 403, "M_USER_SUSPENDED", _SUSPENDED)
    table.add(ContactRefused, 403, "M_FORBIDDEN", _sentence, extras=_reason)
    table.add(BusyError, 503, "M_UNKNOWN", "The conversation is busy.", retry_after=1)
    table.add(NoEscrowSetError, 403, "M_FORBIDDEN", _NO_ESCROW)
    table.add(NoKeyError, 403, "M_FORBIDDEN", _CLOSED)
    table.add(Denied, 403, "M_FORBIDDEN", _CLOSED)


def _text(error: refused.MessagingError) -> str:
    return str(error)


def _sentence(error: ContactRefused) -> str:
    return error.sentence


def _reason(error: ContactRefused) -> dict[str, Any]:
    return {"org.halfdoor.reason": error.public.value}
