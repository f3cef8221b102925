"""Every refusal of the desk as an answer with the right number: 403, 404, 409, 429."""

from typing import Final

from halfdoor.readers.review.cyber_tip_schema import TipRefusedError
from halfdoor.readers.review.errors import (
    AppealRefusedError,
    BreakError,
    ConflictOfInterestError,
    HeldError,
    NotHeldError,
    ReviewError,
    RoleError,
    SecondPersonError,
    StaleCaseError,
    TooManyReportsError,
    UnknownCaseError,
    UnseenError,
)
from halfdoor.sealing.labels import Denied
from halfdoor.web.errors import ApiError

# The nearest kind in the error's ancestry decides; all else of the desk is a 400.
ANSWERS: Final[dict[type[Exception], tuple[int, str]]] = {
    UnknownCaseError: (404, "M_NOT_FOUND"),
    UnseenError: (404, "M_NOT_FOUND"),
    RoleError: (403, "M_FORBIDDEN"),
    ConflictOfInterestError: (403, "ORG.HALFDOOR.CONFLICT_OF_INTEREST"),
    StaleCaseError: (409, "ORG.HALFDOOR.STALE"),
    NotHeldError: (409, "ORG.HALFDOOR.NOT_HELD"),
    HeldError: (409, "ORG.HALFDOOR.HELD"),
    SecondPersonError: (409, "ORG.HALFDOOR.SECOND_PERSON"),
    AppealRefusedError: (409, "ORG.HALFDOOR.REFUSED"),
    TipRefusedError: (409, "ORG.HALFDOOR.REFUSED"),
    BreakError: (429, "M_LIMIT_EXCEEDED"),
    TooManyReportsError: (429, "M_LIMIT_EXCEEDED"),
    ReviewError: (400, "M_INVALID_PARAM"),
}
_NOT_GENUINE: Final = "What was handed over is not what was stored. Nothing of it is shown."


def api_error(error: Exception) -> ApiError | None:
    """Return the answer to *error*; None for one that nobody foresaw."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, Denied):
        return ApiError(409, "ORG.HALFDOOR.NOT_GENUINE", _NOT_GENUINE)
    for kind in type(error).__mro__:
        if kind in ANSWERS:
            status, errcode = ANSWERS[kind]
            # Texts of the desk's errors may be shown to whoever asked (errors.py).
            said = str(error) or "This is refused."
            if isinstance(error, TooManyReportsError):
                return ApiError(status, errcode, said, retry_after_ms=error.retry_after_ms)
            return ApiError(status, errcode, said)
    return None


def unsigned() -> ApiError:
    """Return the answer to a request without a session of staff."""
    return ApiError(401, "M_UNKNOWN_TOKEN", "Sign in: there is no such session, or it has ended.")
