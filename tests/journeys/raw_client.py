"""The client-server API without an SDK: one request, one answer."""

import itertools
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

_V3 = "/_matrix/client/v3"


class RefusedError(AssertionError):
    """The server answered another status than the journey wants."""


class RawClient:
    """One device by bare HTTP. Each method returns the decoded body of a 200."""

    def __init__(self, http: httpx.AsyncClient, explain: Callable[[], str]) -> None:
        self.http = http
        self.explain = explain
        self.credentials: dict[str, Any] = {}
        self._transactions = itertools.count(1)

    @classmethod
    def open(cls, base_url: str, tls: ssl.SSLContext, explain: Callable[[], str]) -> Self:
        """A client that verifies the server with *tls*."""
        return cls(
            httpx.AsyncClient(
                base_url=base_url,
                verify=tls,
                timeout=httpx.Timeout(60, connect=5),
                limits=httpx.Limits(max_connections=4, max_keepalive_connections=4),
            ),
            explain,
        )

    @property
    def user_id(self) -> str:
        return str(self.credentials["user_id"])

    @property
    def device_id(self) -> str:
        return str(self.credentials["device_id"])

    @property
    def access_token(self) -> str:
        return str(self.credentials["access_token"])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.http.aclose()

    def headers(self) -> dict[str, str]:
        """The authorisation header, once signed in."""
        if not self.credentials:
            return {}
        return {"Authorization": f"Bearer {self.access_token}"}

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: dict[str, str] | None = None,
        status: int = 200,
    ) -> Any:
        """Send one request; anything but *status* is a `RefusedError` with the server's words."""
        answer = await self.http.request(
            method, path, json=body, params=params, headers=self.headers()
        )
        if answer.status_code != status:
            said = f"{method} {path}: {answer.status_code} instead of {status}: {answer.text[:500]}"
            raise RefusedError(f"{said}\n{self.explain()}")
        return answer.json()

    async def register(self, name: str, password: str, *, device: str | None = None) -> Any:
        """Make an account with `m.login.dummy` and sign in."""
        self.credentials = await self.ask(
            "POST",
            f"{_V3}/register",
            {
                "username": name,
                "password": password,
                "auth": {"type": "m.login.dummy"},
                "initial_device_display_name": device or "raw",
            },
        )
        return self.credentials

    async def login(self, user: str, password: str, *, refresh: bool = False) -> Any:
        """Sign in by password as a new device."""
        body: dict[str, Any] = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": user},
            "password": password,
        }
        if refresh:
            body["refresh_token"] = True
        self.credentials = await self.ask("POST", f"{_V3}/login", body)
        return self.credentials

    async def login_jwt(self, token: str) -> Any:
        """Sign in with a token of the platform."""
        body = {"type": "org.matrix.login.jwt", "token": token}
        self.credentials = await self.ask("POST", f"{_V3}/login", body)
        return self.credentials

    async def create_dm(self, invitee: str, **more: Any) -> str:
        """Make a direct conversation; return its room id."""
        body = {
            "preset": "trusted_private_chat",
            "is_direct": True,
            "invite": [invitee],
            **more,
        }
        return str((await self.ask("POST", f"{_V3}/createRoom", body))["room_id"])

    async def join(self, room_id: str) -> None:
        """Accept an invitation."""
        await self.ask("POST", f"{_V3}/rooms/{quote(room_id)}/join", {})

    async def send(
        self, room_id: str, content: dict[str, Any] | str, *, kind: str = "m.room.message"
    ) -> str:
        """Send an event, a string as a text message; return its id."""
        if isinstance(content, str):
            content = {"msgtype": "m.text", "body": content}
        path = f"{_V3}/rooms/{quote(room_id)}/send/{kind}/raw{next(self._transactions)}"
        return str((await self.ask("PUT", path, content))["event_id"])

    async def redact(self, room_id: str, event_id: str, reason: str) -> str:
        """Redact an event; return the redaction's id."""
        transaction = f"raw{next(self._transactions)}"
        path = f"{_V3}/rooms/{quote(room_id)}/redact/{quote(event_id)}/{transaction}"
        return str((await self.ask("PUT", path, {"reason": reason}))["event_id"])

    async def sync(self, since: str | None = None, *, milliseconds: int = 0, **more: str) -> Any:
        """One `/sync`, with a long poll of *milliseconds*."""
        params = {"timeout": str(milliseconds), **more}
        if since is not None:
            params["since"] = since
        return await self.ask("GET", f"{_V3}/sync", params=params)

    async def messages(self, room_id: str, start: str | None = None, *, limit: int = 50) -> Any:
        """One page of history, newest first."""
        params = {"dir": "b", "limit": str(limit)}
        if start is not None:
            params["from"] = start
        return await self.ask("GET", f"{_V3}/rooms/{quote(room_id)}/messages", params=params)
