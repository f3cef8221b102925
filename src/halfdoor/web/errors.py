"""The one table that turns an exception into an answer.

The form is the client-server API's "Standard error response".
What is not in the table is a bare 500 that tells the client nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from halfdoor.web.response import Response, json_response

E = TypeVar("E", bound=Exception)

Extras = Mapping[str, Any]


class ApiError(Exception):
    """A refusal whose status, code and text are meant for the client.

    *extras* are further members of the body (`soft_logout`, `retry_after_ms`, `flows` …). The text
    goes out as it is: it never quotes what the client sent.
    """

    def __init__(self, status: int, errcode: str, text: str, **extras: Any) -> None:
        super().__init__(errcode)
        self.status = status
        self.errcode = errcode
        self.text = text
        self.extras = extras


class BadJsonError(ApiError):
    """The body is JSON of the wrong shape."""

    def __init__(self, text: str) -> None:
        super().__init__(400, "M_BAD_JSON", text)


class NotJsonError(ApiError):
    """The body is not JSON at all."""

    def __init__(self) -> None:
        super().__init__(400, "M_NOT_JSON", "The body is not valid JSON.")


class MissingParamError(ApiError):
    """A parameter that the endpoint needs is absent."""

    def __init__(self, name: str) -> None:
        super().__init__(400, "M_MISSING_PARAM", f"{name} is missing.")


class InvalidParamError(ApiError):
    """A parameter is there, but its value cannot be used."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(400, "M_INVALID_PARAM", f"{name} {why}.")


class UnrecognizedError(ApiError):
    """No such path (404), or the path has no such method (405)."""

    def __init__(self, status: int = 404, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(status, "M_UNRECOGNIZED", "Unrecognized request.")
        self.allowed = allowed


class MissingTokenError(ApiError):
    """The endpoint needs an access token and none came."""

    def __init__(self) -> None:
        super().__init__(401, "M_MISSING_TOKEN", "An access token is needed.")


class PendingDeviceError(ApiError):
    """The device is signed in but not approved yet (SEALING §2, "New device")."""

    def __init__(self) -> None:
        super().__init__(
            403,
            "M_FORBIDDEN",
            "This device waits for approval.",
            **{"org.halfdoor.pending": True},
        )


class TooLargeError(ApiError):
    """The body is longer than this endpoint reads."""

    def __init__(self) -> None:
        super().__init__(413, "M_TOO_LARGE", "The body is too large.")


class SlowBodyError(ApiError):
    """The body did not arrive in time."""

    def __init__(self) -> None:
        super().__init__(408, "M_UNKNOWN", "The body did not arrive in time.")


class RateLimitedError(ApiError):
    """Too many requests of one class from one address or session; *retry_after_ms* says when."""

    def __init__(self, retry_after_ms: int) -> None:
        super().__init__(
            429, "M_LIMIT_EXCEEDED", "Too many requests.", retry_after_ms=retry_after_ms
        )


class BusyError(ApiError):
    """The server has as many requests in hand as it takes; come back in a moment."""

    def __init__(self) -> None:
        super().__init__(503, "M_LIMIT_EXCEEDED", "The server is busy.", retry_after_ms=1000)


class BrokenBodyError(ApiError):
    """The body broke off, or its framing makes no sense."""

    def __init__(self) -> None:
        super().__init__(400, "M_UNKNOWN", "The body broke off.")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """How one type of exception is answered.

    *text* is what the client reads. It is a constant, or is made from fields of the exception
    that hold no content; `str(error)` is never sent. *errcode* may depend on the exception;
    None leaves code and text out, as user-interactive authentication asks in its first answer.
    *retry_after* is in seconds.
    """

    status: int
    errcode: str | Callable[[Any], str | None]
    text: str | Callable[[Any], str]
    extras: Callable[[Any], Extras] | None = None
    retry_after: int | None = None


class ErrorTable:
    """Exception type → `Answer`. The nearest type in the exception's ancestry decides."""

    def __init__(self) -> None:
        self._answers: dict[type[Exception], Answer] = {}

    def add(
        self,
        error: type[E],
        status: int,
        errcode: str | Callable[[E], str | None],
        text: str | Callable[[E], str],
        *,
        extras: Callable[[E], Extras] | None = None,
        retry_after: int | None = None,
    ) -> None:
        """Answer *error* and its subclasses so; a type may be entered once (ValueError)."""
        if error in self._answers:
            raise ValueError(f"{error.__name__} has an answer already")
        self._answers[error] = Answer(
            status=status, errcode=errcode, text=text, extras=extras, retry_after=retry_after
        )

    def response(self, error: Exception) -> Response | None:
        """The answer to *error*, or None when nobody said how it is to be answered."""
        if isinstance(error, ApiError):
            return _refusal(error)
        for ancestor in type(error).__mro__:
            answer = self._answers.get(ancestor)
            if answer is not None:
                return _tabled(answer, error)
        return None


def error_response(
    status: int,
    errcode: str,
    text: str,
    extras: Extras | None = None,
    *,
    retry_after: int | None = None,
) -> Response:
    """The standard error body `{"errcode", "error", …extras}`; *retry_after* in seconds.

    Whoever is told `retry_after_ms` is told `Retry-After` too, and the other way round; in whole
    seconds, rounded up: a client that obeys must not be refused again.
    """
    extras = extras or {}
    if retry_after is None and "retry_after_ms" in extras:
        retry_after = -(-int(extras["retry_after_ms"]) // 1000)
    elif retry_after is not None:
        extras = {**extras, "retry_after_ms": retry_after * 1000}
    headers = () if retry_after is None else ((b"retry-after", str(retry_after).encode()),)
    return json_response({**extras, "errcode": errcode, "error": text}, status, headers)


def bare_failure() -> Response:
    """What a client learns of an error that nobody foresaw: nothing."""
    return error_response(500, "M_UNKNOWN", "Internal server error.")


def _refusal(error: ApiError) -> Response:
    response = error_response(error.status, error.errcode, error.text, error.extras)
    if isinstance(error, UnrecognizedError) and error.allowed:
        response.headers += ((b"allow", ", ".join(error.allowed).encode()),)
    return response


def _tabled(answer: Answer, error: Exception) -> Response:
    text = answer.text if isinstance(answer.text, str) else answer.text(error)
    extras = answer.extras(error) if answer.extras else {}
    errcode = answer.errcode if isinstance(answer.errcode, str) else answer.errcode(error)
    if errcode is None:
        return json_response(extras, answer.status)
    return error_response(answer.status, errcode, text, extras, retry_after=answer.retry_after)
