from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfdoor.web.errors import ApiError, UnrecognizedError
from halfdoor.web.request import Request
from halfdoor.web.response import Response, json_response
from halfdoor.web.router import Route, Router, decode_segments

V3 = "/_matrix/client/v3"


async def echo(request: Request, _session: Any) -> Response:
    return json_response({"route": request.template, **request.params})


ROUTES = [
    Route("PUT", f"{V3}/rooms/{{roomId}}/send/{{eventType}}/{{txnId}}", echo, auth="none"),
    Route("GET", f"{V3}/rooms/{{roomId}}/state", echo, auth="none"),
    Route("GET", f"{V3}/rooms/{{roomId}}/state/{{eventType}}", echo, auth="none"),
    Route("GET", f"{V3}/rooms/{{roomId}}/state/{{eventType}}/", echo, auth="none"),
    Route("GET", f"{V3}/rooms/{{roomId}}/state/{{eventType}}/{{stateKey}}", echo, auth="none"),
    Route("PUT", f"{V3}/rooms/{{roomId}}/state/{{eventType}}/{{stateKey}}", echo, auth="none"),
    Route("GET", f"{V3}/profile/{{userId}}/{{keyName}}", echo, auth="none"),
    Route("GET", f"{V3}/profile/fixed/{{other}}/deep", echo, auth="none"),
    Route("GET", f"{V3}/pushrules/", echo, auth="none"),
    Route("GET", "/health", echo, auth="none"),
]


@pytest.fixture
def house(build: Callable[..., Any]) -> Any:
    return build(ROUTES)


@pytest.mark.parametrize(
    "path",
    [
        b"/",
        b"//",
        b"*",
        b"health",
        b"/health/",
        b"//health",
        b"/Health",
        b"/./health",
        b"/x/../health",
        b"/health?",
        b"/_matrix/client/v3/rooms//state",
        b"/_matrix/client/v3/pushrules",
        b"/_matrix/client/v3/rooms/!a:b/send/m.room.message/",
        b"/_matrix/client/v3/rooms/!a:b/send/m.room.message/1/2",
        b"/_matrix/client/r1/rooms/!a:b/state",
        b"/_matrix/federation/v1/version",
    ],
)
async def test_an_unknown_path_is_unrecognized(house: Any, path: bytes) -> None:
    answer = await house.ask("GET", path)
    assert (answer.status, answer.json["errcode"]) == (404, "M_UNRECOGNIZED")


async def test_a_known_path_with_another_method_is_405_and_says_which_are_allowed(
    house: Any,
) -> None:
    answer = await house.ask("DELETE", b"/_matrix/client/v3/rooms/!a:b/state/t/k")
    assert (answer.status, answer.json["errcode"]) == (405, "M_UNRECOGNIZED")
    assert answer.header(b"allow") == b"GET, PUT, OPTIONS"


@pytest.mark.parametrize("method", ["BREW", "get", "TRACE", "CONNECT", "PATCH"])
async def test_a_strange_method_is_405(house: Any, method: str) -> None:
    assert (await house.ask(method, b"/health")).status == 405


@pytest.mark.parametrize(
    "path",
    [
        b"/_matrix/client/v3/rooms/%ff/state",
        b"/_matrix/client/v3/rooms/%C3/state",
        b"/_matrix/client/v3/rooms/%/state",
        b"/_matrix/client/v3/rooms/%4/state",
        b"/_matrix/client/v3/rooms/%zz/state",
        b"/_matrix/client/v3/rooms/%u0041/state",
        b"/_matrix/client/v3/rooms/a%00b/state",
        b"/_matrix/client/v3/rooms/%ED%A0%80/state",
        b"/_matrix/client/v3/rooms/%C0%AF/state",
        b"/_matrix/client/v3/rooms/\xc3\xa9/state",
        b"/_matrix/client/v3/rooms/" + b"%ff" * 300 + b"/state",
    ],
)
async def test_a_path_that_is_not_encoded_text_is_refused(house: Any, path: bytes) -> None:
    answer = await house.ask("GET", path)
    assert (answer.status, answer.json["errcode"]) == (400, "M_INVALID_PARAM")


async def test_an_encoded_slash_stays_inside_its_id(house: Any) -> None:
    answer = await house.ask("PUT", b"/_matrix/client/v3/rooms/%21a%2Fb%3Ax.org/send/m%2Fn/t%252Fx")
    assert answer.json["roomId"] == "!a/b:x.org"
    assert answer.json["eventType"] == "m/n"
    assert answer.json["txnId"] == "t%2Fx"


async def test_an_encoded_slash_never_makes_a_path_of_more_segments(house: Any) -> None:
    answer = await house.ask("GET", b"/_matrix/client/v3/rooms/!a:b%2Fstate")
    assert answer.status == 404


async def test_ids_may_come_raw_as_well(house: Any) -> None:
    answer = await house.ask("GET", b"/_matrix/client/v3/rooms/!a:b.org/state/m.x/@u:b.org")
    assert answer.json["roomId"] == "!a:b.org"
    assert answer.json["stateKey"] == "@u:b.org"


async def test_the_empty_state_key_has_a_path_of_its_own(house: Any) -> None:
    for tail, template in ((b"", "/{eventType}"), (b"/", "/{eventType}/")):
        answer = await house.ask("GET", b"/_matrix/client/v3/rooms/!a:b/state/m.x" + tail)
        assert answer.json["route"].endswith(f"/state{template}")
        assert "stateKey" not in answer.json


async def test_a_plus_in_a_path_is_a_plus(house: Any) -> None:
    answer = await house.ask("GET", b"/_matrix/client/v3/rooms/a+b/state")
    assert answer.json["roomId"] == "a+b"


async def test_r0_is_another_name_of_v3(house: Any) -> None:
    answer = await house.ask("GET", b"/_matrix/client/r0/rooms/!a:b/state")
    assert answer.json["route"] == f"{V3}/rooms/{{roomId}}/state"


async def test_a_literal_goes_before_a_parameter_and_steps_back_where_it_leads_nowhere(
    house: Any,
) -> None:
    deep = await house.ask("GET", b"/_matrix/client/v3/profile/fixed/x/deep")
    plain = await house.ask("GET", b"/_matrix/client/v3/profile/fixed/x")
    assert deep.json == {"route": f"{V3}/profile/fixed/{{other}}/deep", "other": "x"}
    assert plain.json["userId"] == "fixed"
    assert plain.json["keyName"] == "x"


async def test_head_is_get_without_the_body(house: Any) -> None:
    get = await house.ask("GET", b"/health")
    head = await house.ask("HEAD", b"/health")
    assert (head.status, head.body) == (200, b"")
    assert head.header(b"content-length") == str(len(get.body)).encode()


def test_a_template_cannot_be_given_twice() -> None:
    with pytest.raises(ValueError, match="given twice"):
        Router([*ROUTES, Route("GET", f"{V3}/profile/{{anyone}}/{{key}}", echo)])


async def test_a_real_client_library_keeps_the_encoded_slash(house: Any) -> None:
    transport = httpx.ASGITransport(app=house.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
        answer = await client.put(f"{V3}/rooms/{quote('!a/b:x', safe='')}/send/m.x/1", json={})
    assert answer.json()["roomId"] == "!a/b:x"


@given(st.lists(st.text(), min_size=1, max_size=6))
def test_what_is_quoted_comes_back_segment_by_segment(segments: list[str]) -> None:
    raw = ("/" + "/".join(quote(each, safe="", errors="replace") for each in segments)).encode()
    if any("\0" in each for each in segments):
        with pytest.raises(ApiError):
            decode_segments(raw)
    else:
        wanted = [each.encode(errors="replace").decode() for each in segments]
        assert decode_segments(raw) == wanted


@given(st.binary(max_size=60), st.sampled_from(["GET", "PUT", "X"]))
def test_no_bytes_as_a_path_are_anything_but_found_or_refused(raw: bytes, method: str) -> None:
    router = Router(ROUTES)
    for path in (raw, b"/" + raw, b"/_matrix/client/v3/rooms/" + raw):
        # Anything but an ApiError fails the test by itself.
        with suppress(ApiError):
            route, params = router.find(method, path)
            assert route in ROUTES
            assert all(params.values())


def test_the_router_refuses_with_its_own_error() -> None:
    with pytest.raises(UnrecognizedError):
        Router([]).find("GET", b"/")
