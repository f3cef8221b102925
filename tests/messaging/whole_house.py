"""A real house over SQLite in a temporary folder, called through its front door in this process."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.messaging.little_house import FixedClock, escrow_set

from halfdoor.accounts.records import PersonRecord
from halfdoor.apps.caller import Caller
from halfdoor.apps.doors import build_apps
from halfdoor.apps.house import House
from halfdoor.apps.setting import Setting
from halfdoor.apps.stores import Opened
from halfdoor.config.model import Config
from halfdoor.policy.load import load
from halfdoor.policy.model import Policy
from halfdoor.store.outerkey import outer_key_file
from halfdoor.web.logs import configure
from halfdoor.web.metrics import Metrics

V3 = "/_matrix/client/v3"
NAME = "localhost"
# What stands in an answer to /sync that has no news: how many keys the device has left, always.
NO_NEWS = {"next_batch", "device_one_time_keys_count", "device_unused_fallback_key_types"}


class Client:
    """One device of one person."""

    def __init__(self, house: "WholeHouse", user: str) -> None:
        self.house = house
        self.user = user
        self.caller = Caller(house.app)
        self.device = ""
        self.refresh_token: str | None = None
        self.sent = 0

    async def ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, status: int = 200
    ) -> dict[str, Any]:
        got, raw = await self.caller.call(method, path, body)
        answer: dict[str, Any] = json.loads(raw)
        assert got == status, (got, answer)
        return answer

    async def any_status(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> tuple[int, Any]:
        got, raw = await self.caller.call(method, path, body)
        return got, json.loads(raw)

    async def create(self, *invite: "Client", **more: Any) -> str:
        body = {"preset": "trusted_private_chat", "invite": [one.user for one in invite], **more}
        room: str = (await self.ask("POST", f"{V3}/createRoom", body))["room_id"]
        return room

    async def join(self, room: str) -> None:
        await self.ask("POST", f"{V3}/rooms/{quote(room)}/join")

    async def say(self, room: str, text: str) -> str:
        self.sent += 1
        path = f"{V3}/rooms/{quote(room)}/send/m.room.message/t{self.sent}"
        event: str = (await self.ask("PUT", path, {"msgtype": "m.text", "body": text}))["event_id"]
        return event

    async def sync(self, since: str | None = None) -> dict[str, Any]:
        query = f"?since={quote(since)}" if since else ""
        return await self.ask("GET", f"{V3}/sync{query}")

    async def history(self, room: str) -> list[dict[str, Any]]:
        path = f"{V3}/rooms/{quote(room)}/messages?dir=b&limit=100"
        chunk: list[dict[str, Any]] = (await self.ask("GET", path))["chunk"]
        return chunk


class WholeHouse:
    """The house, its front door, and the people in it."""

    def __init__(
        self,
        folder: Path,
        *,
        two_files: bool = False,
        policy: Policy | None = None,
        opened: Opened | None = None,
        clock: FixedClock | None = None,
    ) -> None:
        self.policy = policy or load(None)
        self.clock = clock or FixedClock()
        self.opened = opened
        self.folder = folder
        self.two_files = two_files
        self.escrow = escrow_set()
        self.open()

    def open(self) -> None:
        """Open the house on its folder, as a start of the server does."""
        data = self.folder / "data"
        self.house = House(
            Setting(
                server_name=NAME,
                policy=self.policy,
                escrow=[self.escrow],
                data_dir=data,
                outer_key=outer_key_file(self.folder / "outer.key", data, make=True),
                two_files=self.two_files,
            ),
            self.clock,
            self.opened,
        )
        self.app = build_apps(
            self.house,
            Config(server_name=NAME, development=True),
            base_url=lambda: "http://localhost",
            draining=lambda: False,
            platform=None,
            metrics=Metrics(),
            metrics_token=None,
            log=configure("error"),
        )[0]

    async def person(self, name: str, band: str | None = "adult") -> Client:
        """Make an account and sign in."""
        user, password = f"@{name}:{NAME}", f"lamp-otter-{name}-cedar-93"
        facts = PersonRecord(user=user, age_band=band, age_source="test")
        await self.house.register.make(name, password, facts, self.clock.now_ms())
        return await self.device(user, password)

    async def device(self, user: str, password: str | None = None, **more: Any) -> Client:
        """Sign in on another device; *more* goes into the body of the login."""
        client = Client(self, user)
        identifier = {"type": "m.id.user", "user": user}
        name = user[1:].split(":", maxsplit=1)[0]
        given = password or f"lamp-otter-{name}-cedar-93"
        body = {"type": "m.login.password", "identifier": identifier, "password": given, **more}
        answer = await client.ask("POST", f"{V3}/login", body)
        client.caller.token = answer["access_token"]
        client.device, client.refresh_token = answer["device_id"], answer.get("refresh_token")
        return client

    async def connect(self, one: Client, other: Client) -> None:
        """Connect two people, as the platform says."""
        await self.house.people.connect(one.user, other.user, "platform", self.clock.now_ms())


@asynccontextmanager
async def whole_house(
    folder: Path, *, two_files: bool = False, policy: Policy | None = None
) -> AsyncIterator[WholeHouse]:
    """Open a house in *folder* and close it afterwards."""
    house = WholeHouse(folder, two_files=two_files, policy=policy)
    try:
        yield house
    finally:
        await house.house.close()
