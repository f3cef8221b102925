"""People with keys in a whole house, asked by HTTP as clients ask."""

from typing import Any
from urllib.parse import quote

from tests.e2ee.key_client import KeyedDevice
from tests.messaging.whole_house import V3, Client, WholeHouse

KEYS = f"{V3}/keys"


async def keyed(house: WholeHouse, name: str, *, one_time: int = 0) -> tuple[Client, KeyedDevice]:
    """Return somebody who signed in and uploaded their keys."""
    client = await house.person(name)
    return client, await give_keys(client, one_time=one_time)


async def give_keys(client: Client, *, one_time: int = 0) -> KeyedDevice:
    """Upload the keys of a device."""
    device = KeyedDevice(client.user, client.device)
    body = {"device_keys": device.identity(), "one_time_keys": device.one_time(one_time)}
    await client.ask("POST", f"{KEYS}/upload", body)
    return device


async def friends(house: WholeHouse, one: Client, other: Client) -> str:
    """Let two people meet; return the conversation both are in."""
    await house.connect(one, other)
    room = await one.create(other)
    await other.join(room)
    return room


async def query(client: Client, *users: str) -> dict[str, Any]:
    return await client.ask("POST", f"{KEYS}/query", {"device_keys": {one: [] for one in users}})


async def claim(client: Client, user: str, device: str) -> dict[str, Any]:
    body = {"one_time_keys": {user: {device: "signed_curve25519"}}}
    found = (await client.ask("POST", f"{KEYS}/claim", body))["one_time_keys"]
    key: dict[str, Any] = found.get(user, {}).get(device, {})
    return key


class Listener:
    """A client that syncs, and remembers what it was told of devices since it last was asked."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.token: str | None = None
        self.answer: dict[str, Any] = {}

    async def hear(self) -> tuple[list[str], list[str]]:
        """Sync once; return who changed and who left."""
        self.answer = await self.client.sync(self.token)
        self.token = self.answer["next_batch"]
        lists = self.answer.get("device_lists", {})
        return lists.get("changed", []), lists.get("left", [])

    async def changes(self, since: str, to: str) -> tuple[list[str], list[str]]:
        """Ask /keys/changes between two tokens."""
        path = f"{KEYS}/changes?from={quote(since)}&to={quote(to)}"
        found = await self.client.ask("GET", path)
        return found["changed"], found["left"]


async def listening(*clients: Client) -> list[Listener]:
    """Return listeners that have heard all there was so far."""
    found = [Listener(client) for client in clients]
    for one in found:
        await one.hear()
    return found
