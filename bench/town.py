"""A house with people in it, in this process, for measuring: no sockets, real everything else."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from halfdoor.accounts.records import PersonRecord
from halfdoor.apps.caller import Caller
from halfdoor.apps.demo_people import demo_escrow_set
from halfdoor.apps.doors import build_apps
from halfdoor.apps.hardening import harden
from halfdoor.apps.house import House
from halfdoor.apps.setting import Setting
from halfdoor.config.model import Config
from halfdoor.policy.load import load
from halfdoor.store.outerkey import outer_key_file
from halfdoor.web.logs import configure
from halfdoor.web.metrics import Metrics

DAY_MS = 86_400_000
V3 = "/_matrix/client/v3"
_PASSWORD = "bench-otter-cedar-93"  # of accounts that live for seconds


class MovableClock:
    """A clock that starts today and is moved on by hand."""

    def __init__(self) -> None:
        """Start now."""
        self.now = int(time.time() * 1000)

    def now_ms(self) -> int:
        """Return the time it was moved to."""
        return self.now


class Resident:
    """One signed-in device."""

    def __init__(self, town: "Town", user: str) -> None:
        """Call as *user* once signed in."""
        self.user = user
        self.caller = Caller(town.app)
        self.sent = 0

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask, insist on a 200, and decode the answer."""
        return json.loads(await self.fetch(method, path, body))

    async def fetch(self, method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
        """Ask and insist on a 200: what a client then does with the answer is not measured."""
        status, raw = await self.caller.call(method, path, body)
        if status != 200:  # HTTP names it
            raise RuntimeError(f"{method} {path} answered {status}: {raw[:200]!r}")
        return raw

    async def create(self, *invite: "Resident") -> str:
        """Make a conversation."""
        body = {"preset": "trusted_private_chat", "invite": [one.user for one in invite]}
        room: str = (await self.ask("POST", f"{V3}/createRoom", body))["room_id"]
        return room

    async def join(self, room: str) -> None:
        """Accept an invitation."""
        await self.ask("POST", f"{V3}/rooms/{quote(room)}/join")

    async def say(self, room: str, text: str) -> None:
        """Send a message."""
        self.sent += 1
        path = f"{V3}/rooms/{quote(room)}/send/m.room.message/t{self.sent}"
        await self.ask("PUT", path, {"msgtype": "m.text", "body": text})

    async def history(self, room: str) -> bytes:
        """Read the newest hundred events."""
        return await self.fetch("GET", f"{V3}/rooms/{quote(room)}/messages?dir=b&limit=100")

    async def sync(self) -> bytes:
        """Sync from the beginning."""
        return await self.fetch("GET", f"{V3}/sync")


class Town:
    """The house, its door, and its clock."""

    def __init__(self, folder: Path) -> None:
        """Open a house in *folder*."""
        harden()
        self.clock = MovableClock()
        policy = load(None)
        data = folder / "data"
        self.house = House(
            Setting(
                server_name="localhost",
                policy=policy,
                escrow=[demo_escrow_set(folder / "escrow-set.json", policy.entity.name)],
                data_dir=data,
                outer_key=outer_key_file(folder / "outer.key", data, make=True),
                development=True,
            ),
            self.clock,
        )
        self.app = build_apps(
            self.house,
            Config(development=True),
            base_url=lambda: "http://localhost",
            draining=lambda: False,
            platform=None,
            metrics=Metrics(),
            metrics_token=None,
            log=configure("error"),
        )[0]

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path) -> AsyncIterator[Self]:
        """Open a town and close it afterwards."""
        town = cls(folder)
        try:
            yield town
        finally:
            await town.house.close()

    async def person(self, name: str) -> Resident:
        """Make an adult and sign in."""
        facts = PersonRecord(user=f"@{name}:localhost", age_band="adult", age_source="bench")
        user = await self.house.register.make(name, _PASSWORD, facts, self.clock.now_ms())
        resident = Resident(self, user)
        identifier = {"type": "m.id.user", "user": user}
        body = {"type": "m.login.password", "identifier": identifier, "password": _PASSWORD}
        resident.caller.token = (await resident.ask("POST", f"{V3}/login", body))["access_token"]
        return resident

    async def connect(self, one: Resident, other: Resident) -> None:
        """Connect two people."""
        await self.house.people.connect(one.user, other.user, "platform", self.clock.now_ms())

    def forget_keys(self) -> None:
        """Empty the keyring, as half a minute of silence would."""
        self.house.keyring.sweep(time.monotonic() + 3600)
