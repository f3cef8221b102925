"""What is written at one node wakes who waits at the other: at once by a hint, else by the poll."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import trustme
from tests.bus.nats_server import NatsServer
from tests.bus.two_nodes import Entity, Node, Two, said, texts, until

from halfdoor.bus.nats import NatsBus
from halfdoor.bus.place import BusPlace
from halfdoor.ids import bucket
from halfdoor.messaging.neighbours import Notice

CANARIES = ("canary-words-51c2", "canary-room-8d1e", "canary-person-77aa")


async def nodes(site: Entity, server: NatsServer, *polls: tuple[float, float]) -> Two:
    made = [await site.node(server.url, poll) for poll in polls]
    return Two(made[0], made[1], server)


async def waiting(task: "asyncio.Task[Any]", node: Node) -> None:
    """Return once somebody waits at *node* for something to happen."""
    await until(lambda: bool(node.house.wakeups.waiting()) or task.done())
    assert not task.done(), task.result()


async def after(task: Awaitable[Any], node: Node, act: Awaitable[Any]) -> Any:
    """Do *act* once *task* waits at *node*, and return what *task* answers."""
    running = asyncio.ensure_future(task)
    assert isinstance(running, asyncio.Task)
    await waiting(running, node)
    await act
    return await running


async def test_a_hint_brings_a_message_to_the_other_node(
    house_site: Entity, nats: NatsServer
) -> None:
    # No poll will come: whatever arrives was told.
    two = await nodes(house_site, nats, (600, 600), (600, 600))
    await two.a.connected()
    await two.b.connected()
    alice, ben, room = await two.pair()
    for number in range(3):
        since = (await ben.sync())["next_batch"]
        text = f"message {number}"
        arrived = ben.waits_for(since, said(room, text))
        answer = await after(arrived, two.b, alice.say(room, text))
        assert texts(answer, room) == [text]


async def test_the_poll_brings_a_message_without_a_bus(house_site: Entity, tmp_path: Path) -> None:
    silent = NatsServer(tmp_path / "never started")
    two = await nodes(house_site, silent, (600, 600), (0.05, 0.1))
    alice, ben, room = await two.pair()
    since = (await ben.sync())["next_batch"]
    arrived = ben.waits_for(since, said(room, "by the poll"))
    await after(arrived, two.b, alice.say(room, "by the poll"))
    assert not two.b.nodes.bus.is_connected
    # What could not be said was dropped, and not kept for a bus that may never come.
    assert two.a.nodes.bus.dropped > 0
    assert two.a.nodes.bus._moved == {}


async def test_a_bus_that_was_killed_is_found_again(house_site: Entity, nats: NatsServer) -> None:
    two = await nodes(house_site, nats, (600, 600), (600, 600))
    alice, ben, room = await two.pair()
    await two.a.connected()
    await two.b.connected()
    for number in range(2):
        since = (await ben.sync())["next_batch"]
        arrived = asyncio.ensure_future(ben.waits_for(since, said(room, f"gone {number}")))
        assert isinstance(arrived, asyncio.Task)
        await waiting(arrived, two.b)
        nats.kill()
        await two.a.disconnected()
        await two.b.disconnected()
        # Nobody is refused meanwhile.
        await alice.say(room, f"gone {number}")
        assert not arrived.done()
        # As soon as the bus is back, what was missed is looked for.
        nats.start()
        answer = await arrived
        assert texts(answer, room) == [f"gone {number}"]
        await two.a.connected()
    since = (await ben.sync())["next_batch"]
    await after(ben.waits_for(since, said(room, "told")), two.b, alice.say(room, "told"))


async def test_typing_shows_at_the_other_node(house_site: Entity, nats: NatsServer) -> None:
    two = await nodes(house_site, nats, (600, 600), (600, 600))
    await two.a.connected()
    await two.b.connected()
    alice, ben, room = await two.pair()
    since = (await ben.sync())["next_batch"]

    def types(users: list[str]) -> Any:
        wanted = {"type": "m.typing", "content": {"user_ids": users}}
        return lambda answer: (
            wanted
            in answer.get("rooms", {})
            .get("join", {})
            .get(room, {})
            .get("ephemeral", {})
            .get("events", [])
        )

    path = f"/rooms/{quote(room)}/typing/{quote(alice.user)}"
    body = {"typing": True, "timeout": 30_000}
    arrived = ben.waits_for(since, types([alice.user]))
    answer = await after(arrived, two.b, alice.ask("PUT", path, body))
    arrived = ben.waits_for(answer["next_batch"], types([]))
    await after(arrived, two.b, alice.ask("PUT", path, {"typing": False}))
    # Whoever is not in the conversation types for nobody, whatever the bus says.
    serial = two.b.house.typing.serial
    two.b.nodes.neighbours.typed(Notice(room, "@mallory:localhost", 30_000, [ben.user]))
    await asyncio.gather(*two.b.nodes.neighbours._tasks - _polls(two.b))
    assert two.b.house.typing.serial == serial


def _polls(node: Node) -> set["asyncio.Task[None]"]:
    return {
        task
        for task in node.nodes.neighbours._tasks
        if task.get_coro().__name__ == "_poll"  # type: ignore[union-attr]
    }


async def test_a_logout_elsewhere_wipes_the_keys_of_a_poll_that_waits(
    house_site: Entity, nats: NatsServer
) -> None:
    two = await nodes(house_site, nats, (600, 600), (600, 600))
    await two.a.connected()
    await two.b.connected()
    alice, ben, room = await two.pair()
    there = alice.at(two.b)
    since = (await there.sync())["next_batch"]
    poll = asyncio.ensure_future(there.sync(since, wait_ms=60_000))
    assert isinstance(poll, asyncio.Task)
    await waiting(poll, two.b)
    assert two.b.house.keyring.sessions(alice.user)
    await alice.ask("POST", "/logout")
    await until(lambda: two.b.house.keyring.sessions(alice.user) == [])
    await ben.say(room, "not for her any more")
    two.b.house.wakeups.drain()
    assert "not for her any more" not in str(await poll)


async def test_nothing_but_ids_and_positions_travels(house_site: Entity, nats: NatsServer) -> None:
    two = await nodes(house_site, nats, (600, 600), (600, 600))
    await two.a.connected()
    await two.b.connected()
    alice, ben, room = await two.pair()
    words, name, person = CANARIES
    await ben.sync()
    await alice.ask("PUT", f"/rooms/{quote(room)}/state/m.room.name", {"name": name})
    await alice.ask("PUT", f"/profile/{quote(alice.user)}/displayname", {"displayname": person})
    since = (await ben.sync())["next_batch"]
    event = await alice.say(room, words)
    await ben.waits_for(since, said(room, words))
    await two.a.house.people.suspend(ben.user, suspended=True)
    await alice.ask("POST", f"/rooms/{quote(room)}/receipt/m.read/{quote(event)}", {})
    await two.a.nodes.bus.close()
    nats.kill()
    log = nats.log.read_text()
    travelled = [line for line in log.splitlines() if "MSG_PAYLOAD" in line]
    assert any(ben.user in line for line in travelled)
    for canary in (*CANARIES, alice.token or "-", ben.token or "-", event):
        assert canary not in log
    published = {line.split("[PUB ")[1].split()[0] for line in log.splitlines() if "[PUB " in line}
    assert f"halfdoor.{entity_of(two.a)}.wake.{bucket(ben.user)}" in published
    assert {subject.split(".")[2] for subject in published} == {"wake"}


def entity_of(node: Node) -> str:
    return node.house.setting.policy.entity.name


class Ears:
    """What was heard."""

    def __init__(self) -> None:
        self.people: list[tuple[str, int]] = []
        self.heard = asyncio.Event()

    def moved(self, people: Any) -> None:
        self.people += people
        self.heard.set()

    def typed(self, notice: Notice) -> None:
        raise AssertionError(notice)

    def reconnected(self) -> None:
        """Nothing is missed here."""


async def heard_by(place: BusPlace, server: BusPlace | None = None) -> list[tuple[str, int]]:
    """Return what one end of a bus hears of the other."""
    ears, mouth = NatsBus(place, "a"), NatsBus(server or place, "a")
    listener = Ears()
    ears.attach(listener)
    mouth.attach(Ears())
    try:
        async with asyncio.timeout(10):
            await ears.listen(bucket("@ben:a"))
            await until(lambda: ears.is_connected and mouth.is_connected)
            mouth.tell([("@ben:a", 7), ("@ben:a", 8)])
            await listener.heard.wait()
    finally:
        await ears.close()
        await mouth.close()
    return listener.people


def secured(folder: Path, name: str, more: str = "") -> tuple[NatsServer, Path]:
    """Return a server with a certificate for *name*, and the file of who vouches for it."""
    folder.mkdir()
    authority = trustme.CA()
    made = authority.issue_cert(name)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    made.cert_chain_pems[0].write_to_path(folder / "server.pem")
    made.private_key_pem.write_to_path(folder / "server.key")
    config = (
        f"tls {{ cert_file: '{folder}/server.pem', key_file: '{folder}/server.key',"
        f" handshake_first: true }}\n{more}"
    )
    return NatsServer(folder, config), folder / "ca.pem"


async def test_a_bus_is_reached_by_tls_and_a_verified_name(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("node:canary-password-3e1b\n")
    file.chmod(0o600)
    more = "authorization { user: node, password: canary-password-3e1b }"
    server, authority = secured(tmp_path / "tls", "localhost", more)
    server.start()
    url = f"tls://localhost:{server.port}"
    place = BusPlace(url, credentials_file=file, ca_file=authority)
    assert "canary" not in repr(place) + repr(place.credentials)
    try:
        assert await heard_by(place) == [("@ben:a", 7), ("@ben:a", 8)]
    finally:
        server.kill()


@pytest.mark.parametrize("wrong", ["name", "authority", "password", "no tls"])
async def test_a_bus_that_does_not_prove_itself_is_not_spoken_to(
    tmp_path: Path, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "credentials"
    words = "canary-password-3e1b" if wrong != "password" else "canary-password-wrong"
    file.write_text(f"node:{words}\n")
    file.chmod(0o600)
    more = "authorization { user: node, password: canary-password-3e1b }"
    server, authority = secured(
        tmp_path / "tls", "elsewhere" if wrong == "name" else "localhost", more
    )
    if wrong == "no tls":
        server = NatsServer(tmp_path / "plain", more)
    if wrong == "authority":
        trustme.CA().cert_pem.write_to_path(authority)
    server.start()
    url = f"tls://localhost:{server.port}"
    caplog.set_level("DEBUG", "halfdoor.bus")
    bus = NatsBus(BusPlace(url, credentials_file=file, ca_file=authority), "a")
    bus.attach(Ears())
    try:
        await until(lambda: bus.failures > 1)
        assert not bus.is_connected
        # Nothing is waited for, and nothing fails.
        await bus.listen(1)
        bus.tell([("@ben:a", 1)])
    finally:
        await bus.close()
        server.kill()
    assert "canary" not in caplog.text
    assert "canary" not in server.log.read_text().replace("canary-password-3e1b }", "")


async def test_what_makes_no_sense_is_passed_over(nats: NatsServer) -> None:
    bus, ears = NatsBus(BusPlace(nats.url), "an entity with spaces"), Ears()
    bus.attach(ears)
    try:
        async with asyncio.timeout(10):
            await bus.listen(3)
            await until(lambda: bus.is_connected)
            from nats.aio.client import Client

            stranger = Client()
            await stranger.connect(nats.url)
            for payload in (b"", b"{", b"[1]", b'[["@ben:a"]]', b'[["@ben:a","x"]]'):
                await stranger.publish(f"{bus._subject}.wake.3", payload)
                await stranger.publish(f"{bus._subject}.typing.3", payload)
            await stranger.publish(f"{bus._subject}.wake.3", b'[["@ben:a",9]]')
            await stranger.flush()
            await ears.heard.wait()
            await stranger.close()
    finally:
        await bus.close()
    assert ears.people == [("@ben:a", 9)]
    assert bus.senseless == 10


async def test_many_buckets_are_heard_by_one_subscription(nats: NatsServer) -> None:
    bus, ears, mouth = NatsBus(BusPlace(nats.url), "a"), Ears(), NatsBus(BusPlace(nats.url), "a")
    bus.attach(ears)
    mouth.attach(Ears())
    try:
        async with asyncio.timeout(20):
            await until(lambda: bus.is_connected and mouth.is_connected)
            for ub in range(600):
                await bus.listen(ub)
            assert len(bus._subscriptions) == 1
            mouth.tell([("@ben:a", 3)])
            await ears.heard.wait()
    finally:
        await bus.close()
        await mouth.close()
    assert ears.people == [("@ben:a", 3)]
