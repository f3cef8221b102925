"""R2: one reported file at a time: a form that logs it, then a ticket that a browser shows it by.

No page links to a file, so that nothing prefetches one; an address without its ticket shows nothing
to anybody, and a ticket is one person's for some minutes.
"""

from typing import Final

from halfdoor.web.console.console import REVIEWERS, Doors
from halfdoor.web.console.headers import PAGE
from halfdoor.web.console.reveal import why_of
from halfdoor.web.console.visit import Visit
from halfdoor.web.errors import ApiError, InvalidParamError
from halfdoor.web.response import Header, Response
from halfdoor.web.router import Route
from halfdoor.web.streamed import Streamed

# Whatever a file says that it is, nothing in it runs, and it loads nothing.
_STILL: Final[tuple[Header, ...]] = (
    *(each for each in PAGE if each[0] != b"content-security-policy"),
    (b"content-security-policy", b"sandbox; default-src 'none'"),
    (b"content-disposition", b"inline"),
)


def routes(doors: Doors) -> list[Route]:
    """The form that reveals a file, and the address that its ticket is good for."""
    reveals = doors.desk.reveals

    async def reveal(visit: Visit) -> Response:
        params = visit.request.params
        number = _number(params["number"])
        shown = await reveals.reveal_file(
            visit.staff, visit.case, params["item"], number, why_of(visit.form)
        )
        template = "file_part.html" if visit.fragment else "file.html"
        return doors.pages.page(template, visit=visit, case=visit.case, shown=shown)

    async def fetch(visit: Visit) -> Response:
        found = await reveals.fetch_file(visit.staff, visit.request.params["ticket"])
        if found is None:
            raise ApiError(404, "M_NOT_FOUND", "This look is over. Reveal the file again.")
        answer = Streamed(
            found.pieces, found.size, headers=_STILL, content_type=found.type.encode("ascii")
        )
        answer.bare = True
        return answer

    return [
        doors.post("/cases/{case}/items/{item}/files/{number}/reveal", REVIEWERS, reveal),
        doors.get("/cases/{case}/files/{ticket}", REVIEWERS, fetch),
    ]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        raise InvalidParamError("number", "is not the number of a file")
    return int(text)
