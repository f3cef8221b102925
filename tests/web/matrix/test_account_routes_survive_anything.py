"""Whatever is asked of the account routes over a real store, the answer is never a 500."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.web.house_fixture import OWN, PASSWORD, SERVER, V1, V3, WholeHouse, good

from halfdoor.apps.doors import matrix_routes
from halfdoor.web.matrix.discovery import Discovery
from halfdoor.web.router import Route

OURS = tuple(
    [f"{V3}/{name}" for name in ("login", "register", "refresh", "logout", "account", "devices",
                                 "delete_devices", "profile", "capabilities")]
    + [f"{V1}/login", OWN]
)  # fmt: skip


@dataclass
class Someone:
    """A person of the platform with a device that is signed in and one that waits."""

    house: WholeHouse
    live: str = ""
    waiting: str = ""
    renewal: str = ""
    recovery: str = ""
    waiting_session: str = ""
    code: str = ""
    name: str = ""

    async def settle(self) -> None:
        """Make an account whose devices are signed in, unless the last request left it so."""
        for token, waits in ((self.live, False), (self.waiting, True)):
            answer = await self.house.ask("GET", "/account/whoami", token=token or "none")
            if answer.json().get("org.halfdoor.pending", False) != waits or answer.is_error:
                await self._begin()
                return

    async def _begin(self) -> None:
        house = self.house
        name = f"ada{house.clock.now}"
        house.clock.now += 1
        first = await house.sign_in_by_jwt(name, device_id="LIVE", refresh_token=True)
        second = await house.sign_in_by_jwt(name, device_id="WAITS", refresh_token=True)
        self.live, self.renewal = first["access_token"], first["refresh_token"]
        self.waiting, self.recovery = second["access_token"], first["org.halfdoor.recovery_key"]
        found = good(await house.ask("GET", f"{OWN}/pending", token=self.waiting))
        self.waiting_session = found["pending"][0]["session"]
        self.code = found["pending"][0]["code"]
        self.name = name


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One loop for all examples: the house is opened once."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def someone(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Someone]:
    """Rates are lifted, so that what is asked is also done."""
    folder: Path = tmp_path_factory.mktemp("fortress")
    house = WholeHouse(folder, development=True)
    yield Someone(house)
    runner.run(house.close())


def account_routes(house: WholeHouse) -> list[Route]:
    about = Discovery(base_url=lambda: "https://a.example")
    found = [one for one in matrix_routes(house.house, about) if one.template.startswith(OURS)]
    assert len(found) >= 30
    return found


WORDS = st.sampled_from(
    [
        "type", "identifier", "user", "password", "token", "device_id", "refresh_token", "auth",
        "initial_device_display_name", "session", "new_password", "logout_devices", "devices",
        "display_name", "displayname", "avatar_url", "username", "inhibit_login", "erase", "code",
        "recovery_key", "org.halfdoor.recovery_key", "medium", "address", "kind", "x",
    ]
)  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(
        [
            "m.login.password", "m.login.dummy", "m.login.token", "org.matrix.login.jwt",
            "m.id.user", "m.id.thirdparty", "LIVE", "WAITS", "ADA", "TOKEN", "JWT", "REFRESH",
            "RECOVERY", "CODE", "SESSION", PASSWORD, "", "\0", "\ud800", "é" * 200, "x" * 70_000,
            "hda1.x", "hdr1." + "A" * 43, "a.b.c", "displayname", "avatar_url", "mxc://a/b",
        ]
    ),
    st.text(max_size=8),
)  # fmt: skip
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-2, 2),
        st.sampled_from([2**53, 2**64, 10**40, 1e308]),
        st.floats(),
        TEXTS,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=4)),
    max_leaves=8,
)
PROOF = {"type": "org.matrix.login.jwt", "token": "JWT"}
AUTH = st.one_of(
    VALUES,
    st.just(PROOF),
    st.just(PROOF),
    st.fixed_dictionaries({"type": TEXTS, "session": TEXTS, "token": TEXTS}),
)
RIGHT: dict[str, Any] = {
    "type": "org.matrix.login.jwt",
    "token": "JWT",
    "identifier": {"type": "m.id.user", "user": "ADA"},
    "device_id": "NEW",
    "new_password": PASSWORD,
    "password": PASSWORD,
    "refresh_token": "REFRESH",
    "recovery_key": "RECOVERY",
    "code": "CODE",
    "devices": ["WAITS"],
    "displayname": "Ada",
    "display_name": "Ada's",
}
GARBAGE = st.sampled_from(
    [b"", b"{", b"null", b"[]", b'{"a":' * 3_000, b"[" * 40_000, b'{"type":"\xff"}', b"{}{}"]
)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A body that is right but for a part or two, or garbage."""
    how = draw(st.integers(0, 9))
    if how == 0:
        return draw(GARBAGE)
    body: dict[str, Any] = dict(RIGHT) if how > 2 else {}
    if how > 1:
        body["auth"] = draw(AUTH)
    if how > 5:
        body[draw(WORDS)] = draw(VALUES)
    if how > 7:
        body[draw(WORDS)] = draw(VALUES)
    return json.dumps(body).encode()


LIKELY = {"deviceId": "WAITS", "session": "SESSION", "userId": "ADA", "keyName": "displayname"}
SEGMENTS = st.sampled_from(
    ["LIVE", "likely", "likely", "likely", "SESSION", "ADA", "displayname", "m.tz", "%", "%FF",
     "%00", "..", "%2F", "x" * 300, "é"]
)  # fmt: skip
WHO = st.sampled_from(["live", "live", "waiting", "nobody", "forged"])


@st.composite
def requests(draw: st.DrawFn) -> tuple[int, list[str], str, bytes]:
    """The number of a route, what stands for its parameters, who asks, and the body."""
    return (
        draw(st.integers(0, 10_000)),
        [draw(SEGMENTS), draw(SEGMENTS)],
        draw(WHO),
        draw(bodies()),
    )


def test_no_request_makes_the_server_fail(someone: Someone, runner: asyncio.Runner) -> None:
    routes = account_routes(someone.house)
    statuses: set[int] = set()
    done: set[str] = set()

    @settings(
        max_examples=600, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(requests())
    def holds(asked: tuple[int, list[str], str, bytes]) -> None:
        route = routes[asked[0] % len(routes)]
        status = runner.run(_ask(someone, route, asked))
        statuses.add(status)
        if status == 200:
            done.add(f"{route.method} {route.template}")

    holds()
    # Not everything was refused at the first look, and not everything was let through.
    assert {200, 400, 401, 403} <= statuses
    assert len(done) > len(routes) // 4, sorted(done)


async def _ask(someone: Someone, route: Route, asked: tuple[int, list[str], str, bytes]) -> int:
    await someone.settle()
    _, segments, who, body = asked
    token = {"live": someone.live, "waiting": someone.waiting, "forged": "hda1." + "A" * 43}.get(
        who
    )
    body = _filled(someone, body)
    path = "/".join(
        _segment(someone, one[1:-1], segments.pop()) if one.startswith("{") else one
        for one in route.template.split("/")
    )
    answer = await someone.house.http.request(
        route.method,
        httpx.URL("https://a.example", raw_path=path.encode()),
        content=body,
        headers={"authorization": f"Bearer {token}"} if token else {},
    )
    where = (route.method, path, who, body[:500], someone.house.log.getvalue()[-3000:])
    assert answer.status_code < 500, where
    assert answer.headers["content-type"] == "application/json", where
    if answer.status_code != 200:
        told = answer.json()
        question = answer.status_code == 401 and "flows" in told
        assert question or (told["errcode"].startswith("M_") and told["error"]), where
        assert "Traceback" not in answer.text
    return answer.status_code


def _filled(someone: Someone, body: bytes) -> bytes:
    """*body* with the ids and secrets of this moment in place of their names."""
    for name, value in (
        ("ADA", someone.name),
        ("TOKEN", someone.live),
        ("JWT", someone.house.platform.sign_in(someone.name)),
        ("REFRESH", someone.renewal),
        ("RECOVERY", someone.recovery),
        ("SESSION", someone.waiting_session),
        ("CODE", someone.code),
    ):
        body = body.replace(f'"{name}"'.encode(), json.dumps(value).encode())
    return body


def _segment(someone: Someone, name: str, segment: str) -> str:
    if segment == "likely":
        segment = LIKELY.get(name, "x")
    named = {"SESSION": someone.waiting_session, "ADA": f"@{someone.name}:{SERVER}"}
    return quote(named.get(segment, segment), safe="%@:")
