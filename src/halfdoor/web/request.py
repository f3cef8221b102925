"""One request as a handler sees it: decoded path, lazy query, a body that is read within limits."""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, TypeVar

import msgspec

from halfdoor.web.errors import (
    ApiError,
    BadJsonError,
    BrokenBodyError,
    InvalidParamError,
    MissingParamError,
    MissingTokenError,
    NotJsonError,
    SlowBodyError,
    TooLargeError,
)
from halfdoor.web.exchange import Exchange
from halfdoor.web.incoming import incoming
from halfdoor.web.query import Query
from halfdoor.web.slow import SlowBodies

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]

T = TypeVar("T")

_decode_any = msgspec.json.Decoder().decode
_MISSING = re.compile(r"^Object missing required field `([^`]+)`")
_UNKNOWN = re.compile(r"^Object contains unknown field")
_PLACE = re.compile(r" - at `\$\.?(.*)`$")
# "Expected `str` of length <= 255", "Expected `int` >= 0", "Invalid enum value …": the type is
# right and the value is not.
_VALUE = re.compile(r"^(Invalid|Expected `[^`]+` (of|>|<|matching|that))")


class BodyLimits(msgspec.Struct, frozen=True):
    """How much body is read, in bytes, for how long, in seconds, and where tokens may stand."""

    max_body_bytes: int = 1 << 20
    body_seconds: float = 20.0
    query_tokens: bool = False


class Request:
    """A request. Nothing of it is decoded before it is asked for."""

    __slots__ = (
        "_body",
        "_headers",
        "_limits",
        "_most",
        "_query",
        "_raw_query",
        "_receive",
        "_slow",
        "address",
        "allow_empty_body",
        "line",
        "method",
        "params",
        "template",
    )

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        *,
        params: dict[str, str],
        template: str,
        address: str,
        limits: BodyLimits,
        slow: SlowBodies,
        allow_empty_body: bool = False,
        max_body_bytes: int | None = None,
    ) -> None:
        """*params* are the decoded path parameters, *address* the client's (proxies resolved)."""
        self.method: str = scope["method"]
        self.params = params
        self.template = template
        self.address = address
        self.allow_empty_body = allow_empty_body
        # Where the client may hang up; None for callers inside this process.
        self.line: Exchange | None = scope.get("exchange")
        self._headers: list[tuple[bytes, bytes]] = scope["headers"]
        self._raw_query: bytes = scope["query_string"]
        self._query: Query | None = None
        self._receive = receive
        self._limits = limits
        self._most = limits.max_body_bytes if max_body_bytes is None else max_body_bytes
        self._slow = slow
        self._body: bytes | None = None

    def __repr__(self) -> str:
        """Method and template: paths, queries, headers and bodies are not for printing."""
        return f"Request({self.method} {self.template})"

    def header(self, name: bytes) -> str | None:
        """The first value of the header *name* (lower case), as Latin-1 text; None when absent."""
        for key, value in self._headers:
            if key == name:
                return value.decode("latin-1")
        return None

    def headers(self) -> dict[bytes, str]:
        """All headers by their lower-case names; of repeated ones the first."""
        return {key: value.decode("latin-1") for key, value in reversed(self._headers)}

    @property
    def query(self) -> Query:
        """The query string's fields; InvalidParamError when it is malformed."""
        if self._query is None:
            self._query = Query(self._raw_query)
        return self._query

    def access_token(self) -> str:
        """The bearer token (RFC 6750 §2.1); MissingTokenError when there is none.

        `?access_token=` counts only while the development switch is on: addresses end in logs and
        browser histories.
        """
        value = self.header(b"authorization")
        if value is not None:
            if value[:7].lower() == "bearer " and len(value) > 7:
                return value[7:].strip()
            raise MissingTokenError
        if self._limits.query_tokens:
            token = self.query.get("access_token")
            if token:
                return token
        raise MissingTokenError

    async def body(self, limit: int | None = None) -> bytes:
        """The whole body; TooLargeError past *limit* bytes, SlowBodyError when it dawdles.

        The limit holds while reading: what the client says of the length is never believed.
        """
        body = self._body
        if body is None:
            most = self._most if limit is None else limit
            # Nearly always all of it is here: then nobody can dawdle.
            body = self.line.whole() if self.line is not None else None
            if body is None:
                body = await self._read(most)
            elif len(body) > most:
                raise TooLargeError
            self._body = body
        return body

    async def json(self) -> dict[str, Any]:
        """The body as a JSON object; NotJsonError, BadJsonError. `{}` for an allowed empty body."""
        raw = await self.body()
        if not raw and self.allow_empty_body:
            return {}
        try:
            content = _decode_any(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise NotJsonError from None
        except RecursionError:
            raise BadJsonError("The body is nested too deeply.") from None
        if not isinstance(content, dict):
            raise BadJsonError("The body must be a JSON object.")
        return content

    async def json_as(self, shape: type[T]) -> T:
        """The body as *shape* (a msgspec Struct).

        NotJsonError; MissingParamError, InvalidParamError or BadJsonError that names the field and
        never its value.
        """
        raw = await self.body()
        if not raw and self.allow_empty_body:
            raw = b"{}"
        try:
            return _decoder(shape).decode(raw)
        except msgspec.ValidationError as error:
            refusal = _explain(str(error))
        except (msgspec.DecodeError, UnicodeDecodeError):
            refusal = NotJsonError()
        except RecursionError:
            refusal = BadJsonError("The body is nested too deeply.")
        raise refusal

    def pieces(self, limit: int) -> AsyncGenerator[bytes, None]:
        """The body as it comes, at most *limit* bytes, never more than a piece of it in memory.

        TooLargeError, at the latest where the limit is passed; SlowBodyError, BrokenBodyError.
        """
        declared = self.declared_length()
        if declared is not None and declared > limit:
            raise TooLargeError
        if self.line is not None:
            # Chunked transfer coding needs a little more on the line than it carries.
            self.line.most_bytes = limit + limit // 8 + self._limits.max_body_bytes
        return incoming(self._receive, limit, declared, self._limits.body_seconds)

    async def _read(self, most: int) -> bytes:
        declared = self.declared_length()
        if declared is not None:
            if declared > most:
                raise TooLargeError
            if declared == 0:
                return b""
        reader = self._slow.begin()
        try:
            return await self._collect(most, declared)
        except asyncio.CancelledError:
            if not self._slow.was_late(reader):
                raise
            raise SlowBodyError from None
        finally:
            self._slow.end(reader)

    async def _collect(self, most: int, declared: int | None) -> bytes:
        body = b""
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                raise BrokenBodyError
            part: bytes = message.get("body", b"")
            # The usual body comes in one piece, which is then not copied.
            body = body + part if body else part
            if len(body) > most:
                raise TooLargeError
            # The server frames bodies by the same length, so the end need not be asked for.
            if len(body) == declared or not message.get("more_body", False):
                return body

    def declared_length(self) -> int | None:
        """What the client says of the body's length; InvalidParamError for nonsense."""
        value = self.header(b"content-length")
        if value is None:
            return None
        if not value.isascii() or not value.isdigit() or len(value) > 18:
            raise InvalidParamError("Content-Length", "must be a number")
        if self.header(b"transfer-encoding") is not None:
            # RFC 9112 §6.1: a message with both is an attempt at smuggling.
            raise InvalidParamError("Content-Length", "cannot stand beside Transfer-Encoding")
        return int(value)


# One decoder a shape, made on first use; shapes are our own types, so the number is bounded.
_decoders: dict[type[Any], msgspec.json.Decoder[Any]] = {}


def _decoder(shape: type[T]) -> msgspec.json.Decoder[T]:
    decoder = _decoders.get(shape)
    if decoder is None:
        decoder = _decoders[shape] = msgspec.json.Decoder(shape)
    return decoder


def _explain(message: str) -> ApiError:
    """What msgspec found, without the value it found it in."""
    place = _PLACE.search(message)
    where = place[1] if place else ""
    missing = _MISSING.match(message)
    if missing:
        return MissingParamError(f"{where}.{missing[1]}" if where else missing[1])
    field = where or "The body"
    if _UNKNOWN.match(message):
        return BadJsonError(f"{field} has a field that is not known here.")
    if _VALUE.match(message):
        return InvalidParamError(field, "has a value that is not allowed")
    return BadJsonError(f"{field} has the wrong type.")
