"""What a client is told when keys, or signatures on them, are refused."""

from typing import Final

from halfdoor.e2ee import errors as refused
from halfdoor.e2ee.key_store import SignedOutError
from halfdoor.web.errors import ErrorTable

_CODES: Final[tuple[tuple[type[refused.KeyRelayError], int, str], ...]] = (
    (refused.BadKeysError, 400, "M_BAD_JSON"),
    (refused.MissingKeysError, 400, "M_MISSING_PARAM"),
    (refused.WrongOwnerError, 400, "M_INVALID_PARAM"),
    (refused.TakenKeyError, 400, "M_INVALID_PARAM"),
    (refused.TooManyKeysError, 413, "M_TOO_LARGE"),
    (refused.BadSignatureError, 400, "M_INVALID_SIGNATURE"),
    (refused.UnknownKeyError, 404, "M_NOT_FOUND"),
)


def add_key_refusals(table: ErrorTable) -> None:
    """Enter everything that the relay of keys refuses."""
    for error, status, errcode in _CODES:
        table.add(error, status, errcode, str)
    table.add(SignedOutError, 401, "M_UNKNOWN_TOKEN", "This device was signed out.")


def failure_of(error: refused.KeyRelayError) -> dict[str, str]:
    """Return how one refused signature stands among the failures of an upload."""
    codes = {kind: errcode for kind, _, errcode in _CODES}
    return {"errcode": codes[type(error)], "error": str(error)}
