import asyncio
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from halfdoor.web.address import ClientAddresses, household
from halfdoor.web.app import App
from halfdoor.web.errors import ApiError
from halfdoor.web.limits import Limits, Rate
from halfdoor.web.query import Query
from halfdoor.web.request import BodyLimits, Request
from halfdoor.web.response import Response, empty_object, json_response
from halfdoor.web.router import Route


class Inner(msgspec.Struct):
    """A nested part of a body."""

    count: Annotated[int, msgspec.Meta(ge=1)]


class Shape(msgspec.Struct):
    """A body of these tests."""

    name: str
    inner: Inner
    more: dict[str, Inner] = {}


async def as_shape(request: Request, _session: Any) -> Response:
    return json_response(await request.json_as(Shape))


async def as_json(request: Request, _session: Any) -> Response:
    return json_response(await request.json())


async def fine(_request: Request, _session: Any) -> Response:
    return empty_object()


ROUTES = [
    Route("POST", "/shape", as_shape, auth="none"),
    Route("POST", "/json", as_json, auth="none"),
    Route("POST", "/empty", as_json, auth="none", allow_empty_body=True),
    Route("POST", "/large", as_json, auth="none", max_body_bytes=200),
    Route("GET", "/mine", fine),
    Route("GET", "/login", fine, auth="none", limit="login"),
    Route("GET", "/sync", fine, limit="sync"),
]


@pytest.fixture
def house(build: Callable[..., Any]) -> Any:
    return build(ROUTES, bodies=BodyLimits(max_body_bytes=100, body_seconds=20))


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        (b"", "M_NOT_JSON"),
        (b"{", "M_NOT_JSON"),
        (b"{} {}", "M_NOT_JSON"),
        (b'{"a":NaN}', "M_NOT_JSON"),
        (b'{"a":Infinity}', "M_NOT_JSON"),
        (b"{'a':1}", "M_NOT_JSON"),
        (b'{"a":"\xff"}', "M_NOT_JSON"),
        (b'{"a":"\\ud800"}', "M_NOT_JSON"),
        (b"\xef\xbb\xbf{}", "M_NOT_JSON"),
        (b"\x00", "M_NOT_JSON"),
        (b"[]", "M_BAD_JSON"),
        (b"null", "M_BAD_JSON"),
        (b'"text"', "M_BAD_JSON"),
        (b"1", "M_BAD_JSON"),
    ],
)
async def test_a_body_that_is_no_json_object_is_refused(
    house: Any, body: bytes, errcode: str
) -> None:
    answer = await house.ask("POST", b"/json", body=(body,))
    assert (answer.status, answer.json["errcode"]) == (400, errcode)


async def test_deep_nesting_is_refused_and_does_not_fail(build: Callable[..., Any]) -> None:
    house = build(ROUTES, bodies=BodyLimits())
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        depth = 50_000
        body = b'{"a":' + opening * depth + b"1" + closing * depth + b"}"
        answer = await house.ask("POST", b"/json", body=(body,))
        assert (answer.status, answer.json["errcode"]) == (400, "M_BAD_JSON")


@pytest.mark.parametrize(
    ("body", "errcode", "field"),
    [
        (b"{}", "M_MISSING_PARAM", "name"),
        (b'{"name":"x","inner":{}}', "M_MISSING_PARAM", "inner.count"),
        (b'{"name":7,"inner":{"count":1}}', "M_BAD_JSON", "name"),
        (b'{"name":"x","inner":[]}', "M_BAD_JSON", "inner"),
        (b'{"name":"x","inner":{"count":"secret"}}', "M_BAD_JSON", "inner.count"),
        (b'{"name":"x","inner":{"count":0}}', "M_INVALID_PARAM", "inner.count"),
        (b'{"name":"x","inner":{"count":1},"more":{"secret":1}}', "M_BAD_JSON", "more"),
        (b"[]", "M_BAD_JSON", "The body"),
    ],
)
async def test_a_wrong_field_is_named_and_its_value_is_not(
    house: Any, body: bytes, errcode: str, field: str
) -> None:
    answer = await house.ask("POST", b"/shape", body=(body,))
    assert (answer.status, answer.json["errcode"]) == (400, errcode)
    assert field in answer.json["error"]
    assert "secret" not in answer.json["error"]


async def test_an_empty_body_is_an_empty_object_where_the_route_says_so(house: Any) -> None:
    assert (await house.ask("POST", b"/empty", length=False)).json == {}
    assert (await house.ask("POST", b"/empty")).json == {}


async def test_a_body_past_the_limit_is_413_whatever_its_length_says(house: Any) -> None:
    big = b'{"a":"' + b"x" * 100 + b'"}'
    claims: list[list[tuple[bytes, bytes]]] = [[], [(b"content-length", b"5")]]
    for headers in claims:
        answer = await house.ask(
            "POST", b"/json", body=(big[:50], big[50:]), headers=headers, length=False
        )
        assert (answer.status, answer.json["errcode"]) == (413, "M_TOO_LARGE")


async def test_a_body_that_announces_too_much_is_not_read_at_all(house: Any) -> None:
    answer = await house.ask(
        "POST", b"/json", headers=[(b"content-length", b"101")], body=(), length=False
    )
    assert answer.status == 413


async def test_a_route_may_read_more_than_others(house: Any) -> None:
    body = b'{"a":"' + b"x" * 150 + b'"}'
    assert (await house.ask("POST", b"/large", body=(body,))).status == 200


@pytest.mark.parametrize("length", [b"-1", b"x", b"1e3", b"+5", b"", b"9" * 30, "٣".encode()])
async def test_a_length_that_is_no_number_is_refused(house: Any, length: bytes) -> None:
    answer = await house.ask(
        "POST", b"/json", headers=[(b"content-length", length)], body=(b"{}",), length=False
    )
    assert answer.status in {400, 413}


async def test_two_ways_of_framing_one_body_are_refused(house: Any) -> None:
    answer = await house.ask(
        "POST", b"/json", headers=[(b"transfer-encoding", b"chunked")], body=(b"{}",)
    )
    assert (answer.status, answer.json["errcode"]) == (400, "M_INVALID_PARAM")


async def test_a_body_that_breaks_off_is_400_and_leaves_nothing_behind(house: Any) -> None:
    answer = await house.ask(
        "POST", b"/json", headers=[(b"content-length", b"9")], body=(), length=False
    )
    assert answer.status == 400
    assert house.app.turnstile.working == 0


async def test_a_body_that_never_comes_is_408(build: Callable[..., Any]) -> None:
    app: App = build(ROUTES, bodies=BodyLimits(body_seconds=0.01)).app
    sent: list[dict[str, Any]] = []

    async def never() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "raw_path": b"/json",
        "query_string": b"",
        "headers": [(b"content-length", b"2")],
        "client": ("192.0.2.1", 1),
    }
    await asyncio.wait_for(app(scope, never, send), 10)
    assert sent[0]["status"] == 408
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_request_that_is_cancelled_for_another_reason_stays_cancelled(
    house: Any,
) -> None:
    reading = asyncio.Event()

    async def never() -> dict[str, Any]:
        reading.set()
        await asyncio.Event().wait()
        return {}

    async def send(_message: dict[str, Any]) -> None: ...

    scope = {
        "type": "http",
        "method": "POST",
        "raw_path": b"/json",
        "query_string": b"",
        "headers": [(b"content-length", b"2")],
        "client": ("192.0.2.1", 1),
    }
    task = asyncio.ensure_future(house.app(scope, never, send))
    await reading.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_long_address_is_414_and_long_headers_are_431(house: Any) -> None:
    assert (await house.ask("GET", b"/" + b"a" * 8192)).status == 414
    assert (await house.ask("GET", b"/mine", query=b"a=" + b"b" * 8192)).status == 414
    assert (await house.ask("GET", b"/mine", headers=[(b"x", b"y" * 16_384)])).status == 431


@pytest.mark.parametrize(
    "authorization", [b"", b"Bearer", b"Bearer ", b"Basic YTpi", b"ada", b"BearerXada"]
)
async def test_without_a_bearer_token_nobody_comes_in(house: Any, authorization: bytes) -> None:
    answer = await house.ask("GET", b"/mine", headers=[(b"authorization", authorization)])
    assert (answer.status, answer.json["errcode"]) == (401, "M_MISSING_TOKEN")


async def test_a_wrong_token_is_401(house: Any) -> None:
    answer = await house.ask("GET", b"/mine", token="eve")
    assert (answer.status, answer.json["errcode"]) == (401, "M_UNKNOWN_TOKEN")
    assert answer.json["soft_logout"] is False


async def test_a_token_in_the_address_counts_only_with_the_development_switch(
    build: Callable[..., Any],
) -> None:
    shut = build(ROUTES)
    assert (await shut.ask("GET", b"/mine", query=b"access_token=ada")).status == 401
    assert shut.sessions.admitted == 0
    opened = build(ROUTES, bodies=BodyLimits(query_tokens=True))
    assert (await opened.ask("GET", b"/mine", query=b"access_token=ada")).status == 200


async def test_every_session_that_came_in_is_let_go(build: Callable[..., Any]) -> None:
    async def fail(_request: Request, _session: Any) -> Response:
        raise RuntimeError

    house = build([Route("GET", "/fail", fail), Route("GET", "/fine", fine)])
    for path in (b"/fail", b"/fine"):
        await house.ask("GET", path, token="ada")
    assert house.sessions.admitted == 2
    assert house.sessions.inside == []
    assert house.app.turnstile.working == 0


async def test_too_many_sign_ins_from_one_address_are_429_until_time_passes(
    build: Callable[..., Any],
) -> None:
    clock = [1000.0]
    house = build(
        ROUTES,
        limits=Limits(by_address={"login": Rate(per_minute=60, burst=2)}, by_session={}),
        now=lambda: clock[0],
    )
    for _ in range(2):
        assert (await house.ask("GET", b"/login")).status == 200
    refused = await house.ask("GET", b"/login")
    assert (refused.status, refused.json["errcode"]) == (429, "M_LIMIT_EXCEEDED")
    assert refused.json["retry_after_ms"] == 1000
    assert refused.header(b"retry-after") == b"1"
    assert (await house.ask("GET", b"/login", peer="192.0.2.8")).status == 200
    clock[0] += 1.0
    assert (await house.ask("GET", b"/login")).status == 200


async def test_a_school_behind_one_address_is_many_sessions(build: Callable[..., Any]) -> None:
    limits = Limits(by_address={}, by_session={"other": Rate(per_minute=1, burst=1)})
    house = build(ROUTES, limits=limits)
    assert (await house.ask("GET", b"/mine", token="ada")).status == 200
    assert (await house.ask("GET", b"/mine", token="ada")).status == 429
    assert (await house.ask("GET", b"/mine", token="bob")).status == 200


async def test_who_tries_tokens_is_slowed_down_and_who_has_one_is_not(
    build: Callable[..., Any],
) -> None:
    limits = Limits(by_address={}, by_session={}, strays=Rate(per_minute=1, burst=2))
    house = build(ROUTES, limits=limits)
    statuses = [(await house.ask("GET", b"/mine", token="eve")).status for _ in range(3)]
    assert statuses == [401, 401, 429]
    assert (await house.ask("GET", b"/mine", token="ada")).status == 200


async def test_one_request_too_many_is_503_at_once_and_room_comes_back(
    build: Callable[..., Any],
) -> None:
    inside, leave = asyncio.Event(), asyncio.Event()

    async def stay(_request: Request, _session: Any) -> Response:
        inside.set()
        await leave.wait()
        return empty_object()

    house = build(
        [Route("GET", "/stay", stay, auth="none"), Route("GET", "/poll", stay, limit="sync")],
        limits=Limits(
            by_address={}, by_session={}, max_requests=1, max_polls=2, max_polls_per_address=1
        ),
    )
    first = asyncio.ensure_future(house.ask("GET", b"/stay"))
    await inside.wait()
    busy = await house.ask("GET", b"/stay")
    assert (busy.status, busy.header(b"retry-after")) == (503, b"1")
    # Whoever only waits takes no room from those who work.
    inside.clear()
    poll = asyncio.ensure_future(house.ask("GET", b"/poll", token="ada"))
    await inside.wait()
    assert (await house.ask("GET", b"/poll", token="ada")).status == 429
    inside.clear()
    other = asyncio.ensure_future(house.ask("GET", b"/poll", token="bob", peer="192.0.2.8"))
    await inside.wait()
    assert (await house.ask("GET", b"/poll", token="ada", peer="192.0.2.9")).status == 503
    leave.set()
    assert [(await each).status for each in (first, poll, other)] == [200, 200, 200]
    assert (house.app.turnstile.working, house.app.turnstile.polling) == (0, 0)
    assert (await house.ask("GET", b"/stay")).status == 200


async def test_one_person_cannot_take_every_place_that_their_house_shares(
    build: Callable[..., Any],
) -> None:
    sitting, leave = asyncio.Semaphore(0), asyncio.Event()

    async def stay(_request: Request, _session: Any) -> Response:
        sitting.release()
        await leave.wait()
        return empty_object()

    house = build(
        [Route("GET", "/poll", stay, auth="pending_ok", limit="sync")],
        limits=Limits(
            by_address={}, by_session={}, max_polls_per_address=5, max_polls_per_person=2
        ),
    )
    polls = [asyncio.ensure_future(house.ask("GET", b"/poll", token="ada")) for _ in range(2)]
    for _ in polls:
        await sitting.acquire()
    refused = await house.ask("GET", b"/poll", token="ada", peer="192.0.2.8")
    assert (refused.status, refused.json["errcode"]) == (429, "M_LIMIT_EXCEEDED")
    assert refused.header(b"retry-after") == b"1"
    polls.append(asyncio.ensure_future(house.ask("GET", b"/poll", token="bob")))
    await sitting.acquire()
    leave.set()
    assert [(await each).status for each in polls] == [200, 200, 200]
    # Places come back, also those of whoever was refused.
    again = [await house.ask("GET", b"/poll", token="ada") for _ in range(3)]
    assert [each.status for each in again] == [200, 200, 200]
    assert house.app.turnstile.polling == 0


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", ["198.51.100.9"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.9, 10.0.0.2"], "198.51.100.9"),
        ("10.0.0.1", ["1.1.1.1, nonsense, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["10.0.0.3"], "10.0.0.3"),
        ("::1", ["2001:db8::1"], "2001:db8::1"),
    ],
)
def test_only_trusted_proxies_say_whose_address_it_is(
    peer: str, forwarded: list[str], client: str
) -> None:
    addresses = ClientAddresses(["10.0.0.0/8", "::1"])
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    assert addresses.find(peer, headers) == client


def test_nobody_is_trusted_who_was_not_named() -> None:
    assert ClientAddresses().find("127.0.0.1", [(b"x-forwarded-for", b"1.2.3.4")]) == "127.0.0.1"


def test_an_ipv6_subscriber_is_counted_once() -> None:
    assert household("2001:db8:1:2:3::1") == household("2001:db8:1:2:ffff::9")
    assert household("2001:db8:1:2::1") != household("2001:db8:1:3::1")
    assert household("::ffff:192.0.2.1") == "192.0.2.1"
    assert household("unix") == "unix"


@pytest.mark.parametrize(
    "raw", [b"a=%ff", b"a=%", b"a=%zz", b"a=%00", b"%00=a", b"\xc3\xa9=1", b"&".join([b"a=1"] * 65)]
)
def test_a_query_that_is_not_encoded_text_is_refused(raw: bytes) -> None:
    with pytest.raises(ApiError) as refused:
        Query(raw)
    assert (refused.value.status, refused.value.errcode) == (400, "M_INVALID_PARAM")


@pytest.mark.parametrize(
    "value", [b"x", b"1.5", b"1e3", b"-1", b"99999999999999999", b"+", b"%D9%A3"]
)
def test_a_number_in_a_query_is_a_number_or_refused(value: bytes) -> None:
    with pytest.raises(ApiError) as refused:
        Query(b"limit=" + value).integer("limit", 10)
    assert "limit" in refused.value.text


def test_a_query_gives_text_numbers_and_choices() -> None:
    query = Query(b"since=s1%2F2&full_state=true&not=a&not=b&empty=&filter=%7B%22a%22%3A1%7D+x")
    assert query.get("since") == "s1/2"
    assert query.boolean("full_state") is True
    assert query.all("not") == ["a", "b"]
    assert query.get("empty") == ""
    assert query.get("filter") == '{"a":1} x'
    assert query.integer("limit", 10) == 10
    with pytest.raises(ApiError, match="M_INVALID_PARAM"):
        Query(b"full_state=1").boolean("full_state")
    with pytest.raises(ApiError, match="M_MISSING_PARAM"):
        query.need("nothing")


# Each example builds a house of its own, so the fixture's scope does not matter.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "X"]),
    path=st.sampled_from([b"/json", b"/shape", b"/empty", b"/mine", b"/sync", b"/"])
    | st.binary(max_size=30).map(lambda tail: b"/" + tail),
    query=st.binary(max_size=40),
    headers=st.lists(
        st.tuples(
            st.sampled_from([b"authorization", b"content-length", b"x-forwarded-for", b"x"]),
            st.binary(max_size=30),
        ),
        max_size=4,
    ),
    body=st.lists(st.binary(max_size=60), max_size=3)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    ).map(lambda content: [msgspec.json.encode(content)]),
)
def test_no_request_whatever_makes_a_500(
    build: Callable[..., Any],
    method: str,
    path: bytes,
    query: bytes,
    headers: list[tuple[bytes, bytes]],
    body: list[bytes],
) -> None:
    house = build(
        ROUTES,
        bodies=BodyLimits(max_body_bytes=100, query_tokens=True),
        trusted=["192.0.2.0/24"],
    )
    answer = asyncio.run(
        house.ask(method, path, query=query, headers=headers, body=body, length=False)
    )
    assert answer.status != 500
    if answer.status >= 400 and method != "HEAD":
        assert answer.json["errcode"].startswith("M_")
