"""The console of a real house, asked as a browser asks: forms, cookies, no script."""

import re
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from tests.apps.opened_house import Person, make, open_house
from tests.messaging.little_house import FixedClock
from tests.web.software_authenticator import SoftwareAuthenticator

from halfdoor.apps.console import ConsoleApps, console_apps
from halfdoor.apps.house import House
from halfdoor.apps.setting import ConsolePlace
from halfdoor.config.model import Config
from halfdoor.policy.model import Policy
from halfdoor.web.logs import configure
from halfdoor.web.metrics import Metrics

ORIGIN = "https://desk.example.org"
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')


class ConsoleHouse:
    """A house with a console, and everybody who works there."""

    def __init__(self, folder: Path, *, demo: bool = False, policy: Policy | None = None) -> None:
        self.clock = FixedClock()
        self.place = ConsolePlace(public_url=ORIGIN, demo=demo)
        self.house: House = open_house(folder, clock=self.clock, console=self.place, policy=policy)
        config = Config(
            server_name=self.house.setting.server_name,
            data_dir=self.house.setting.data_dir,
            outer_key_file=folder / "outer.key",
        )
        log = configure("error")
        self.apps = console_apps(self.house, config, self.place, Metrics(), log)

    async def reported(self, reason: str, *texts: str) -> tuple[Person, Person, str]:
        """Let ben write to ada, and ada report the last message; return both and the room."""
        for name in ("ada", "ben"):
            await make(self.house, name, "adult")
        ada, ben = Person(self.house, "ada"), Person(self.house, "ben")
        await self.house.people.connect(ada.user, ben.user, "platform", self.clock.now_ms())
        for one in (ada, ben):
            await one.sign_in()
        room = await ben.room_with([ada.user])
        await ada.must("POST", f"/rooms/{quote(room)}/join")
        said = ""
        for number, text in enumerate(texts):
            path = f"/rooms/{quote(room)}/send/m.room.message/{number}"
            sent = await ben.must("PUT", path, {"msgtype": "m.text", "body": text})
            said = sent["event_id"]
        path = f"/rooms/{quote(room)}/report/{quote(said)}"
        await ada.must("POST", path, {"org.halfdoor.report": {"reason": reason, "note": "again"}})
        return ada, ben, room

    async def staff(self, name: str, *roles: str) -> "Browser":
        """Invite somebody, and let them make a passkey in their browser."""
        now = self.clock.now_ms()
        made = await self.house.desk.staff.invite(
            by=None, name=name, roles=roles, place="DE", now=now
        )
        browser = Browser(self.apps)
        await browser.join(made.link)
        return browser


class Browser:
    """Somebody at a browser without script; keeps cookies and follows no redirect by itself."""

    def __init__(self, apps: ConsoleApps) -> None:
        self.apps = apps
        self.cookies: dict[str, str] = {}
        self.keys = SoftwareAuthenticator(ORIGIN)
        self.set_cookie = ""

    async def join(self, link: str) -> None:
        status, asked = await self.send_json(f"/join/{link}/begin", {})
        assert status == 200, asked
        status, said = await self.send_json(f"/join/{link}/finish", self.keys.create(asked))
        assert status == 200, said

    async def get(self, path: str) -> tuple[int, str]:
        status, body, _ = await self.ask("GET", path)
        return status, body.decode()

    async def post(self, path: str, **fields: Any) -> tuple[int, str]:
        """Send a form with the session's mark, which any page of it carries."""
        if "csrf" not in fields:
            found = _CSRF.search((await self.get("/wellness"))[1]) or _CSRF.search(
                (await self.get("/admin"))[1]
            )
            assert found is not None
            fields["csrf"] = found[1]
        body = urlencode(fields, doseq=True).encode()
        status, answer, _ = await self.ask(
            "POST", path, body, (b"content-type", b"application/x-www-form-urlencoded")
        )
        return status, answer.decode()

    async def send_json(
        self, path: str, content: Any, *headers: tuple[bytes, bytes]
    ) -> tuple[int, Any]:
        import json

        raw = json.dumps(content).encode()
        kind = (b"content-type", b"application/json")
        status, body, _ = await self.ask("POST", path, raw, kind, *headers)
        return status, json.loads(body) if body[:1] == b"{" else body.decode()

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *headers: tuple[bytes, bytes],
        origin: str = ORIGIN,
        site: str = "same-origin",
    ) -> tuple[int, bytes, dict[bytes, bytes]]:
        parts = urlsplit(path)
        kept = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        scope = {
            "type": "http",
            "method": method,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": [
                (b"cookie", kept.encode()),
                (b"origin", origin.encode()),
                (b"sec-fetch-site", site.encode()),
                (b"content-length", str(len(body)).encode()),
                *headers,
            ],
            "client": ("127.0.0.1", 50_000),
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        answer = await self.apps.answer(scope, receive)
        for name, value in answer.headers:
            if name == b"set-cookie":
                self.set_cookie = value.decode()
                for key, morsel in SimpleCookie(value.decode()).items():
                    self.cookies[key] = morsel.value
        return answer.status, answer.body, dict(answer.headers)
