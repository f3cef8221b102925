"""One's own account: whoami, password, closing it (CS-API, "Account management")."""

from typing import Any, Final

from halfdoor.accounts.deactivate import Deactivate
from halfdoor.accounts.password_change import PasswordChange
from halfdoor.accounts.session import Session
from halfdoor.web.errors import InvalidParamError, MissingParamError
from halfdoor.web.matrix.proofs import Proofs, interactive
from halfdoor.web.request import Request
from halfdoor.web.response import Response, empty_object, json_response
from halfdoor.web.router import Route

_ACCOUNT: Final = "/_matrix/client/v3/account"


def routes(proofs: Proofs, passwords: PasswordChange, deactivate: Deactivate) -> list[Route]:
    """Return the routes of this page."""

    async def whoami(_request: Request, session: Session) -> Response:
        answer: dict[str, Any] = {
            "user_id": session.user,
            "device_id": session.device,
            "is_guest": False,
        }
        if session.pending:
            answer["org.halfdoor.pending"] = True
        return json_response(answer)

    async def password(request: Request, session: Session) -> Response:
        body = await request.json()
        await proofs.check(request, session, body)
        new = body.get("new_password")
        if new is None:
            raise MissingParamError("new_password")
        if not isinstance(new, str):
            raise InvalidParamError("new_password", "must be a text")
        others = body.get("logout_devices", True)
        if not isinstance(others, bool):
            raise InvalidParamError("logout_devices", "must be true or false")
        await passwords.change(session, new, logout_others=others)
        return empty_object()

    async def close(request: Request, session: Session) -> Response:
        body = await request.json()
        await proofs.check(request, session, body)
        await deactivate.own(session)
        return json_response({"id_server_unbind_result": "no-support"})

    return [
        Route("GET", f"{_ACCOUNT}/whoami", whoami, auth="pending_ok"),
        Route(
            "POST",
            f"{_ACCOUNT}/password",
            interactive(password),
            auth="pending_ok",
            limit="login",
        ),
        Route(
            "POST",
            f"{_ACCOUNT}/deactivate",
            interactive(close),
            auth="pending_ok",
            limit="login",
            allow_empty_body=True,
        ),
    ]
