"""Proving again who one is: user-interactive authentication in front of a handler."""

from typing import Any

from halfdoor.accounts.errors import UiaNeededError
from halfdoor.accounts.session import Session
from halfdoor.accounts.uia import Proof, Uia
from halfdoor.clock import Clock
from halfdoor.web.errors import InvalidParamError
from halfdoor.web.request import Request
from halfdoor.web.response import Response, json_response
from halfdoor.web.router import Handler


def operation_of(request: Request) -> str:
    """Return what a begun authentication is good for: this method of this path template."""
    return f"{request.method} {request.template}"


def auth_of(body: dict[str, Any]) -> dict[str, Any] | None:
    """Return the `auth` of a body, None where there is none; `InvalidParamError`."""
    auth = body.get("auth")
    if auth is not None and not isinstance(auth, dict):
        raise InvalidParamError("auth", "must be an object")
    return auth


def interactive(handler: Handler) -> Handler:
    """Return *handler* with its question for a proof answered: 401, flows and session.

    The error table cannot say it: while nothing has failed yet there is no `errcode` (CS-API, UIA),
    and clients show one as a failure.
    """

    async def answer(request: Request, session: Any) -> Response:
        try:
            return await handler(request, session)
        except UiaNeededError as needed:
            return json_response(_question(needed), 401)

    return answer


class Proofs:
    """Asks for a proof before something that cannot be taken back (CS-API, UIA).

    Handlers that call it stand behind `interactive`.
    """

    def __init__(self, uia: Uia, clock: Clock) -> None:
        """Check with *uia*."""
        self._uia = uia
        self._clock = clock

    async def check(self, request: Request, session: Session, body: dict[str, Any]) -> Proof:
        """Return the proof in *body*; `UiaNeededError` (401) says what is missing."""
        return await self._uia.check(
            session.user,
            auth_of(body),
            operation_of(request),
            self._clock.now_ms(),
            request.address,
        )


def _question(needed: UiaNeededError) -> dict[str, Any]:
    question: dict[str, Any] = {
        "flows": [{"stages": list(stages)} for stages in needed.flows],
        "completed": list(needed.completed),
        "params": needed.params,
        "session": needed.session,
    }
    if needed.errcode is not None:
        question["errcode"] = needed.errcode
        question["error"] = needed.error or "This did not prove who you are."
    return question
