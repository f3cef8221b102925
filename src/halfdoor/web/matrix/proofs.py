"""Proving again who one is: user-interactive authentication in front of a handler."""

from typing import Any

from halfdoor.accounts.session import Session
from halfdoor.accounts.uia import Proof, Uia
from halfdoor.clock import Clock
from halfdoor.web.errors import InvalidParamError
from halfdoor.web.request import Request


def operation_of(request: Request) -> str:
    """Return what a begun authentication is good for: this method of this path template."""
    return f"{request.method} {request.template}"


class Proofs:
    """Asks for a proof before something that cannot be taken back (CS-API, UIA)."""

    def __init__(self, uia: Uia, clock: Clock) -> None:
        """Check with *uia*."""
        self._uia = uia
        self._clock = clock

    async def check(self, request: Request, session: Session, body: dict[str, Any]) -> Proof:
        """Return the proof in *body*; `UiaNeededError` (401) says what is missing."""
        auth = body.get("auth")
        if auth is not None and not isinstance(auth, dict):
            raise InvalidParamError("auth", "must be an object")
        return await self._uia.check(
            session.user, auth, operation_of(request), self._clock.now_ms(), request.address
        )
