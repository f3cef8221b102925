"""Sending, redacting and setting state by HTTP."""

import pytest
from tests.web.matrix.conftest import Client, Seat, World, good, refusal

DEEP = b'{"a":' * 100 + b"1" + b"}" * 100

BAD_CONTENT = [
    (b"", "M_NOT_JSON"),
    (b"{", "M_NOT_JSON"),
    (b'{"body":"\xff"}', "M_NOT_JSON"),
    (b'{"body":"\\ud800"}', "M_NOT_JSON"),
    (b"[]", "M_BAD_JSON"),
    (b'"text"', "M_BAD_JSON"),
    (b"null", "M_BAD_JSON"),
    (b'{"n":0.5}', "M_BAD_JSON"),
    (b'{"n":9007199254740992}', "M_BAD_JSON"),
    (b'{"n":1e999}', "M_BAD_JSON"),
    (DEEP, "M_BAD_JSON"),
    (b"[" * 50_000, "M_BAD_JSON"),
]


def kept(world: World, room: str) -> int:
    """How many events the store holds."""
    return len(world.house.store.conversations[room].events)


@pytest.mark.parametrize(("raw", "errcode"), BAD_CONTENT)
@pytest.mark.parametrize("path", ["send/m.room.message/txn", "state/m.room.topic"])
async def test_what_is_no_content_is_refused_and_not_kept(
    world: World, path: str, raw: bytes, errcode: str
) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    before = kept(world, room)
    assert refusal(await ada.ask("PUT", f"/rooms/{room}/{path}", raw=raw)) == (400, errcode)
    assert kept(world, room) == before


@pytest.mark.parametrize("path", ["send/m.room.message/txn", "state/m.room.topic", "redact/$e/t"])
async def test_a_body_larger_than_an_event_is_refused(world: World, path: str) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    before = kept(world, room)
    answer = await ada.ask("PUT", f"/rooms/{room}/{path}", {"body": "b" * 65_536})
    assert refusal(answer) == (413, "M_TOO_LARGE")
    assert kept(world, room) == before


async def test_an_event_that_outgrows_its_limit_with_its_frame_is_refused(world: World) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    answer = await ada.ask("PUT", f"/rooms/{room}/send/m.room.message/t", {"body": "b" * 65_500})
    assert refusal(answer) == (413, "M_TOO_LARGE")


@pytest.mark.parametrize(
    ("path", "status", "errcode"),
    [
        ("send/m.room.message/" + "t" * 256, 400, "M_INVALID_PARAM"),
        ("send/m.room.message/" + "%C3%A9" * 128, 400, "M_INVALID_PARAM"),
        ("send/" + "e" * 256 + "/t", 413, "M_TOO_LARGE"),
        ("send/m.room.encrypted/t", 403, "M_FORBIDDEN"),
        ("send/m.room.member/t", 403, "M_FORBIDDEN"),
        ("send/m.room.redaction/t", 400, "M_BAD_JSON"),
        ("redact/$nowhere/t", 404, "M_NOT_FOUND"),
        ("state/m.room.encryption", 403, "M_FORBIDDEN"),
        ("state/m.room.create/", 403, "M_FORBIDDEN"),
        ("state/org.halfdoor.posture", 403, "M_FORBIDDEN"),
        ("state/m.room.member", 400, "M_INVALID_PARAM"),
        ("state/m.room.member/ben", 400, "M_INVALID_PARAM"),
        ("state/m.room.member/@ada:a.example", 400, "M_BAD_JSON"),
        ("state/m.room.topic/" + "k" * 256, 413, "M_TOO_LARGE"),
        ("send/m.room%00message/t", 400, "M_INVALID_PARAM"),
        ("send/m.room.message/%FF", 400, "M_INVALID_PARAM"),
        ("send/m.room.message/%ZZ", 400, "M_INVALID_PARAM"),
    ],
)
async def test_an_event_that_may_not_be_sent_is_not_kept(
    world: World, path: str, status: int, errcode: str
) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    before = kept(world, room)
    assert refusal(await ada.ask("PUT", f"/rooms/{room}/{path}", {})) == (status, errcode)
    assert kept(world, room) == before


@pytest.mark.parametrize("path", ["send/m.room.message/t", "state/m.room.topic", "redact/$e/t"])
async def test_a_stranger_writes_nothing_and_learns_nothing(world: World, path: str) -> None:
    ada, mallory = await world.person("ada"), await world.person("mallory")
    room = await ada.create()
    there = await mallory.ask("PUT", f"/rooms/{room}/{path}", {"body": "hello"})
    nowhere = await mallory.ask("PUT", f"/rooms/!nowhere:a.example/{path}", {"body": "hello"})
    assert refusal(there) == (403, "M_FORBIDDEN")
    assert nowhere.json() == there.json()


async def test_sessions_that_may_not_write_write_nothing(world: World) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    former = world.sit(Seat(ada.id, "OLD", "former", closed=True))
    waiting = world.sit(Seat(ada.id, "NEW", "waiting", pending=True))
    before = kept(world, room)
    for session in (former, waiting):
        for path in ("send/m.room.message/t", "state/m.room.topic"):
            answer = await session.ask("PUT", f"/rooms/{room}/{path}", {"body": "hello"})
            assert refusal(answer) == (403, "M_FORBIDDEN")
    assert kept(world, room) == before


async def test_a_conversation_that_keeps_moving_is_busy(world: World) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    world.house.store.stale_times = 99
    answer = await ada.ask("PUT", f"/rooms/{room}/send/m.room.message/t", {"body": "hello"})
    assert refusal(answer) == (503, "M_UNKNOWN")
    assert answer.headers["retry-after"] == "1"


async def test_a_repeated_transaction_is_one_event(world: World) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    first = await ada.say(room, "once", txn="t/1 %".replace("/", "%2F").replace(" %", "%20%25"))
    before = kept(world, room)
    again = await ada.say(room, "twice", txn="t%2F1%20%25")
    assert again == first
    assert kept(world, room) == before
    event = await ada.get(f"/rooms/{room}/event/{first}")
    assert event["content"]["body"] == "once"
    assert event["unsigned"]["transaction_id"] == "t/1 %"


async def test_the_same_transaction_id_elsewhere_is_another_event(world: World) -> None:
    ada, ben, room = await world.pair()
    other = await ada.create()
    # Two people may have devices of one name, and clients count transactions from 1.
    twin = world.sit(Seat(ben.id, ada.seat.device, ben.seat.id))
    events = {
        await ada.say(room, "a", txn="1"),
        await ada.say(other, "a", txn="1"),
        await twin.say(room, "a", txn="1"),
        (await ada.put(f"/rooms/{room}/send/m.reaction/1", {}))["event_id"],
    }
    assert len(events) == 4


async def test_the_answer_to_a_message_is_its_id_and_nothing_else(world: World) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    answer = await ada.ask("PUT", f"/rooms/{room}/send/m.room.message/1", {"body": "hello"})
    assert list(good(answer)) == ["event_id"]
    assert good(answer)["event_id"].startswith("$")


@pytest.mark.parametrize("form", ["put", "put without a body", "send"])
async def test_a_message_is_redacted(world: World, form: str) -> None:
    ada, ben, room = await world.pair()
    event = await ada.say(room, "wrong")
    body: dict[str, str] | None
    if form == "send":
        path, body = "send/m.room.redaction/r1", {"redacts": event, "reason": "typing error"}
    else:
        path, body = f"redact/{event}/r1", {"reason": "typing error"} if form == "put" else None
    answer = good(await ada.ask("PUT", f"/rooms/{room}/{path}", body))
    assert good(await ada.ask("PUT", f"/rooms/{room}/{path}", body)) == answer
    seen = await ben.get(f"/rooms/{room}/event/{event}")
    assert seen["content"] == {}
    assert seen["unsigned"]["redacted_because"]["event_id"] == answer["event_id"]


# -- state -------------------------------------------------------------------------------------


async def named(world: World) -> tuple[Client, str]:
    """Ada in a conversation with a topic."""
    ada = await world.person("ada")
    room = await ada.create()
    await ada.put(f"/rooms/{room}/state/m.room.topic", {"topic": "tea"})
    return ada, room


async def test_state_that_is_not_there_is_not_found(world: World) -> None:
    ada, room = await named(world)
    for path in ("m.room.avatar", "m.room.avatar/", "m.room.topic/other", "m.room.member/@b:c"):
        answer = await ada.ask("GET", f"/rooms/{room}/state/{path}")
        assert refusal(answer) == (404, "M_NOT_FOUND")


async def test_a_format_that_nobody_knows_is_refused(world: World) -> None:
    ada, room = await named(world)
    answer = await ada.ask("GET", f"/rooms/{room}/state/m.room.topic", format="xml")
    assert refusal(answer) == (400, "M_INVALID_PARAM")


async def test_state_is_read_with_and_without_an_empty_key(world: World) -> None:
    ada, room = await named(world)
    for path in ("m.room.topic", "m.room.topic/"):
        assert await ada.get(f"/rooms/{room}/state/{path}") == {"topic": "tea"}
        assert await ada.get(f"/rooms/{room}/state/{path}", format="content") == {"topic": "tea"}
    event = await ada.get(f"/rooms/{room}/state/m.room.topic", format="event")
    assert event["content"] == {"topic": "tea"}
    assert (event["sender"], event["state_key"], event["room_id"]) == (ada.id, "", room)


async def test_state_is_set_with_and_without_a_key(world: World) -> None:
    ada, room = await named(world)
    for path, key in (("org.a", ""), ("org.b/", ""), ("org.c/k%2F1", "k/1")):
        answer = await ada.put(f"/rooms/{room}/state/{path}", {"v": 1})
        assert list(answer) == ["event_id"]
        event = await ada.get(f"/rooms/{room}/state/{path}", format="event")
        assert (event["event_id"], event["state_key"]) == (answer["event_id"], key)


async def test_all_state_is_listed(world: World) -> None:
    ada, room = await named(world)
    events = await ada.get(f"/rooms/{room}/state")
    found = {(event["type"], event["state_key"]): event["content"] for event in events}
    assert found[("m.room.topic", "")] == {"topic": "tea"}
    assert found[("org.halfdoor.posture", "")] == {"posture": "standard"}
    assert found[("m.room.member", ada.id)]["membership"] == "join"
    assert len(found) == len(events)


async def test_a_membership_is_changed_by_its_state_event(world: World) -> None:
    ada, ben = await world.person("ada"), await world.person("ben")
    world.connect(ada, ben)
    room = await ada.create()
    path = f"/rooms/{room}/state/m.room.member/{ben.id}"
    invited = await ada.put(path, {"membership": "invite"})
    event = await ada.get(path, format="event")
    assert event["event_id"] == invited["event_id"]
    assert event["content"]["membership"] == "invite"
    await ben.put(path, {"membership": "join"})
    assert await ben.get("/joined_rooms") == {"joined_rooms": [room]}


async def test_who_left_reads_the_state_they_left_behind(world: World) -> None:
    ada, ben, room = await world.pair()
    await ada.put(f"/rooms/{room}/state/m.room.topic", {"topic": "before"})
    await ben.post(f"/rooms/{room}/leave")
    await ada.put(f"/rooms/{room}/state/m.room.topic", {"topic": "after"})
    assert await ben.get(f"/rooms/{room}/state/m.room.topic") == {"topic": "before"}
    path = f"/rooms/{room}/state/m.room.member/{ben.id}"
    assert (await ben.get(path))["membership"] == "leave"
