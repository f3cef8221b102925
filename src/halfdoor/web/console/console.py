"""The doors of the console: who may come through each, and what a refusal looks like.

A handler runs only for a session, with one of its roles and, where it changes something, from one
of our own pages. Roles are checked here and again by the rooms behind; no page is made for a role
that may not see it.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from structlog.typing import FilteringBoundLogger

from halfdoor.readers.review.errors import RoleError
from halfdoor.web.console.desk import Desk, SignedIn, StaffGate
from halfdoor.web.console.form import Form, check_origin, check_word, read_form
from halfdoor.web.console.headers import PAGE
from halfdoor.web.console.pages import Pages, see
from halfdoor.web.console.refusals import BROKEN, refusal_of
from halfdoor.web.console.visit import Visit, cookie
from halfdoor.web.errors import ApiError
from halfdoor.web.logs import describe
from halfdoor.web.query import Query
from halfdoor.web.request import Request
from halfdoor.web.response import Response
from halfdoor.web.router import Route

Handler = Callable[[Visit], Awaitable[Response]]

# Who works on cases; the policy's queues narrow it further.
REVIEWERS: Final = frozenset({"reviewer", "child_safety", "lead"})
# Who answers what one reviewer alone may not do.
SECONDS: Final = frozenset({"lead", "child_safety"})
BOARD: Final = frozenset({"lead", "auditor", "admin"})
ADMIN: Final = frozenset({"admin"})
EVERYBODY: Final = REVIEWERS | {"auditor", "admin"}

_FORM_BYTES: Final = 64 * 1024


class Doors(msgspec.Struct, frozen=True, kw_only=True):
    """What every page needs: the rooms behind, the sessions, the templates, and where we are.

    `origin` is asked for each form, since a free port is known only once it is bound. `secure` says
    whether the console is reached by https.
    """

    desk: Desk
    gate: StaffGate
    pages: Pages
    log: FilteringBoundLogger
    origin: Callable[[], str]
    secure: bool

    @property
    def session_cookie(self) -> str:
        """RFC 6265bis §4.1.3.2: `__Host-` binds a cookie to this host, where there is TLS."""
        return "__Host-halfdoor_staff" if self.secure else "halfdoor_staff"

    def get(self, template: str, roles: frozenset[str], handler: Handler) -> Route:
        """A page to read; it works without script."""

        async def answer(request: Request, _session: None) -> Response:
            return await self._guard(request, lambda: self._read(request, roles, handler))

        return Route("GET", template, answer, auth="none")

    def post(self, template: str, roles: frozenset[str], handler: Handler) -> Route:
        """A form that changes or reveals something."""

        async def answer(request: Request, _session: None) -> Response:
            return await self._guard(request, lambda: self._write(request, roles, handler))

        return Route("POST", template, answer, auth="none", max_body_bytes=_FORM_BYTES)

    def ask(self, template: str, roles: frozenset[str], handler: Handler) -> Route:
        """JSON of our own script, for whoever is signed in; the session's word is in a header."""

        async def answer(request: Request, _session: None) -> Response:
            async def open_it() -> Response:
                check_origin(request, self.origin())
                session = await self.signed_in(request)
                if session is None:
                    raise ApiError(401, "M_MISSING_TOKEN", "Your session has ended.")
                check_word(request.header(b"x-csrf") or "", session.csrf)
                return await handler(_visit(request, session, roles, Form(Query(b""))))

            return await self._guard(request, open_it)

        return Route(
            "POST", template, answer, auth="none", limit="login", max_body_bytes=_FORM_BYTES
        )

    def outside(
        self,
        method: Any,
        template: str,
        handler: Callable[[Request], Awaitable[Response]],
    ) -> Route:
        """A door for who is not signed in yet."""

        async def answer(request: Request, _session: None) -> Response:
            async def open_it() -> Response:
                if method == "POST":
                    check_origin(request, self.origin())
                return await handler(request)

            return await self._guard(request, open_it)

        return Route(
            method, template, answer, auth="none", limit="login", max_body_bytes=_FORM_BYTES
        )

    def token(self, request: Request) -> str:
        """What the browser keeps of its session, "" for nothing."""
        return cookie(request, self.session_cookie) or ""

    async def signed_in(self, request: Request) -> SignedIn | None:
        """The session of *request*, None where there is none."""
        token = self.token(request)
        return await self.gate.admit(token) if token else None

    async def _read(self, request: Request, roles: frozenset[str], handler: Handler) -> Response:
        session = await self.signed_in(request)
        if session is None:
            return self._sign_in(request)
        return await handler(_visit(request, session, roles, Form(Query(b""))))

    async def _write(self, request: Request, roles: frozenset[str], handler: Handler) -> Response:
        check_origin(request, self.origin())
        session = await self.signed_in(request)
        if session is None:
            if request.header(b"hx-request") == "true":
                return self._sign_in(request)
            raise ApiError(401, "M_MISSING_TOKEN", "Your session has ended. Sign in, then go on.")
        form = await read_form(request)
        check_word(form.text("csrf"), session.csrf)
        return await handler(_visit(request, session, roles, form))

    async def _guard(self, request: Request, work: Callable[[], Awaitable[Response]]) -> Response:
        try:
            return await work()
        except Exception as error:  # noqa: BLE001  (every refusal becomes a page here)
            refusal = refusal_of(error)
            if refusal is None:
                self.log.error("request failed", **describe(error))
                refusal = BROKEN
            if request.header(b"hx-request") == "true":
                # Whatever the form wanted to replace, a refusal goes where it is read aloud.
                return self.pages.page(
                    "refusal_part.html",
                    refusal.status,
                    [(b"hx-retarget", b"#news"), (b"hx-reswap", b"innerHTML")],
                    refusal=refusal,
                )
            visit = await self._bystander(request)
            return self.pages.page("refusal.html", refusal.status, refusal=refusal, visit=visit)

    async def _bystander(self, request: Request) -> Visit | None:
        """Who is told of a refusal, so that the page around it is theirs; None if unknown."""
        try:
            session = await self.signed_in(request)
        except Exception as error:  # noqa: BLE001  (the refusal itself must still be told)
            self.log.error("request failed", **describe(error))
            return None
        return None if session is None else _visit(request, session, EVERYBODY, Form(Query(b"")))

    def _sign_in(self, request: Request) -> Response:
        if request.header(b"hx-request") == "true":
            return Response(
                401, b"", (*PAGE, (b"hx-redirect", b"/sign-in")), b"text/html", bare=True
            )
        return see("/sign-in")


def _visit(request: Request, session: SignedIn, roles: frozenset[str], form: Form) -> Visit:
    if roles is not EVERYBODY and not roles & session.staff.roles:
        raise RoleError("Your role has no access to this page.")
    return Visit(
        request=request, staff=session.staff, csrf=session.csrf, demo=session.demo, form=form
    )
