"""A form for who has no account: help first, then what happened, and a number to keep.

GET  /            the page [?country=FI]; it works without script, and there is none
POST /            the same form, filled in
GET  /v1/reasons  what can be reported and who helps, as JSON [?country=FI]
POST /v1/reports  {"about": …, "reason": …, "words": …, "child"?, "language"?, "country"?}

No answer tells whether an account exists. Nothing is kept of who sends it, not even an address.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, Protocol

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec import Meta

from halfdoor.accounts.errors import LimitedError
from halfdoor.accounts.throttle import Throttle
from halfdoor.policy.review import Review
from halfdoor.readers.review.errors import ReportRefusedError, StaleCaseError
from halfdoor.readers.review.outside import Account, Taken
from halfdoor.readers.review.reasons import listed
from halfdoor.web.console.assets import Assets
from halfdoor.web.console.form import ForgedError, Form, check_origin, read_form
from halfdoor.web.console.headers import PAGE
from halfdoor.web.console.inert import inert, plain
from halfdoor.web.errors import ApiError, InvalidParamError
from halfdoor.web.query import Query
from halfdoor.web.request import Request
from halfdoor.web.response import Response, json_response
from halfdoor.web.router import Route

_HTML: Final = b"text/html; charset=utf-8"
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_MOST_BYTES: Final = 64 * 1024
_LONGEST_ID: Final = 255
_LONGEST_NOTE: Final = 20_000
# One bucket for everybody: no address is remembered for longer than its own rate needs.
_EVERYBODY: Final = "form"

_Text = Annotated[str, Meta(max_length=_LONGEST_ID)]


class Outside(Protocol):
    """Where such reports are taken (`readers/review/outside.py`)."""

    async def file(self, told: Account) -> Taken:
        """Take one; `ReportRefusedError`."""


class _Body(msgspec.Struct):
    """A report as JSON."""

    about: _Text
    reason: _Text
    words: Annotated[str, Meta(max_length=_LONGEST_NOTE)]
    child: _Text = ""
    language: _Text | None = None
    country: _Text | None = None


class PublicForm:
    """The page and the two requests beside it, over one room that takes reports."""

    def __init__(
        self,
        *,
        outside: Outside,
        review: Review,
        assets: Assets,
        origin: str,
        server: str,
        per_hour: int,
        now: Callable[[], int],
    ) -> None:
        """*origin* is where browsers find the form; *now* the time in ms since 1970.

        *server* is what accounts here are called after.
        """
        self._outside = outside
        self._review = review
        self._assets = assets
        self._origin = origin
        self._now = now
        self._pace = Throttle(burst=per_hour, every_ms=max(1, 3_600_000 // per_hour))
        self._page = Environment(
            loader=PackageLoader("halfdoor.web.public", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._page.filters.update(inert=inert, plain=plain)
        self._page.globals.update(asset=assets.address, server=server)

    def routes(self) -> list[Route]:
        """Everything that is reached without an account."""
        return [
            Route("GET", "/", self._guarded(self._look), auth="none"),
            Route(
                "POST",
                "/",
                self._guarded(self._send),
                auth="none",
                limit="register",
                max_body_bytes=_MOST_BYTES,
            ),
            Route("GET", "/v1/reasons", self._reasons, auth="none"),
            Route(
                "POST",
                "/v1/reports",
                self._report,
                auth="none",
                limit="register",
                max_body_bytes=_MOST_BYTES,
            ),
            self._assets.route(),
        ]

    # --- the page ---------------------------------------------------------------------------------

    async def _look(self, request: Request) -> Response:
        return self._form(200, Form(Query(b"")), _country(request.query.get("country")))

    async def _send(self, request: Request) -> Response:
        check_origin(request, self._origin)
        form = await read_form(request)
        country = _country(form.text("country", 2).upper() or None)
        try:
            taken = await self._take(
                Account(
                    about=form.text("about", _LONGEST_ID),
                    reason=form.text("reason", _LONGEST_ID),
                    words=form.text("words", _LONGEST_NOTE),
                    child=form.text("child", _LONGEST_ID),
                    country=country,
                )
            )
        except ReportRefusedError as error:
            # What was typed stays in the form.
            return self._form(400, form, country, str(error))
        except LimitedError:
            return self._form(429, form, country, _BUSY)
        except StaleCaseError as error:
            return self._form(503, form, country, str(error))
        said = listed(self._review, country)
        reason = form.text("reason", _LONGEST_ID)
        lines = next((one["help"] for one in said["reasons"] if one["key"] == reason), ())
        return self._html("taken.html", 200, taken=taken, help=lines or said["help"])

    def _form(self, status: int, form: Form, country: str | None, refused: str = "") -> Response:
        said = listed(self._review, country)
        regions = sorted({one.region for one in self._review.help if len(one.region) == 2})
        return self._html(
            "report.html",
            status,
            help=said["help"],
            reasons=said["reasons"],
            most=self._review.intake.note_chars,
            regions=regions,
            country=country,
            form=form,
            refused=refused,
        )

    def _html(self, template: str, status: int, **values: Any) -> Response:
        text = self._page.get_template(template).render(**values)
        return Response(status, text.encode(), PAGE, _HTML, bare=True)

    def _guarded(
        self, work: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request, None], Awaitable[Response]]:
        async def answer(request: Request, _session: None) -> Response:
            try:
                return await work(request)
            except (ApiError, ForgedError) as error:
                return self._form(error.status, Form(Query(b"")), None, error.text)

        return answer

    # --- JSON -------------------------------------------------------------------------------------

    async def _reasons(self, request: Request, _session: None) -> Response:
        return json_response(listed(self._review, _country(request.query.get("country"))))

    async def _report(self, request: Request, _session: None) -> Response:
        body = await request.json_as(_Body)
        taken = await self._take(
            Account(
                about=body.about,
                reason=body.reason,
                words=body.words,
                child=body.child,
                language=body.language,
                country=_country(body.country),
            )
        )
        return json_response({"id": taken.id, "at": taken.at, "repeat": taken.repeat})

    async def _take(self, told: Account) -> Taken:
        self._pace.check(_EVERYBODY, self._now())
        return await self._outside.file(told)


_BUSY: Final = (
    "Too many reports came in just now. Please send it again in some minutes. "
    "Where somebody is in danger, call one of the numbers above."
)


def _country(given: str | None) -> str | None:
    if not given:
        return None
    if _COUNTRY.fullmatch(given) is None:
        raise InvalidParamError("country", "is not a code of two letters")
    return given
