"""Two nodes of one entity on one PostgreSQL, each called through its own front door."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.bus.nats_server import NatsServer
from tests.messaging.little_house import FixedClock, escrow_set
from tests.store.postgres_houses import LEFT, RIGHT, WHOLE, Postgresql

from halfdoor.accounts.records import PersonRecord
from halfdoor.apps.caller import Caller
from halfdoor.apps.doors import build_apps
from halfdoor.apps.house import House
from halfdoor.apps.nodes import Nodes
from halfdoor.apps.setting import Setting
from halfdoor.apps.stores import DatabasePlace, open_postgres
from halfdoor.bus.place import BusPlace
from halfdoor.config.model import Config
from halfdoor.policy.load import policy_from
from halfdoor.sealing.shares import EscrowSet
from halfdoor.store.outerkey import outer_key_file
from halfdoor.web.logs import configure
from halfdoor.web.metrics import Metrics

V3 = "/_matrix/client/v3"
NAME = "localhost"
# Longer than any test: what arrives did not come by the poll.
NEVER = (600.0, 600.0)
SECONDS = 10.0


async def until(holds: Callable[[], bool]) -> None:
    """Return once *holds*; `TimeoutError` where it never does."""
    async with asyncio.timeout(SECONDS):
        while not holds():  # noqa: ASYNC110 - what other processes do sets no event of ours
            await asyncio.sleep(0.01)


def password(name: str) -> str:
    return f"lamp-otter-{name}-cedar-93"


class At:
    """One device of one person, who may ask either node."""

    def __init__(self, node: "Node", user: str) -> None:
        self.user = user
        self.token: str | None = None
        self.refresh_token: str | None = None
        self.device = ""
        self.node = node
        self.sent = 0

    def at(self, node: "Node") -> "At":
        """Return the same device, asking *node* from now on."""
        other = At(node, self.user)
        other.token, other.device, other.refresh_token = self.token, self.device, self.refresh_token
        other.sent = self.sent + 1000
        return other

    async def any(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> tuple[int, Any]:
        caller = Caller(self.node.app)
        caller.token = self.token
        status, raw = await caller.call(method, V3 + path, body)
        return status, json.loads(raw)

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        status, answer = await self.any(method, path, body)
        assert status == 200, (status, path, answer)
        return answer

    async def refused(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> tuple[int, str]:
        status, answer = await self.any(method, path, body)
        assert status >= 400, answer
        return status, answer["errcode"]

    async def sign_in(self, words: str | None = None) -> "At":
        name = self.user[1:].split(":", maxsplit=1)[0]
        identifier = {"type": "m.id.user", "user": self.user}
        body = {
            "type": "m.login.password",
            "identifier": identifier,
            "password": words or password(name),
            "refresh_token": True,
        }
        answer = await self.ask("POST", "/login", body)
        self.token, self.device = answer["access_token"], answer["device_id"]
        self.refresh_token = answer.get("refresh_token")
        return self

    async def create(self, *invite: "At", **more: Any) -> str:
        body = {"preset": "private_chat", "invite": [one.user for one in invite], **more}
        return str((await self.ask("POST", "/createRoom", body))["room_id"])

    async def join(self, room: str) -> None:
        await self.ask("POST", f"/rooms/{quote(room)}/join")

    def send_path(self, room: str) -> str:
        self.sent += 1
        return f"/rooms/{quote(room)}/send/m.room.message/t{self.sent}"

    async def say(self, room: str, text: str) -> str:
        body = {"msgtype": "m.text", "body": text}
        return str((await self.ask("PUT", self.send_path(room), body))["event_id"])

    async def cannot_say(self, room: str, text: str = "no") -> tuple[int, str]:
        return await self.refused("PUT", self.send_path(room), {"msgtype": "m.text", "body": text})

    async def sync(self, since: str | None = None, wait_ms: int = 0) -> dict[str, Any]:
        query = f"?timeout={wait_ms}" + (f"&since={quote(since)}" if since else "")
        answer: dict[str, Any] = await self.ask("GET", f"/sync{query}")
        return answer

    async def waits_for(
        self, since: str, wanted: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        """Sync with long polls until *wanted* is in an answer; return that answer."""
        async with asyncio.timeout(SECONDS):
            while True:
                answer = await self.sync(since, wait_ms=60_000)
                since = answer["next_batch"]
                if wanted(answer):
                    return answer

    async def history(self, room: str) -> list[dict[str, Any]]:
        path = f"/rooms/{quote(room)}/messages?dir=b&limit=100"
        chunk: list[dict[str, Any]] = (await self.ask("GET", path))["chunk"]
        return chunk


def texts(answer: dict[str, Any], room: str) -> list[str]:
    """Return what was said in *room* by a sync answer."""
    joined = answer.get("rooms", {}).get("join", {}).get(room, {})
    events = joined.get("timeline", {}).get("events", [])
    return [one["content"]["body"] for one in events if "body" in one["content"]]


def said(room: str, text: str) -> Callable[[dict[str, Any]], bool]:
    return lambda answer: text in texts(answer, room)


class Node:
    """One process's worth of a house: its own memory, its own front door."""

    def __init__(self, house: House) -> None:
        self.house = house
        assert house.nodes is not None
        self.nodes: Nodes = house.nodes
        self.app = build_apps(
            house,
            Config(server_name=NAME, development=True),
            base_url=lambda: "http://localhost",
            draining=lambda: False,
            platform=None,
            metrics=Metrics(),
            metrics_token=None,
            log=configure("error"),
        )[0]

    async def connected(self) -> None:
        """Return once the bus is there."""
        await until(lambda: self.nodes.bus.is_connected)

    async def disconnected(self) -> None:
        """Return once this node knows that the bus is gone."""
        await until(lambda: not self.nodes.bus.is_connected)

    async def person(self, name: str, band: str | None = "adult") -> At:
        """Make an account and sign in at this node."""
        user = f"@{name}:{NAME}"
        facts = PersonRecord(user=user, age_band=band, age_source="test")
        await self.house.register.make(name, password(name), facts, self.house.clock.now_ms())
        return await At(self, user).sign_in()

    async def connect(self, one: At, other: At) -> None:
        await self.house.people.connect(one.user, other.user, "platform", 1)


class Entity:
    """One database, and what all its nodes have in common."""

    def __init__(self, postgresql: Postgresql, folder: Path, made: dict[str, str]) -> None:
        self.postgresql = postgresql
        self.folder = folder
        self.made = made
        self.clock = FixedClock()
        self.escrow: EscrowSet = escrow_set()
        self.nodes: list[Node] = []

    def place(self) -> DatabasePlace:
        first, *others = (self.postgresql.dsn(name) for name in self.made.values())
        return DatabasePlace(url=first, people_url=others[0] if others else None)

    def setting(self, name: str, bus: BusPlace | None) -> Setting:
        data = self.folder / name
        return Setting(
            server_name=NAME,
            policy=policy_from({"posture": {"allowed": ["standard", "e2ee"]}}, "test"),
            escrow=[self.escrow],
            data_dir=data,
            outer_key=outer_key_file(self.folder / "outer.key", data, make=True),
            database=self.place(),
            bus=bus,
            access_token_ms=7 * 86_400_000,
        )

    async def node(self, url: str, poll_seconds: tuple[float, float] = NEVER) -> Node:
        """Start another node whose bus is at *url*."""
        setting = self.setting(f"node{len(self.nodes)}", BusPlace(url))
        assert setting.database is not None
        assert setting.bus is not None
        opened = await open_postgres(
            setting.database, setting.data_dir, setting.outer_key, self.clock, alone=False
        )
        entity = setting.policy.entity.name
        nodes = Nodes(opened.store, setting.bus, entity, poll_seconds=poll_seconds)
        node = Node(House(setting, self.clock, opened, nodes))
        self.nodes.append(node)
        return node


@asynccontextmanager
async def entity(
    postgresql: Postgresql, folder: Path, *, two_databases: bool = False
) -> AsyncIterator[Entity]:
    """An entity without nodes on databases of its own; they are closed afterwards."""
    templates = (LEFT, RIGHT) if two_databases else (WHOLE,)
    made = {template: await postgresql.create(template) for template in templates}
    found = Entity(postgresql, folder, made)
    try:
        yield found
    finally:
        for node in found.nodes:
            await node.house.close()
        for template, name in made.items():
            await postgresql.give_back(template, name)


class Two:
    """Two nodes, and the bus between them."""

    def __init__(self, a: Node, b: Node, bus: NatsServer) -> None:
        self.a, self.b, self.bus = a, b, bus

    async def pair(self) -> tuple[At, At, str]:
        """Return Alice at the first node, Ben at the second, and the room they have joined."""
        alice, ben = await self.a.person("alice"), await self.b.person("ben")
        await self.a.connect(alice, ben)
        room = await alice.create(ben)
        await ben.join(room)
        return alice, ben, room
