"""Every refusal as a page a person can read, with the right number, and as a part of one for htmx.

What is not foreseen is a bare 500 that tells nothing; the log has where it happened.
"""

from typing import Final

import msgspec

from halfdoor.accounts.errors import ConflictError, ForbiddenError, NotFoundError
from halfdoor.accounts.errors import InvalidParameterError as WrongValueError
from halfdoor.accounts.staff_errors import InvitationSpentError, NotSignedInError
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
from halfdoor.web.console.pages import Pages
from halfdoor.web.errors import ApiError, ErrorTable
from halfdoor.web.response import Response


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """What a page of refusal says."""

    status: int
    title: str
    text: str
    tag: str = "refusal"


_TITLES: Final = {
    400: "That could not be read",
    401: "Please sign in",
    403: "Not allowed",
    404: "Nothing here",
    405: "Nothing here",
    408: "That took too long",
    409: "Something changed",
    413: "Too long",
    415: "That could not be read",
    429: "Slow down a little",
    500: "Something broke",
    503: "Busy",
}

_TABLE: Final[tuple[tuple[type[Exception], int, str], ...]] = (
    (UnknownCaseError, 404, "Nothing here"),
    (UnseenError, 404, "Nothing here"),
    (StaleCaseError, 409, "This case moved on"),
    (NotHeldError, 409, "You do not hold this case"),
    (HeldError, 409, "Somebody else holds this case"),
    (ConflictOfInterestError, 403, "This one is not yours to judge"),
    (SecondPersonError, 409, "A second person is needed"),
    (RoleError, 403, "Not allowed"),
    (BreakError, 429, "Time for a break"),
    (TooManyReportsError, 429, "Slow down a little"),
    (AppealRefusedError, 409, "This cannot be contested"),
    (ReviewError, 400, "That cannot be done"),
    (NotSignedInError, 401, "Please sign in"),
    (InvitationSpentError, 410, "This link is used up"),
    (ForbiddenError, 403, "Not allowed"),
    (WrongValueError, 400, "That could not be read"),
    (NotFoundError, 404, "Nothing here"),
    (ConflictError, 409, "Something changed"),
)


def refusal_of(error: Exception) -> Refusal | None:
    """What to say of *error*; None for one that nobody foresaw."""
    for kind, status, title in _TABLE:
        if isinstance(error, kind):
            tag = "break" if kind is BreakError else "refusal"
            return Refusal(status=status, title=title, text=_said(error), tag=tag)
    if isinstance(error, ApiError):
        title = _TITLES.get(error.status, "That cannot be done")
        return Refusal(status=error.status, title=title, text=_sentence(error.text))
    if isinstance(error, Denied):
        return Refusal(
            status=409,
            title="This cannot be opened",
            text="What was handed over does not match what was stored. It was counted as such.",
        )
    return None


BROKEN: Final = Refusal(
    status=500,
    title="Something broke",
    text="It is not your doing. Nothing you typed is lost if you go back; the house was told.",
)


class PageErrors(ErrorTable):
    """The error table of the console's app: for what goes wrong before a page is found."""

    def __init__(self, pages: Pages) -> None:
        super().__init__()
        self._pages = pages

    def response(self, error: Exception) -> Response | None:
        """A page without a name on it; None for what nobody foresaw."""
        refusal = refusal_of(error)
        if refusal is None:
            return None
        return self._pages.page("refusal.html", refusal.status, refusal=refusal, visit=None)


def _said(error: Exception) -> str:
    return _sentence(str(error) or (type(error).__doc__ or "").partition(" (")[0])


def _sentence(said: str) -> str:
    """Return what an error says as a sentence: some rooms write them to stand behind a colon."""
    return f"{said[:1].upper()}{said[1:]}{'' if said.endswith(('.', '!', '?')) else '.'}"
