"""The real house over a store on disk, behind its own front door, asked by HTTP."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tests.messaging.little_house import escrow_set
from tests.web.platform_side import PlatformSide

from halfdoor.accounts.jwt import JwtSettings
from halfdoor.accounts.records import PersonRecord
from halfdoor.apps.doors import build_apps
from halfdoor.apps.house import House
from halfdoor.apps.setting import Setting
from halfdoor.config.model import Config, Jwt, PlatformApi
from halfdoor.policy.load import policy_from
from halfdoor.store.outerkey import outer_key_file
from halfdoor.web.logs import configure
from halfdoor.web.metrics import Metrics
from halfdoor.web.outbound.jwks import JwksFile
from halfdoor.web.platform.doors import platform_doors

SERVER = "a.example"
NOW = 1_795_000_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
PASSWORD = "seven quiet herons wade"
V1 = "/_matrix/client/v1"
V3 = "/_matrix/client/v3"
OWN = "/_matrix/client/unstable/org.halfdoor"
PLATFORM = "/_halfdoor/platform/v1"


@dataclass
class Moving:
    """A clock that moves when it is told to."""

    now: int = NOW

    def now_ms(self) -> int:
        return self.now


class WholeHouse:
    """House, app, platform, and an HTTP client that speaks to them without a socket."""

    def __init__(
        self,
        folder: Path,
        *,
        development: bool = False,
        registration: bool = False,
        with_jwt: bool = True,
    ) -> None:
        self.clock = Moving()
        self.platform = PlatformSide(folder, SERVER, self.clock.now_ms)
        config = Config(
            server_name=SERVER,
            data_dir=folder / "data",
            development=development,
            registration=registration,
            jwt=_jwt(self.platform) if with_jwt else Jwt(),
            platform_api=PlatformApi(jwks_file=self.platform.jwks if with_jwt else None),
        )
        self.house = House(
            Setting(
                server_name=SERVER,
                # Somebody from the US belongs to another entity.
                policy=policy_from({"entity": {"name": "test", "regions": ["FI", "DE"]}}, "test"),
                escrow=[escrow_set()],
                data_dir=config.data_dir,
                outer_key=outer_key_file(folder / "outer.key", config.data_dir, make=True),
                development=development,
                registration=registration,
                jwt=_settings(config) if with_jwt else None,
                key_source=JwksFile(self.platform.jwks) if with_jwt else None,
            ),
            self.clock,
        )
        self.log = io.StringIO()
        self.doors = platform_doors(self.house, config)
        self.app = build_apps(
            self.house,
            config,
            base_url=lambda: "https://a.example",
            draining=lambda: False,
            platform=self.doors,
            metrics=Metrics(),
            metrics_token=None,
            log=configure("debug", stream=self.log, console=False),
        )[0]
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(self._answer), base_url="https://a.example"
        )

    async def _answer(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        async def heard() -> dict[str, Any]:
            return dict(await receive())

        await self.app(dict(scope), heard, send)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        raw: bytes | None = None,
        **query: Any,
    ) -> httpx.Response:
        """Ask *path* under v3, or *path* itself where it begins with /_."""
        return await self.http.request(
            method,
            path if path.startswith("/_") else V3 + path,
            params=query or None,
            json=body if raw is None else None,
            content=raw,
            headers={"authorization": f"Bearer {token}"} if token else {},
        )

    async def told(
        self, method: str, path: str, body: Any = None, *, raw: bytes | None = None
    ) -> httpx.Response:
        """Let the platform ask *path*, signed; *raw* goes out as it is."""
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        token = self.platform.sign_request(method, PLATFORM + path, content)
        return await self.http.request(
            method,
            PLATFORM + path,
            content=content,
            headers={"authorization": f"Bearer {token}"},
        )

    async def person(self, name: str, *, adult: bool = True) -> str:
        """Make an account with PASSWORD as an administrator would; return the user id."""
        facts = PersonRecord(user="", age_band="adult") if adult else None
        return await self.house.register.make(name, PASSWORD, facts, self.clock.now)

    async def sign_in(self, name: str, password: str = PASSWORD, **more: Any) -> dict[str, Any]:
        """Sign in with a password; return the answer."""
        return signed_in(await self.ask("POST", "/login", by_password(name, password, **more)))

    async def sign_in_by_jwt(self, name: str, **more: Any) -> dict[str, Any]:
        """Sign in with a JWT of the platform; return the answer."""
        body = {"type": "org.matrix.login.jwt", "token": self.platform.sign_in(name), **more}
        return signed_in(await self.ask("POST", "/login", body))

    async def proven(
        self, method: str, path: str, token: str, body: Any = None, *, proof: Any = None
    ) -> httpx.Response:
        """Ask twice: the first answer names the session, the second request brings the proof."""
        first = await self.ask(method, path, body, token=token)
        assert first.status_code == 401, first.text
        auth = {**(proof or {"type": "m.login.password", "password": PASSWORD})}
        auth["session"] = first.json()["session"]
        return await self.ask(method, path, {**(body or {}), "auth": auth}, token=token)

    def jwt_proof(self, name: str) -> dict[str, str]:
        """What somebody without a password proves themselves by."""
        return {"type": "org.matrix.login.jwt", "token": self.platform.sign_in(name)}

    async def close(self) -> None:
        await self.http.aclose()
        await self.house.close()


@asynccontextmanager
async def whole_house(folder: Path, **how: Any) -> AsyncIterator[WholeHouse]:
    """Open a house in *folder* and close it afterwards."""
    house = await asyncio.to_thread(WholeHouse, folder, **how)
    try:
        yield house
    finally:
        await house.close()


def by_password(name: str, password: str = PASSWORD, **more: Any) -> dict[str, Any]:
    """The body of a login with a password."""
    identifier = {"type": "m.id.user", "user": name}
    return {"type": "m.login.password", "identifier": identifier, "password": password, **more}


def good(response: httpx.Response) -> Any:
    """The JSON of an answer that must be 200."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


def signed_in(response: httpx.Response) -> dict[str, Any]:
    """The answer to a login that must succeed."""
    answer: dict[str, Any] = good(response)
    assert answer["user_id"].endswith(f":{SERVER}")
    return answer


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Status and errcode of a refusal; its body is in the standard form."""
    body = response.json()
    assert isinstance(body["error"], str)
    assert body["error"]
    return response.status_code, body["errcode"]


def _jwt(platform: PlatformSide) -> Jwt:
    return Jwt(jwks_file=platform.jwks, issuer=platform.issuer, audience=platform.audience)


def _settings(config: Config) -> JwtSettings:
    assert config.jwt.issuer is not None
    assert config.jwt.audience is not None
    return JwtSettings(
        issuer=config.jwt.issuer,
        audience=config.jwt.audience,
        algorithms=tuple(config.jwt.algorithms),
        leeway_s=config.jwt.leeway_seconds,
    )
