"""Signing in, up and out: login, register, refresh, logout (CS-API, "Client Authentication")."""

from typing import Any, Final

from halfdoor.accounts.devices import Devices
from halfdoor.accounts.login import Login
from halfdoor.accounts.login_tokens import LoginTokens
from halfdoor.accounts.refresh import Refresh
from halfdoor.accounts.register import Register
from halfdoor.accounts.session import LoginRequest, Session, SignedIn
from halfdoor.accounts.uia import Uia, named_user
from halfdoor.clock import Clock
from halfdoor.web.errors import ApiError, InvalidParamError, MissingParamError
from halfdoor.web.matrix.proofs import auth_of, interactive, operation_of
from halfdoor.web.request import Request
from halfdoor.web.response import Response, empty_object, json_response
from halfdoor.web.router import Route

PASSWORD: Final = "m.login.password"  # noqa: S105 - the name of a login type
TOKEN: Final = "m.login.token"  # noqa: S105 - the name of a login type
JWT: Final = "org.matrix.login.jwt"
RECOVERY: Final = "org.halfdoor.recovery_key"

_V3: Final = "/_matrix/client/v3"


class SigningIn:
    """What the routes below need, joined by the app."""

    def __init__(
        self,
        *,
        login: Login,
        tokens: LoginTokens,
        register: Register,
        refresh: Refresh,
        devices: Devices,
        uia: Uia,
        with_jwt: bool,
        server_name: str,
        clock: Clock,
    ) -> None:
        """Take what each route calls; *with_jwt* offers the platform's JWTs."""
        self._login = login
        self._tokens = tokens
        self._register = register
        self._refresh = refresh
        self._devices = devices
        self._uia = uia
        self._with_jwt = with_jwt
        self._server_name = server_name
        self._clock = clock

    def routes(self) -> list[Route]:
        """Return the routes of this page."""
        return [
            Route("GET", f"{_V3}/login", self.flows, auth="none"),
            Route("POST", f"{_V3}/login", self.login, auth="none", limit="login"),
            Route(
                "POST",
                f"{_V3}/register",
                interactive(self.sign_up),
                auth="none",
                limit="register",
            ),
            Route("POST", f"{_V3}/refresh", self.refresh, auth="none", limit="login"),
            Route("POST", f"{_V3}/logout", self.logout, auth="pending_ok", allow_empty_body=True),
            Route("POST", f"{_V3}/logout/all", self.logout_all, allow_empty_body=True),
            Route(
                "POST",
                "/_matrix/client/v1/login/get_token",
                interactive(self.get_token),
                limit="login",
                allow_empty_body=True,
            ),
            Route("GET", f"{_V3}/login/sso/redirect", self.no_sso, auth="none"),
            Route("GET", f"{_V3}/login/sso/redirect/{{idpId}}", self.no_sso, auth="none"),
        ]

    async def flows(self, _request: Request, _session: None) -> Response:
        """GET /login."""
        kinds = [PASSWORD, TOKEN, *([JWT] if self._with_jwt else [])]
        flows: list[dict[str, Any]] = [{"type": kind} for kind in kinds]
        flows[1]["get_login_token"] = True
        return json_response({"flows": flows})

    async def login(self, request: Request, _session: None) -> Response:
        """POST /login: by password, by a login token, by a JWT of the platform."""
        body = await request.json()
        asked = _asked(request, body)
        kind, now = _text(body, "type"), self._clock.now_ms()
        if kind == PASSWORD:
            name = named_user(body)
            if name is None:
                raise MissingParamError("identifier")
            signed_in = await self._login.password(name, _text(body, "password"), asked, now)
        elif kind == JWT and self._with_jwt:
            signed_in = await self._login.jwt(_text(body, "token"), asked, now)
        elif kind == TOKEN:
            signed_in = await self._login.login_token(_text(body, "token"), asked, now)
        else:
            raise ApiError(400, "M_UNKNOWN", "This login type is not offered.")
        return self.signed_in(signed_in)

    async def sign_up(self, request: Request, _session: None) -> Response:
        """POST /register, where it is open: with `m.login.dummy`."""
        self._register.check_open()
        if request.query.get("kind") == "guest":
            raise ApiError(403, "M_GUEST_ACCESS_FORBIDDEN", "There are no guests here.")
        body = await request.json()
        asked = _asked(request, body)
        username = body.get("username")
        if username is not None:
            await self._register.check_free(_text(body, "username"))
        now = self._clock.now_ms()
        self._uia.check_dummy(auth_of(body), operation_of(request), now)
        signed_in = await self._register.register(username, _text(body, "password"), asked, now)
        if body.get("inhibit_login") is True:
            # The account has its key and people can write to it, but nobody is signed in.
            await self._devices.logout(signed_in.session)
            user = signed_in.session.user
            return json_response({"user_id": user, "home_server": self._server_name})
        return self.signed_in(signed_in)

    async def refresh(self, request: Request, _session: None) -> Response:
        """POST /refresh."""
        body = await request.json()
        pair = await self._refresh.refresh(_text(body, "refresh_token"), self._clock.now_ms())
        return json_response(
            {
                "access_token": pair.access_token,
                "refresh_token": pair.refresh_token,
                "expires_in_ms": pair.expires_in_ms,
            }
        )

    async def logout(self, _request: Request, session: Session) -> Response:
        """POST /logout."""
        await self._devices.logout(session)
        return empty_object()

    async def logout_all(self, _request: Request, session: Session) -> Response:
        """POST /logout/all."""
        await self._devices.logout_all(session)
        return empty_object()

    async def get_token(self, request: Request, session: Session) -> Response:
        """POST /login/get_token: a login token for another device, after a proof."""
        body = await request.json()
        now = self._clock.now_ms()
        await self._uia.check(
            session.user, auth_of(body), operation_of(request), now, request.address
        )
        token, lifetime_ms = await self._tokens.make(session, now)
        return json_response({"login_token": token, "expires_in_ms": lifetime_ms})

    async def no_sso(self, _request: Request, _session: None) -> Response:
        """GET /login/sso/redirect: the platform signs JWTs instead."""
        raise ApiError(
            404, "M_NOT_FOUND", "Single sign-on is not offered: the platform gives JWTs."
        )

    def signed_in(self, signed_in: SignedIn) -> Response:
        """Return the answer to a login: the tokens are in it and nowhere else."""
        session = signed_in.session
        answer: dict[str, Any] = {
            "user_id": session.user,
            "device_id": session.device,
            "access_token": signed_in.access_token,
            "home_server": self._server_name,
        }
        if signed_in.refresh_token is not None:
            answer["refresh_token"] = signed_in.refresh_token
        if signed_in.expires_in_ms is not None:
            answer["expires_in_ms"] = signed_in.expires_in_ms
        if signed_in.recovery_key is not None:
            answer[RECOVERY] = signed_in.recovery_key
            answer["org.halfdoor.recovery_kit"] = signed_in.recovery_kit
        if session.pending:
            answer["org.halfdoor.pending"] = True
        return json_response(answer)


def _asked(request: Request, body: dict[str, Any]) -> LoginRequest:
    device, name = body.get("device_id"), body.get("initial_device_display_name")
    recovery = body.get(RECOVERY)
    for field, value in (
        ("device_id", device),
        ("initial_device_display_name", name),
        (RECOVERY, recovery),
    ):
        if value is not None and not isinstance(value, str):
            raise InvalidParamError(field, "must be a text")
    return LoginRequest(
        device=device or None,
        display_name=name,
        refresh=body.get("refresh_token") is True,
        recovery_key=recovery,
        ip=request.address,
    )


def _text(body: dict[str, Any], field: str) -> str:
    value = body.get(field)
    if value is None:
        raise MissingParamError(field)
    if not isinstance(value, str):
        raise InvalidParamError(field, "must be a text")
    return value
