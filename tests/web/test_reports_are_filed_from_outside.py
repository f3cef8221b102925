"""The evidence helper files a report at one server, and gives its token to no other."""

import json
from collections.abc import Callable

import httpx
import pytest

from halfdoor.web.outbound.reporting import NotFiledError, file_report

TOKEN = "hda1.secret"
Answer = Callable[[httpx.Request], httpx.Response]


def filed(answer: Answer, server: str = "https://example.org/") -> dict[str, object]:
    return file_report(
        server, TOKEN, "!r/x:example.org", "$e?x", {"a": 1}, httpx.MockTransport(answer)
    )


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(400, json={"errcode": "M_INVALID_PARAM", "error": "not that message"}),
        httpx.Response(500, text="<html>"),
        httpx.Response(200, text="not JSON"),
        httpx.Response(302, headers={"location": "https://evil.example/"}, json={}),
    ],
)
def test_a_server_that_did_not_take_it_is_named_with_what_it_said(answer: httpx.Response) -> None:
    asked: list[str] = []

    def once(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return answer

    with pytest.raises(NotFiledError) as refused:
        filed(once)
    assert TOKEN not in str(refused.value)
    assert asked == ["example.org"]


def test_a_server_that_cannot_be_reached_is_no_traceback() -> None:
    def down(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(NotFiledError, match="cannot be asked"):
        filed(down)
    with pytest.raises(NotFiledError):
        filed(down, "no address")


def test_what_is_filed_is_the_report_of_that_message() -> None:
    seen: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"org.halfdoor.report": {"id": "rep_1"}})

    assert filed(take) == {"org.halfdoor.report": {"id": "rep_1"}}
    (request,) = seen
    assert request.url.raw_path == (
        b"/_matrix/client/v3/rooms/%21r%2Fx%3Aexample.org/report/%24e%3Fx"
    )
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert json.loads(request.content) == {"a": 1}
