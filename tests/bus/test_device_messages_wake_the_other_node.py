"""A message between devices that one node takes wakes its device at the other, once."""

import asyncio
from typing import Any

from tests.bus.nats_server import NatsServer
from tests.bus.two_nodes import Entity, Two, until
from tests.messaging.encrypted_rooms import ENCRYPTION


def numbers(answer: dict[str, Any]) -> list[int]:
    return [one["content"]["n"] for one in answer.get("to_device", {}).get("events", [])]


async def test_who_waits_at_one_node_is_woken_by_the_other(
    house_site: Entity, nats: NatsServer
) -> None:
    two = Two(await house_site.node(nats.url), await house_site.node(nats.url), nats)
    await two.a.connected()
    await two.b.connected()
    alice, ben = await two.a.person("alice"), await two.b.person("ben")
    await two.a.connect(alice, ben)
    await ben.join(await alice.create(ben, initial_state=[ENCRYPTION]))
    since = (await ben.sync())["next_batch"]
    for n in range(3):
        waits = asyncio.ensure_future(ben.waits_for(since, lambda answer: bool(numbers(answer))))
        await until(lambda: bool(two.b.house.wakeups.waiting()))
        body = {"messages": {ben.user: {"*": {"n": n}}}}
        await alice.ask("PUT", f"/sendToDevice/m.room.encrypted/t{n}", body)
        # The same request at the other node, as after a lost answer: it is known there.
        await alice.at(two.b).ask("PUT", f"/sendToDevice/m.room.encrypted/t{n}", body)
        answer = await waits
        assert numbers(answer) == [n]
        # The first node, asked with the same token, gives the same; with the next one, nothing.
        assert numbers(await ben.at(two.a).sync(since)) == [n]
        since = answer["next_batch"]
        assert numbers(await ben.at(two.a).sync(since)) == []
