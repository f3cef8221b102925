import logging
import sys
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from halfdoor.web.errors import ApiError, ErrorTable, PendingDeviceError
from halfdoor.web.logs import configure, describe, guard
from halfdoor.web.request import Request
from halfdoor.web.response import Response, empty_object
from halfdoor.web.router import Route

CANARY = "the cat is called Mitzi hda1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


class CatError(Exception):
    """A fact of some room."""


class KittenError(CatError):
    """A nearer fact."""

    def __init__(self, reason: str) -> None:
        super().__init__(CANARY)
        self.reason = reason


def raising(error: Exception) -> list[Route]:
    async def handler(_request: Request, _session: Any) -> Response:
        raise error

    return [Route("GET", "/x/{id}", handler, auth="none")]


async def test_an_unknown_error_is_a_bare_500_and_leaves_nothing_in_the_log(
    build: Callable[..., Any],
) -> None:
    house = build(raising(RuntimeError(CANARY)))
    answer = await house.ask("GET", b"/x/%40mitzi", query=b"cat=Mitzi")
    assert answer.status == 500
    assert answer.json == {"errcode": "M_UNKNOWN", "error": "Internal server error."}
    logged = house.log.getvalue()
    assert "builtins.RuntimeError" in logged
    assert '"route":"/x/{id}"' in logged
    for secret in ("Mitzi", "mitzi", "hda1", "cat"):
        assert secret not in logged
        assert secret.encode() not in answer.body


async def test_the_log_names_our_own_frames_by_module_and_line(build: Callable[..., Any]) -> None:
    house = build(raising(KeyError(CANARY)))
    await house.ask("GET", b"/x/1")
    line = next(
        msgspec.json.decode(each)
        for each in house.log.getvalue().splitlines()
        if "request failed" in each
    )
    assert line["frames"]
    assert all(frame.startswith("halfdoor.web.app:") for frame in line["frames"])


async def test_an_error_of_a_room_is_answered_as_the_table_says(build: Callable[..., Any]) -> None:
    table = ErrorTable()
    table.add(CatError, 403, "M_FORBIDDEN", "No cats.")
    table.add(
        KittenError,
        429,
        "M_LIMIT_EXCEEDED",
        lambda error: f"Too many kittens: {error.reason}.",
        extras=lambda error: {"org.halfdoor.reason": error.reason, "retry_after_ms": 1500},
    )
    cat = await build(raising(CatError(CANARY)), errors=table).ask("GET", b"/x/1")
    kitten = await build(raising(KittenError("five")), errors=table).ask("GET", b"/x/1")
    assert cat.json == {"errcode": "M_FORBIDDEN", "error": "No cats."}
    assert kitten.json["org.halfdoor.reason"] == "five"
    assert kitten.json["error"] == "Too many kittens: five."
    assert kitten.header(b"retry-after") == b"2"


async def test_an_answer_may_go_without_code_where_nothing_failed_yet(
    build: Callable[..., Any],
) -> None:
    table = ErrorTable()
    table.add(
        KittenError,
        401,
        lambda error: "M_FORBIDDEN" if error.reason == "wrong" else None,
        "The stage failed.",
        extras=lambda _error: {"session": "s"},
    )
    first = await build(raising(KittenError("")), errors=table).ask("GET", b"/x/1")
    failed = await build(raising(KittenError("wrong")), errors=table).ask("GET", b"/x/1")
    assert (first.status, first.json) == (401, {"session": "s"})
    assert (failed.status, failed.json["errcode"]) == (401, "M_FORBIDDEN")


async def test_a_row_that_fails_itself_tells_nothing(build: Callable[..., Any]) -> None:
    table = ErrorTable()
    table.add(CatError, 403, "M_FORBIDDEN", lambda error: str(1 / 0) + str(error))
    house = build(raising(CatError(CANARY)), errors=table)
    answer = await house.ask("GET", b"/x/1")
    assert (answer.status, answer.json["errcode"]) == (500, "M_UNKNOWN")
    assert "ZeroDivisionError" in house.log.getvalue()
    assert "Mitzi" not in house.log.getvalue()


def test_one_type_of_error_has_one_answer() -> None:
    table = ErrorTable()
    table.add(CatError, 403, "M_FORBIDDEN", "No cats.")
    with pytest.raises(ValueError, match="CatError"):
        table.add(CatError, 404, "M_NOT_FOUND", "No cats.")


async def test_an_unavailable_store_is_503_with_retry_after(build: Callable[..., Any]) -> None:
    table = ErrorTable()
    table.add(CatError, 503, "M_UNKNOWN", "Not now.", retry_after=5)
    answer = await build(raising(CatError()), errors=table).ask("GET", b"/x/1")
    assert (answer.status, answer.header(b"retry-after")) == (503, b"5")


@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS", "HEAD"])
async def test_every_answer_lets_browsers_read_it(build: Callable[..., Any], method: str) -> None:
    house = build(raising(RuntimeError()))
    for path in (b"/x/1", b"/nothing", b"/x/%ff"):
        answer = await house.ask(method, path)
        assert answer.header(b"access-control-allow-origin") == b"*"
        assert b"PUT" in answer.header(b"access-control-allow-methods")
        assert b"Authorization" in answer.header(b"access-control-allow-headers")
        assert answer.header(b"cache-control") == b"no-store"
        assert answer.header(b"content-type") == b"application/json"


async def test_options_is_200_on_any_path(build: Callable[..., Any]) -> None:
    house = build([])
    for path in (b"*", b"/", b"/_matrix/client/v3/sync", b"/%ff"):
        assert (await house.ask("OPTIONS", path)).status == 200


async def test_a_pending_device_is_refused_but_told_why(build: Callable[..., Any]) -> None:
    async def fine(_request: Request, _session: Any) -> Response:
        return empty_object()

    house = build([Route("GET", "/rooms", fine), Route("GET", "/keys", fine, auth="pending_ok")])
    refused = await house.ask("GET", b"/rooms", token="new")
    assert refused.status == PendingDeviceError().status
    assert refused.json["org.halfdoor.pending"] is True
    assert (await house.ask("GET", b"/keys", token="new")).status == 200
    assert house.sessions.inside == []


def test_a_key_that_is_not_allowed_never_enters_a_line() -> None:
    line = guard(None, "", {"event": "request", "body": CANARY, "password": "x", "status": 200})
    assert line == {"event": "request", "status": 200}


@pytest.mark.parametrize(
    "value",
    [
        CANARY,
        "@ada:example.org",
        "!abc:example.org",
        "$" + "a" * 43,
        "two\nlines",
        "wörter",
        "a" * 40,
        "a" * 201,
        "eyJhbGciOi",
        b"bytes",
        {"a": 1},
        ["x"],
        CatError(CANARY),
    ],
)
def test_a_value_that_could_be_content_is_removed(value: object) -> None:
    assert guard(None, "", {"event": "request", "route": value})["route"] == "[removed]"


def test_an_event_must_be_a_phrase_of_ours() -> None:
    assert guard(None, "", {"event": f"could not send {CANARY}"})["event"] == "[removed]"
    assert guard(None, "", {"event": "asked to stop"})["event"] == "asked to stop"


def test_hooks_for_uncaught_errors_print_no_message(capsys: pytest.CaptureFixture[str]) -> None:
    import io

    log = io.StringIO()
    configure("info", stream=log, console=False)
    error = CatError(CANARY)
    sys.excepthook(CatError, error, None)
    threading.excepthook(threading.ExceptHookArgs((CatError, error, None, None)))
    logging.getLogger("some.library").error("failed on %s", CANARY, exc_info=error)
    try:
        raise error
    except CatError:
        logging.getLogger("asyncio").exception("Task exception was never retrieved")
    told = log.getvalue()
    assert told.count("CatError") == 4
    assert "Mitzi" not in told + "".join(capsys.readouterr())


async def test_an_error_nobody_awaited_prints_no_message(
    capsys: pytest.CaptureFixture[str],
) -> None:
    import asyncio
    import gc
    import io

    from halfdoor.web.logs import loop_handler

    log = io.StringIO()
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(loop_handler(configure("info", stream=log, console=False)))
    try:
        future = loop.create_future()
        future.set_exception(CatError(CANARY))
        del future
        gc.collect()
    finally:
        loop.set_exception_handler(before)
    assert "CatError" in log.getvalue()
    assert "Mitzi" not in log.getvalue() + "".join(capsys.readouterr())


def test_describing_an_error_takes_neither_its_text_nor_locals() -> None:
    with pytest.raises(msgspec.DecodeError) as caught:
        msgspec.json.decode(CANARY.encode())
    assert set(describe(caught.value)) == {"error", "frames"}
    assert "Mitzi" not in str(describe(caught.value))


def test_requests_answers_and_queries_print_no_content() -> None:
    from halfdoor.web.query import Query

    assert "Mitzi" not in repr(Response(200, CANARY.encode()))
    assert "Mitzi" not in repr(Query(b"cat=Mitzi"))


async def test_a_request_prints_neither_ids_nor_tokens(build: Callable[..., Any]) -> None:
    seen: list[str] = []

    async def look(request: Request, _session: Any) -> Response:
        await request.body()
        seen.append(repr(request))
        return empty_object()

    house = build([Route("PUT", "/x/{id}", look)])
    await house.ask("PUT", b"/x/Mitzi", token="ada", body=(b"Mitzi",), query=b"q=Mitzi")
    assert seen == ["Request(PUT /x/{id})"]


def test_an_api_error_does_not_carry_its_text_into_tracebacks() -> None:
    assert CANARY not in repr(ApiError(403, "M_FORBIDDEN", CANARY))
