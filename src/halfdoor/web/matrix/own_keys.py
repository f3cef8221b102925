"""Devices that wait, recovery, starting over: our own extension (SEALING §2).

All under `/_matrix/client/unstable/org.halfdoor/`.
"""

from collections.abc import Callable
from typing import Any, Final

from halfdoor.accounts.pending import Pending
from halfdoor.accounts.recovery import Recovery
from halfdoor.accounts.session import Session, SignedIn
from halfdoor.accounts.start_over import StartOver
from halfdoor.accounts.theft import Theft
from halfdoor.clock import Clock
from halfdoor.web.errors import InvalidParamError, MissingParamError
from halfdoor.web.matrix.proofs import Proofs, interactive
from halfdoor.web.request import Request
from halfdoor.web.response import Response, empty_object, json_response
from halfdoor.web.router import Route

_OWN: Final = "/_matrix/client/unstable/org.halfdoor"


def routes(
    *,
    pending: Pending,
    start_over: StartOver,
    recovery: Recovery,
    theft: Theft,
    proofs: Proofs,
    clock: Clock,
    signed_in: Callable[[SignedIn], Response],
    settled: Callable[[str], None],
) -> list[Route]:
    """Return the routes of this page.

    *settled* is told the user whose waiting device was let in or turned away, so that its long
    poll, and those of the others, look again.
    """

    async def waiting(_request: Request, session: Session) -> Response:
        """What waits: for a live session all of it, for a waiting one its own code."""
        found = await pending.waiting(session)
        wish = await start_over.standing(session)
        answer: dict[str, Any] = {
            "pending": [
                {
                    "session": one.session,
                    "device_id": one.device,
                    "display_name": one.display_name,
                    "asked": one.asked,
                    "code": one.code,
                }
                for one in found
            ]
        }
        if wish is not None:
            answer["start_over"] = {"session": wish.session, "asked": wish.asked, "due": wish.due}
        return json_response(answer)

    async def approve(request: Request, session: Session) -> Response:
        body = await request.json()
        await pending.approve(session, request.params["session"], _text(body, "code"))
        settled(session.user)
        return empty_object()

    async def refuse(request: Request, session: Session) -> Response:
        device = await pending.refuse(session, request.params["session"])
        settled(session.user)
        return json_response({"device_id": device})

    async def recover(request: Request, session: Session) -> Response:
        body = await request.json()
        await pending.recover(session, _text(body, "recovery_key"))
        settled(session.user)
        return empty_object()

    async def make_recovery(request: Request, session: Session) -> Response:
        await proofs.check(request, session, await request.json())
        made = await recovery.make(session)
        return json_response({"recovery_key": made.text, "recovery_kit": made.kit})

    async def ask_start_over(request: Request, session: Session) -> Response:
        body = await request.json()
        proof = await proofs.check(request, session, body)
        made = await start_over.ask(session, proof, clock.now_ms())
        answer: dict[str, Any] = {"due": made.due, "done": made.now}
        if made.recovery_key is not None:
            answer["recovery_key"] = made.recovery_key
            answer["recovery_kit"] = made.recovery_kit
        return json_response(answer)

    async def cancel_start_over(_request: Request, session: Session) -> Response:
        await start_over.cancel(session)
        return empty_object()

    async def suspect_theft(request: Request, session: Session) -> Response:
        body = await request.json()
        proof = await proofs.check(request, session, body)
        return signed_in(await theft.suspect(session, proof, clock.now_ms()))

    return [
        Route("GET", f"{_OWN}/pending", waiting, auth="pending_ok"),
        Route("POST", f"{_OWN}/pending/{{session}}/approve", approve, limit="login"),
        Route("POST", f"{_OWN}/pending/{{session}}/refuse", refuse, allow_empty_body=True),
        Route("POST", f"{_OWN}/recover", recover, auth="pending_ok", limit="login"),
        Route(
            "POST",
            f"{_OWN}/recovery_key",
            interactive(make_recovery),
            limit="login",
            allow_empty_body=True,
        ),
        Route(
            "POST",
            f"{_OWN}/start_over",
            interactive(ask_start_over),
            auth="pending_ok",
            limit="login",
            allow_empty_body=True,
        ),
        Route("DELETE", f"{_OWN}/start_over", cancel_start_over, auth="pending_ok"),
        Route(
            "POST",
            f"{_OWN}/suspect_theft",
            interactive(suspect_theft),
            limit="login",
            allow_empty_body=True,
        ),
    ]


def _text(body: dict[str, Any], field: str) -> str:
    value = body.get(field)
    if value is None:
        raise MissingParamError(field)
    if not isinstance(value, str):
        raise InvalidParamError(field, "must be a text")
    return value
