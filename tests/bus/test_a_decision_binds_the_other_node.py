"""What was decided at one node holds at the next request to the other, and so does its reversal."""

from typing import Any
from urllib.parse import quote

from tests.bus.two_nodes import At, Two, password

from halfdoor.accounts.records import MeasureRecord
from halfdoor.messaging.removal import Removal
from halfdoor.safety.measures import Kind


def measure(two: Two, kind: Kind, **more: Any) -> MeasureRecord:
    starts = two.a.house.clock.now_ms()
    return MeasureRecord(id=f"dec.{kind}", kind=kind.value, decision="dec", starts=starts, **more)


async def decide(two: Two, who: At, *measures: MeasureRecord) -> None:
    """Let measures hold for somebody, at the node that they are not at."""
    await two.a.house.people.change({who.user: {"measures": measures}})


async def warm(who: At, room: str) -> None:
    await who.sync()
    await who.say(room, "warm")
    await who.history(room)


async def test_a_limit_of_one_node_binds_the_next_send_at_the_other(two: Two) -> None:
    alice, ben, room = await two.pair()
    await warm(ben, room)
    held = measure(two, Kind.SUSPENDED)
    await decide(two, ben, held)
    assert await ben.cannot_say(room) == (403, "M_USER_SUSPENDED")
    # Taken back at the other node.
    back = measure(two, Kind.SUSPENDED, reversed=held.starts + 1)
    await two.b.house.people.change({ben.user: {"measures": (back,)}})
    await ben.say(room, "again")
    # Whoever carries the decision out late changes nothing any more.
    await decide(two, ben, held)
    await ben.say(room, "and again")
    await decide(two, ben, measure(two, Kind.NO_NEW_CONVERSATIONS))
    answer = await ben.refused("POST", "/createRoom", {"invite": [alice.user]})
    assert answer == (403, "M_FORBIDDEN")


async def test_a_limit_of_somebody_else_in_the_room_binds_at_the_other_node(two: Two) -> None:
    alice, ben, room = await two.pair()
    await warm(ben, room)
    await warm(alice, room)
    await two.a.house.people.change({alice.user: {"age_band": "16-17"}})
    await ben.say(room, "they are connected")
    await decide(two, ben, measure(two, Kind.NO_MINORS))
    assert (await ben.cannot_say(room))[0] == 403
    assert (await alice.cannot_say(room))[0] == 403


async def test_two_decisions_at_two_nodes_are_both_kept(two: Two) -> None:
    _, ben, _ = await two.pair()
    await decide(two, ben, measure(two, Kind.NO_MEDIA))
    await two.b.house.people.change({ben.user: {"measures": (measure(two, Kind.NO_MINORS),)}})
    await two.a.house.people.suspend(ben.user, suspended=True)
    for node in (two.a, two.b):
        await node.house.people.look_anew([ben.user])
        limits = await node.house.facts.limits(ben.user)
        assert (limits.no_media, limits.no_minors, limits.suspended) == (True, True, True)


async def test_an_ended_account_has_no_session_at_either_node(two: Two) -> None:
    _, ben, room = await two.pair()
    await warm(ben, room)
    await decide(two, ben, measure(two, Kind.TERMINATED))
    assert await ben.cannot_say(room) == (403, "M_USER_SUSPENDED")
    await two.a.house.devices.end_all(ben.user)
    assert await ben.refused("GET", "/sync") == (401, "M_UNKNOWN_TOKEN")
    assert two.b.house.keyring.sessions(ben.user) == []
    identifier = {"type": "m.id.user", "user": ben.user}
    body = {"type": "m.login.password", "identifier": identifier, "password": password("ben")}
    for node in (two.b, two.a):
        answer = await At(node, ben.user).refused("POST", "/login", body)
        assert answer == (403, "M_USER_DEACTIVATED")


async def test_a_message_removed_at_one_node_is_gone_at_the_other(two: Two) -> None:
    alice, ben, room = await two.pair()
    event = await ben.say(room, "what nobody should read")
    await alice.history(room)
    house = two.b.house
    server = f"@server:{house.setting.server_name}"
    removal = Removal(
        store=house.store.conversations, rooms=house.rooms, keeper=house.keeper, server=server
    )
    assert await removal.remove(room, event)
    for who in (alice, ben):
        shown = {one["event_id"]: one for one in await who.history(room)}
        assert shown[event]["content"] == {}
    assert not await removal.remove(room, event)
    path = f"/rooms/{quote(room)}/event/{quote(event)}"
    assert (await alice.ask("GET", path))["content"] == {}
