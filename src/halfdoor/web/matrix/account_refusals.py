"""What a client is told when the accounts room refuses."""

from typing import Final

from halfdoor.accounts import errors as refused
from halfdoor.readers.participants.keyring import KeyringFullError
from halfdoor.web.errors import ErrorTable

_PENDING: Final = "org.halfdoor.pending"


def add_account_refusals(table: ErrorTable) -> None:
    """Enter everything that `accounts` refuses a client.

    But `UiaNeededError`, which is a question: `proofs.interactive` puts it.
    """
    for error, status, errcode in (
        (refused.ForbiddenError, 403, "M_FORBIDDEN"),
        (refused.ForeignRegionError, 403, "M_FORBIDDEN"),
        (refused.DeactivatedError, 403, "M_USER_DEACTIVATED"),
        (refused.UserInUseError, 400, "M_USER_IN_USE"),
        (refused.InvalidUsernameError, 400, "M_INVALID_USERNAME"),
        (refused.WeakPasswordError, 400, "M_WEAK_PASSWORD"),
        (refused.InvalidParameterError, 400, "M_INVALID_PARAM"),
        (refused.NotFoundError, 404, "M_NOT_FOUND"),
    ):
        table.add(error, status, errcode, _text)
    table.add(
        refused.UnknownTokenError,
        401,
        "M_UNKNOWN_TOKEN",
        _text,
        extras=lambda error: {"soft_logout": error.soft_logout},
    )
    table.add(refused.PendingError, 403, "M_FORBIDDEN", _text, extras=lambda _: {_PENDING: True})
    table.add(
        refused.LimitedError,
        429,
        "M_LIMIT_EXCEEDED",
        _text,
        extras=lambda error: {"retry_after_ms": error.retry_after_ms},
    )
    table.add(refused.KeysUnavailableError, 503, "M_UNKNOWN", _text, retry_after=30)
    table.add(refused.ConflictError, 503, "M_UNKNOWN", _text, retry_after=1)
    table.add(KeyringFullError, 503, "M_UNKNOWN", "The server is full.", retry_after=5)


def _text(error: refused.AccountsError) -> str:
    return str(error)
