"""One request of somebody who is signed in, as the pages see it."""

from typing import Final

import msgspec

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.web.console.form import Form
from halfdoor.web.query import Query
from halfdoor.web.request import Request

LOOKS_COOKIE: Final = "halfdoor_looks"

_LOOKS: Final = ("blur", "grey")


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, with what, and how they like to see things."""

    request: Request
    staff: StaffMember
    csrf: str
    demo: bool
    form: Form

    def __repr__(self) -> str:
        return f"Visit({self.request!r}, staff={self.staff.id!r})"

    def may(self, *roles: str) -> bool:
        """Whether they have one of *roles*."""
        return not self.staff.roles.isdisjoint(roles)

    @property
    def fragment(self) -> bool:
        """Whether htmx asks, for a part of a page."""
        return self.request.header(b"hx-request") == "true"

    @property
    def query(self) -> Query:
        """The fields of the address."""
        return self.request.query

    @property
    def case(self) -> str:
        """The case that the address names."""
        return self.request.params["case"]

    @property
    def looks(self) -> tuple[str, ...]:
        """`blur`, `grey`: the reviewer's own switches, kept in a cookie and nowhere else."""
        chosen = (cookie(self.request, LOOKS_COOKIE) or "").split(".")
        return tuple(each for each in _LOOKS if each in chosen)


def cookie(request: Request, name: str) -> str | None:
    """The value of the cookie *name* (RFC 6265 §4.2.1), None when absent."""
    for pair in (request.header(b"cookie") or "").split(";"):
        given, _, content = pair.strip().partition("=")
        if given == name:
            return content
    return None


def set_cookie(name: str, value: str, *, seconds: int, secure: bool) -> tuple[bytes, bytes]:
    """A header that keeps *value* in the browser, for this site's own pages and no script."""
    rest = f"; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict"
    return b"set-cookie", f"{name}={value}{rest}{'; Secure' if secure else ''}".encode()
