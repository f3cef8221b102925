"""What came with a form, and whether it came from one of our own pages."""

import hmac
from typing import Final

from halfdoor.web.errors import ApiError, InvalidParamError, UnrecognizedError
from halfdoor.web.query import Query
from halfdoor.web.request import Request

_TYPE: Final = "application/x-www-form-urlencoded"


class ForgedError(ApiError):
    """The form was not sent from a page of this console by whoever is signed in."""

    def __init__(self) -> None:
        super().__init__(403, "M_FORBIDDEN", "This form did not come from this console.")


class Form:
    """The fields of one form, as text; what is absent is empty."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Query) -> None:
        self._fields = fields

    def __repr__(self) -> str:
        return f"Form({self._fields!r})"

    def text(self, name: str, most: int = 200) -> str:
        """The trimmed value of *name*; InvalidParamError past *most* characters."""
        value = (self._fields.get(name) or "").strip()
        if len(value) > most:
            raise InvalidParamError(name, f"is longer than {most} characters")
        return value

    def need(self, name: str, most: int = 200) -> str:
        """The same, but InvalidParamError where it is empty."""
        value = self.text(name, most)
        if not value:
            raise InvalidParamError(name, "is needed")
        return value

    def line(self, name: str, most: int = 500) -> str:
        """A needed *name* as one line: what was typed on several is joined by spaces."""
        return " ".join(self.need(name, most).split())

    def number(self, name: str) -> int | None:
        """*name* as a count, None where it is empty; InvalidParamError for anything else."""
        value = self.text(name)
        if not value:
            return None
        if not (value.isascii() and value.isdigit() and len(value) < 16):
            raise InvalidParamError(name, "must be a number")
        return int(value)

    def all(self, name: str) -> list[str]:
        """Every value of *name*."""
        return self._fields.all(name)


async def read_form(request: Request) -> Form:
    """The body of *request* as a form; UnrecognizedError 415 for another media type."""
    media = (request.header(b"content-type") or "").partition(";")[0].strip().lower()
    if media != _TYPE:
        raise UnrecognizedError(415)
    # A form has the syntax of a query string (URL Standard §5).
    return Form(Query(await request.body()))


def check_origin(request: Request, ours: str) -> None:
    """Refuse what another site sent; ForgedError.

    Browsers say where a request comes from by `Sec-Fetch-Site`. Where a page sends no referrer, its
    forms carry `Origin: null`, so that alone says nothing; any other origin than ours does.
    """
    site = request.header(b"sec-fetch-site")
    origin = request.header(b"origin")
    if site is not None and site != "same-origin":
        raise ForgedError
    if origin not in {None, "null", ours} or (site is None and origin != ours):
        raise ForgedError


def check_word(given: str, expected: str) -> None:
    """Refuse a form without the session's own word; ForgedError."""
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise ForgedError
