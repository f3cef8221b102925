"""Signing in: a passkey, an invitation's first passkey, or the one-time link of a demo."""

from halfdoor.web.console.console import EVERYBODY, Doors
from halfdoor.web.console.headers import PAGE
from halfdoor.web.console.pages import see
from halfdoor.web.console.visit import Visit, set_cookie
from halfdoor.web.request import Request
from halfdoor.web.response import Response
from halfdoor.web.router import Route

# Longer than any session: when one ends is for the server to say, not for the browser.
_COOKIE_SECONDS = 12 * 3600


def routes(doors: Doors) -> list[Route]:
    """`/sign-in`, `/join/{link}`, `/demo/{link}`, `/sign-out`."""
    gate, pages = doors.gate, doors.pages

    def enter(token: str) -> tuple[bytes, bytes]:
        return set_cookie(doors.session_cookie, token, seconds=_COOKIE_SECONDS, secure=doors.secure)

    async def page(_request: Request) -> Response:
        return pages.page("sign_in.html", visit=None)

    async def begin(_request: Request) -> Response:
        return _json(await gate.begin())

    async def finish(request: Request) -> Response:
        token = await gate.finish(await request.body())
        return _json(b"{}", enter(token))

    async def invited(request: Request) -> Response:
        await gate.check_link(request.params["link"])
        return pages.page("join.html", visit=None, link=request.params["link"])

    async def begin_joining(request: Request) -> Response:
        return _json(await gate.begin_joining(request.params["link"]))

    async def finish_joining(request: Request) -> Response:
        token = await gate.finish_joining(request.params["link"], await request.body())
        return _json(b"{}", enter(token))

    async def demo_page(request: Request) -> Response:
        await gate.check_link(request.params["link"])
        return pages.page("demo.html", visit=None, link=request.params["link"])

    async def demo(request: Request) -> Response:
        return see("/", [enter(await gate.demo(request.params["link"]))])

    async def leave(visit: Visit) -> Response:
        token = doors.token(visit.request)
        if token:
            await gate.leave(token)
        gone = set_cookie(doors.session_cookie, "", seconds=0, secure=doors.secure)
        return see("/sign-in", [gone])

    return [
        doors.outside("GET", "/sign-in", page),
        doors.outside("POST", "/sign-in/begin", begin),
        doors.outside("POST", "/sign-in/finish", finish),
        doors.outside("GET", "/join/{link}", invited),
        doors.outside("POST", "/join/{link}/begin", begin_joining),
        doors.outside("POST", "/join/{link}/finish", finish_joining),
        # A look at the link does not use it up: messengers fetch every link they see.
        doors.outside("GET", "/demo/{link}", demo_page),
        doors.outside("POST", "/demo/{link}", demo),
        doors.post("/sign-out", EVERYBODY, leave),
    ]


def _json(content: bytes, *headers: tuple[bytes, bytes]) -> Response:
    return Response(200, content, (*PAGE, *headers), b"application/json", bare=True)
