"""One's own account at the desk: roles, passkeys, and a further passkey for another device."""

from halfdoor.web.console.console import EVERYBODY, Doors
from halfdoor.web.console.headers import PAGE
from halfdoor.web.console.visit import Visit
from halfdoor.web.response import Response
from halfdoor.web.router import Route


def routes(doors: Doors) -> list[Route]:
    """`/account`, and the two steps of making a passkey (WebAuthn)."""
    gate = doors.gate

    async def look(visit: Visit) -> Response:
        passkeys = await gate.passkeys(visit.staff)
        return doors.pages.page("account.html", visit=visit, passkeys=passkeys)

    async def begin(visit: Visit) -> Response:
        return _json(await gate.begin_adding(doors.token(visit.request)))

    async def finish(visit: Visit) -> Response:
        body = await visit.request.body()
        await gate.finish_adding(doors.token(visit.request), body)
        return _json(b"{}")

    return [
        doors.get("/account", EVERYBODY, look),
        doors.ask("/account/passkeys/begin", EVERYBODY, begin),
        doors.ask("/account/passkeys/finish", EVERYBODY, finish),
    ]


def _json(content: bytes) -> Response:
    return Response(200, content, PAGE, b"application/json", bare=True)
