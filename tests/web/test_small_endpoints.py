import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from halfdoor.web.errors import ApiError
from halfdoor.web.health import MetricsDoor
from halfdoor.web.health import routes as health_routes
from halfdoor.web.matrix.discovery import Contact, Discovery
from halfdoor.web.matrix.discovery import routes as discovery_routes
from halfdoor.web.matrix.stubs import routes as stub_routes
from halfdoor.web.metrics import Metrics
from halfdoor.web.outbound.jwks import MAX_BYTES, JwksFile
from halfdoor.web.outbound.jwks_url import JwksUrl, outbound_client

V1, V3 = "/_matrix/client/v1", "/_matrix/client/v3"


def discovery(build: Callable[..., Any], **more: Any) -> Any:
    async def has_password(session: Any) -> bool:
        return bool(session.user == "@ada:example.org")

    facts = {"base_url": lambda: "https://chat.example.org", **more}
    return build(discovery_routes(Discovery(**facts), has_password))


async def test_clients_are_told_where_the_server_is(build: Callable[..., Any]) -> None:
    told = await discovery(build).ask("GET", b"/.well-known/matrix/client")
    assert told.json == {
        "m.homeserver": {"base_url": "https://chat.example.org"},
        "io.element.e2ee": {"default": False, "force_disable": True},
    }
    both = {"allowed": ("standard", "e2ee")}
    told = await discovery(build, **both).ask("GET", b"/.well-known/matrix/client")
    assert told.json["io.element.e2ee"] == {"default": False}
    for encrypted in (both, {"allowed": ("e2ee",)}):
        door = discovery(build, **encrypted, default="e2ee")
        told = await door.ask("GET", b"/.well-known/matrix/client")
        assert set(told.json) == {"m.homeserver"}


async def test_support_is_named_or_not_found(build: Callable[..., Any]) -> None:
    path = b"/.well-known/matrix/support"
    told = await discovery(build).ask("GET", path)
    assert (told.status, told.json["errcode"]) == (404, "M_NOT_FOUND")
    contact = Contact("m.role.admin", email_address="help@example.org")
    told = await discovery(build, contact=contact, support_page="https://example.org").ask(
        "GET", path
    )
    assert told.json == {
        "contacts": [{"role": "m.role.admin", "email_address": "help@example.org"}],
        "support_page": "https://example.org",
    }


async def test_versions_are_v1_1_to_v1_15_and_claim_nothing_unfinished(
    build: Callable[..., Any],
) -> None:
    told = (await discovery(build).ask("GET", b"/_matrix/client/versions")).json
    assert told["versions"][0] == "v1.1"
    assert told["versions"][-1] == "v1.15"
    assert len(told["versions"]) == 15
    assert "org.matrix.simplified_msc3575" not in told["unstable_features"]


async def test_capabilities_offer_room_version_11_and_the_password_to_who_has_one(
    build: Callable[..., Any],
) -> None:
    house = discovery(build)
    path = f"{V3}/capabilities".encode()
    ada = (await house.ask("GET", path, token="ada")).json["capabilities"]
    new = (await house.ask("GET", path, token="new")).json["capabilities"]
    assert ada["m.room_versions"] == {"default": "11", "available": {"11": "stable"}}
    assert ada["m.change_password"] == {"enabled": True}
    assert new["m.change_password"] == {"enabled": False}
    assert ada["m.3pid_changes"] == {"enabled": False}
    assert (await house.ask("GET", path)).status == 401


async def nobody(_username: str) -> None:
    raise ApiError(400, "M_USER_IN_USE", "Taken.")


async def anybody(_username: str) -> None: ...


def test_every_stub_of_the_profile_is_here_and_no_other() -> None:
    profile = Path(__file__).parents[2] / "docs" / "design" / "matrix-profile.csv"
    with profile.open(newline="") as opened:
        rows = [row for row in csv.DictReader(opened) if row["class"] == "T"]
    wanted = {(row["method"], row["path"]) for row in rows if row["arrives"] == "messages"}
    assert {(route.method, route.template) for route in stub_routes(None)} == wanted


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("GET", f"{V1}/mutual_rooms", {"joined": [], "count": 0}),
        ("GET", f"{V1}/rooms/!a:b/threads", {"chunk": []}),
        ("GET", f"{V3}/account/3pid", {"threepids": []}),
        ("GET", f"{V3}/notifications", {"notifications": []}),
        ("PUT", f"{V3}/presence/@ada:example.org/status", {}),
        ("GET", f"{V3}/presence/@bob:example.org/status", {"presence": "offline"}),
        ("GET", f"{V3}/publicRooms", {"chunk": [], "total_room_count_estimate": 0}),
        ("POST", f"{V3}/publicRooms", {"chunk": [], "total_room_count_estimate": 0}),
        ("GET", f"{V3}/thirdparty/protocols", {}),
        ("GET", f"{V3}/voip/turnServer", {}),
    ],
)
async def test_a_stub_answers_what_is_true(
    build: Callable[..., Any], method: str, path: str, content: dict[str, Any]
) -> None:
    told = await build(stub_routes(None)).ask(method, path.encode(), token="ada", body=(b"{}",))
    assert (told.status, told.json) == (200, content)


async def test_search_finds_nothing_because_words_are_sealed(build: Callable[..., Any]) -> None:
    house = build(stub_routes(None))
    told = await house.ask("POST", f"{V3}/search".encode(), token="ada", body=(b"{}",))
    assert told.json["search_categories"]["room_events"]["count"] == 0
    told = await house.ask("POST", f"{V3}/search".encode(), token="ada", body=(b"{",))
    assert told.json["errcode"] == "M_NOT_JSON"


async def test_what_is_not_offered_is_refused(build: Callable[..., Any]) -> None:
    house = build(stub_routes(None))
    oauth = await house.ask("GET", f"{V1}/auth_metadata".encode())
    assert (oauth.status, oauth.json["errcode"]) == (404, "M_UNRECOGNIZED")
    openid = await house.ask(
        "POST", f"{V3}/user/@ada:example.org/openid/request_token".encode(), token="ada"
    )
    assert openid.status == 403
    presence = f"{V3}/presence/@bob:example.org/status".encode()
    assert (await house.ask("PUT", presence, token="ada", body=(b"{}",))).status == 403


async def test_names_are_not_looked_up_while_registration_is_off(
    build: Callable[..., Any],
) -> None:
    path = f"{V3}/register/available".encode()
    shut = await build(stub_routes(None)).ask("GET", path, query=b"username=ada")
    assert (shut.status, shut.json["errcode"]) == (403, "M_FORBIDDEN")
    taken = await build(stub_routes(nobody)).ask("GET", path, query=b"username=ada")
    assert (taken.status, taken.json["errcode"]) == (400, "M_USER_IN_USE")
    free = await build(stub_routes(anybody)).ask("GET", path, query=b"username=ada")
    assert free.json == {"available": True}
    unsaid = await build(stub_routes(anybody)).ask("GET", path)
    assert unsaid.json["errcode"] == "M_MISSING_PARAM"


def watched(build: Callable[..., Any], draining: bool = False, **door: Any) -> Any:
    options = {"token": None, "behind_proxy": False, **door}
    return build(health_routes(Metrics(), MetricsDoor(**options), lambda: draining))


async def test_health_is_ok_until_the_server_stops(build: Callable[..., Any]) -> None:
    assert (await watched(build).ask("GET", b"/health")).json == {"status": "ok"}
    assert (await watched(build, draining=True).ask("GET", b"/health")).status == 503


async def test_metrics_are_for_this_machine_or_who_has_the_token(
    build: Callable[..., Any],
) -> None:
    house = watched(build)
    assert (await house.ask("GET", b"/metrics", peer="127.0.0.1")).status == 200
    assert (await house.ask("GET", b"/metrics", peer="::1")).status == 200
    assert (await house.ask("GET", b"/metrics", peer="192.0.2.1")).status == 404
    # Behind a proxy everyone may seem to be this machine.
    proxied = watched(build, behind_proxy=True)
    assert (await proxied.ask("GET", b"/metrics", peer="127.0.0.1")).status == 404
    locked = watched(build, token="open sesame")
    assert (await locked.ask("GET", b"/metrics", token="open sesame")).status == 200
    for token in ("close sesame", "", None):
        told = await locked.ask("GET", b"/metrics", peer="127.0.0.1", token=token)
        assert told.status == 404
    assert "sesame" not in repr(MetricsDoor(token="open sesame", behind_proxy=False))


async def test_numbers_name_templates_and_never_paths(build: Callable[..., Any]) -> None:
    house = build(stub_routes(None))
    await house.ask("GET", f"{V1}/rooms/!secret:example.org/threads".encode(), token="ada")
    await house.ask("GET", b"/secret-path")
    await house.ask("SECRET", b"/secret-path")
    house.metrics.gauges.add("keyring_sessions", "Sessions whose key is in memory", lambda: 3)
    house.metrics.gauges.add_total("store_rows", "Rows written", lambda: 7)
    text = house.metrics.text().decode()
    assert "halfdoor_store_rows_total 7.0" in text
    assert (
        'halfdoor_requests_total{method="GET",route="/_matrix/client/v1/rooms/{roomId}/threads"'
        ',status="200"} 1.0'
    ) in text
    assert 'method="other",route="unrouted",status="404"' in text
    assert "halfdoor_keyring_sessions 3.0" in text
    assert "secret" not in text.lower()
    assert 'halfdoor_request_seconds_bucket{le="+Inf"' in text
    assert 'halfdoor_request_seconds_count{method="other",route="unrouted"} 1.0' in text
    with pytest.raises(ValueError, match="shown already"):
        house.metrics.gauges.add("keyring_sessions", "", lambda: 4)


async def test_keys_in_a_file_are_read_each_time(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    source = JwksFile(file)
    with pytest.raises(OSError, match="No such file"):
        await source.jwks()
    file.write_bytes(b'{"keys":[]}')
    assert await source.jwks() == b'{"keys":[]}'
    file.write_bytes(b"x" * (MAX_BYTES + 1))
    with pytest.raises(OSError, match="too long"):
        await source.jwks()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (httpx.Response(500), "answers 500"),
        (httpx.Response(302, headers={"location": "http://127.0.0.1/secret"}), "answers 302"),
        (httpx.Response(200, content=b"x" * (MAX_BYTES + 1)), "too long"),
        (httpx.ConnectError("token=Mitzi"), "ConnectError"),
        (httpx.ReadTimeout("token=Mitzi"), "ReadTimeout"),
    ],
)
async def test_keys_that_cannot_be_fetched_are_an_os_error_without_details(
    answer: httpx.Response | Exception, why: str
) -> None:
    asked: list[str] = []

    def reply(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with httpx.AsyncClient(transport=httpx.MockTransport(reply)) as client:
        with pytest.raises(OSError, match=why) as refused:
            await JwksUrl("https://platform.example/keys?token=Mitzi", client).jwks()
    assert "Mitzi" not in str(refused.value)
    assert len(asked) == 1


async def test_keys_are_fetched_from_their_address() -> None:
    def reply(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b'{"keys":[]}')

    async with httpx.AsyncClient(transport=httpx.MockTransport(reply)) as client:
        assert await JwksUrl("https://platform.example/keys", client).jwks() == b'{"keys":[]}'
    async with outbound_client() as ours:
        assert ours.follow_redirects is False
        assert ours.trust_env is False
