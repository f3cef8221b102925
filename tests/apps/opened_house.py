"""A real house in a folder, with people who write to one another through its front door."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from tests.messaging.little_house import FixedClock, escrow_set

from halfdoor.accounts.records import PersonRecord
from halfdoor.apps.caller import Caller
from halfdoor.apps.control import answer
from halfdoor.apps.doors import build_apps
from halfdoor.apps.house import House
from halfdoor.apps.setting import ConsolePlace, Setting
from halfdoor.apps.verbs import Verb
from halfdoor.clock import Clock
from halfdoor.config.model import Config
from halfdoor.policy.load import load
from halfdoor.policy.model import Policy
from halfdoor.store.outerkey import outer_key_file
from halfdoor.web.logs import configure
from halfdoor.web.metrics import Metrics

SERVER = "example.org"
V3 = "/_matrix/client/v3"
PASSWORD = "a heron stood in the reeds"

# What people wrote or named, each of it nobody's business.
CANARIES = {
    "message": "canary-message-4c1f",
    "room": "canary-room-9a77",
    "topic": "canary-topic-13d2",
    "profile": "canary-profile-77e0",
    "device": "canary-device-5b6c",
    "account data": "canary-account-data-e8f1",
    "password": "canary-password heron reeds",
}


def user(name: str) -> str:
    return f"@{name}:{SERVER}"


def open_house(
    folder: Path,
    *,
    two_files: bool = False,
    clock: Clock | None = None,
    console: ConsolePlace | None = None,
    policy: Policy | None = None,
) -> House:
    """Open the house in *folder*, made where there is none; without *policy* Halfdoor's own."""
    data = folder / "data"
    return House(
        Setting(
            server_name=SERVER,
            policy=policy or load(None),
            escrow=[escrow_set()],
            data_dir=data,
            outer_key=outer_key_file(folder / "outer.key", data, make=True),
            two_files=two_files,
            console=console,
        ),
        clock or FixedClock(),
    )


async def make(house: House, name: str, band: str | None, password: str = PASSWORD) -> str:
    """Make an account; *band* is the platform's claim."""
    facts = PersonRecord(user=user(name), age_band=band, age_source="platform") if band else None
    return await house.register.make(name, password, facts, house.clock.now_ms())


async def ask(house: House, verb: Verb | bytes) -> Any:
    """Ask what an administrator's command would ask; the answer as plain values."""
    raw = verb if isinstance(verb, bytes) else msgspec.json.encode(verb)
    return msgspec.json.decode(await answer(house, raw))


class Person:
    """Somebody at a client."""

    def __init__(self, house: House, name: str) -> None:
        app = build_apps(
            house,
            Config(server_name=SERVER),
            base_url=lambda: "https://example.org",
            draining=lambda: False,
            platform=None,
            metrics=Metrics(),
            metrics_token=None,
            log=configure("error"),
        )[0]
        self.name = name
        self.user = user(name)
        self.caller = Caller(app)

    async def call(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> tuple[int, Any]:
        status, answer = await self.caller.call(method, f"{V3}{path}", body)
        return status, msgspec.json.decode(answer)

    async def must(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        status, answer = await self.call(method, path, body)
        assert status == 200, (path, answer)
        return answer

    async def sign_in(self, password: str = PASSWORD, device_name: str | None = None) -> Any:
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": self.user},
            "password": password,
        }
        if device_name is not None:
            body["initial_device_display_name"] = device_name
        status, answer = await self.call("POST", "/login", body)
        if status == 200:
            self.caller.token = answer["access_token"]
        return answer

    async def room_with(self, others: Sequence[str], **more: Any) -> str:
        made = await self.must(
            "POST",
            "/createRoom",
            {"preset": "trusted_private_chat", "invite": list(others), **more},
        )
        return str(made["room_id"])

    async def write(self, room: str, text: str) -> None:
        path = f"/rooms/{quote(room)}/send/m.room.message/{len(text)}"
        await self.must("PUT", path, {"msgtype": "m.text", "body": text})
