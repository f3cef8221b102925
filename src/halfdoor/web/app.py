"""From a request to an answer, with limits before and the error table after."""

import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, Protocol

from structlog.typing import FilteringBoundLogger

from halfdoor.accounts.errors import LimitedError
from halfdoor.accounts.throttle import Throttle
from halfdoor.web.address import ClientAddresses, household
from halfdoor.web.cors import headers_of, preflight
from halfdoor.web.errors import (
    ApiError,
    ErrorTable,
    PendingDeviceError,
    RateLimitedError,
    bare_failure,
)
from halfdoor.web.limits import Limits, Rate, Turnstile, check_sizes
from halfdoor.web.logs import describe
from halfdoor.web.metrics import RequestNumbers
from halfdoor.web.request import BodyLimits, Receive, Request, Scope
from halfdoor.web.response import Response
from halfdoor.web.router import LimitClass, Route, Router
from halfdoor.web.slow import SlowBodies
from halfdoor.web.streamed import Streamed

Send = Callable[[dict[str, Any]], Awaitable[None]]

UNROUTED: Final = "unrouted"

# A method is the client's word: an unknown one is no label.
_METHODS: Final = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"})


class Session(Protocol):
    """What the front door needs to know of a session; handlers get the whole object."""

    @property
    def user(self) -> str:
        """The Matrix id of the person."""

    @property
    def device(self) -> str:
        """The device of that session."""

    @property
    def pending(self) -> bool:
        """True until the device was approved (SEALING §2)."""


class SessionGate(Protocol):
    """Turns an access token into a session for the length of one request."""

    async def admit(self, token: str, address: str) -> Any:
        """The `Session` of *token*; raises what the error table answers (401 M_UNKNOWN_TOKEN …)."""

    def release(self, session: Any) -> None:
        """The request is over: its keys may go when `keyring_seconds` have passed."""


class PlatformGate(Protocol):
    """Checks the platform's signature on a request (`/_halfdoor/platform/v1/…`)."""

    async def admit(self, request: Request) -> Any:
        """Who signed; raises what the error table answers. The body may be read here."""


class App:
    """All routes behind one door.

    The order of the steps is the design: nothing is read before sizes are checked, nothing is
    looked up before the path is known, and no handler runs before gate and rates let it.
    """

    def __init__(
        self,
        routes: Iterable[Route],
        *,
        sessions: SessionGate,
        platform: PlatformGate | None,
        errors: ErrorTable,
        limits: Limits,
        bodies: BodyLimits,
        addresses: ClientAddresses,
        numbers: RequestNumbers,
        log: FilteringBoundLogger,
        now: Callable[[], float] = time.monotonic,
        writes_waiting: Callable[[], int] = lambda: 0,
    ) -> None:
        self._router = Router(routes)
        self._sessions = sessions
        self._platform = platform
        self._errors = errors
        self._limits = limits
        self._bodies = bodies
        self._slow = SlowBodies(bodies.body_seconds)
        self._addresses = addresses
        self._numbers = numbers
        self._log = log
        # Asked once: a line that nobody reads costs half a microsecond to put together.
        self._tells_all = log.is_enabled_for(logging.DEBUG)
        self._now = now
        self._by_address = _throttles(limits.by_address)
        self._by_session = _throttles(limits.by_session)
        self._strays = limits.strays.throttle() if limits.strays else None
        self.turnstile = Turnstile(limits, writes_waiting)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request (ASGI 3): for callers inside this process."""
        if scope["type"] != "http":
            raise RuntimeError("only HTTP is served here")
        await self._send(scope, await self.answer(scope, receive), send)

    async def answer(self, scope: Scope, receive: Receive) -> Response:
        """The answer to one HTTP request: for the server, which writes it itself."""
        started = self._now()
        template = UNROUTED
        try:
            if scope["method"] == "OPTIONS":
                response = preflight()
            else:
                check_sizes(
                    self._limits, scope["raw_path"], scope["query_string"], scope["headers"]
                )
                route, params = self._router.find(scope["method"], scope["raw_path"])
                template = route.template
                response = await self._admit(route, params, scope, receive)
        except Exception as error:  # noqa: BLE001  (this is the table's last row)
            response = self._failure(error)
        self._record(scope["method"], template, response.status, self._now() - started)
        return response

    async def _admit(
        self, route: Route, params: dict[str, str], scope: Scope, receive: Receive
    ) -> Response:
        address = self._addresses.find(scope["client"][0], scope["headers"])
        house = household(address)
        poll = route.limit == "sync"
        self.turnstile.enter(poll=poll, household=house, writes=route.method != "GET")
        try:
            request = Request(
                scope,
                receive,
                params=params,
                template=route.template,
                address=address,
                limits=self._bodies,
                slow=self._slow,
                allow_empty_body=route.allow_empty_body,
                max_body_bytes=route.max_body_bytes,
            )
            if route.auth in {"session", "pending_ok"}:
                return await self._with_session(route, request, house)
            if route.auth == "platform":
                return await route.handler(request, await self._sender(request, house))
            self._count(self._by_address.get(route.limit), house)
            return await route.handler(request, None)
        finally:
            self.turnstile.leave(poll=poll, household=house)

    async def _with_session(self, route: Route, request: Request, house: str) -> Response:
        token = request.access_token()
        try:
            session: Session = await self._sessions.admit(token, request.address)
        except Exception:
            # Whoever tries tokens is slowed down; whoever has one is not.
            self._count(self._strays, house)
            raise
        try:
            if session.pending and route.auth == "session":
                raise PendingDeviceError
            throttle = self._by_session.get(route.limit)
            if throttle is not None:
                # No user id holds a space, so the key is unambiguous.
                self._count(throttle, f"{session.user} {session.device}")
            if route.limit == "sync":
                return await self._poll(route, request, session)
            return await route.handler(request, session)
        finally:
            self._sessions.release(session)

    async def _poll(self, route: Route, request: Request, session: Session) -> Response:
        self.turnstile.sit(session.user)
        try:
            return await route.handler(request, session)
        finally:
            self.turnstile.rise(session.user)

    async def _sender(self, request: Request, house: str) -> Any:
        if self._platform is None:
            raise ApiError(403, "M_FORBIDDEN", "No platform is configured.")
        try:
            return await self._platform.admit(request)
        except Exception:
            self._count(self._strays, house)
            raise

    def _count(self, throttle: Throttle | None, key: str) -> None:
        if throttle is None:
            return
        try:
            throttle.check(key, int(self._now() * 1000))
        except LimitedError as error:
            raise RateLimitedError(error.retry_after_ms) from None

    def _failure(self, error: Exception) -> Response:
        try:
            response = self._errors.response(error)
        except Exception as second:  # noqa: BLE001  (a row of the table is wrong itself)
            self._log.error("error table failed", **describe(second))
            response = None
        if response is not None:
            return response
        self._log.error("request failed", **describe(error))
        return bare_failure()

    async def _send(self, scope: Scope, response: Response, send: Send) -> None:
        headers = headers_of(response)
        body = response.body
        if isinstance(response, Streamed):
            await response.send(headers, send, bodiless=scope["method"] == "HEAD")
            return
        if scope["method"] == "HEAD":
            headers = [*headers, (b"content-length", str(len(body)).encode())]
            body = b""
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _record(self, method: str, template: str, status: int, seconds: float) -> None:
        if method not in _METHODS:
            method = "other"
        self._numbers.count(method, template, status, seconds)
        if status >= 500:
            self._log.warning(
                "request", method=method, route=template, status=status, ms=round(seconds * 1e3, 2)
            )
        elif self._tells_all:
            self._log.debug(
                "request", method=method, route=template, status=status, ms=round(seconds * 1e3, 2)
            )


def _throttles(rates: Mapping[LimitClass, Rate | None]) -> dict[str, Throttle]:
    return {name: rate.throttle() for name, rate in rates.items() if rate is not None}
