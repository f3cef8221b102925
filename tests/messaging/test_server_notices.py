"""Where the server speaks: read-only, sealed, shown by every client, and no contact."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.messaging.little_house import DAY_MS
from tests.messaging.two_little_nodes import NodeHouse, two_nodes
from tests.messaging.whole_house import NAME, V3, Client, WholeHouse, whole_house

from halfdoor.messaging.server_notices import MOST_ROOMS, NoKeyYetError, ServerNotices
from halfdoor.sealing.epochs import parse_header

VOICE = f"@notices:{NAME}"
CANARY = "canary-notice-5f11"
_NO_END = 2**62


def voice_in(house: WholeHouse) -> ServerNotices:
    """Return what speaks in *house*, joined as the server joins it."""
    inside = house.house
    return ServerNotices(
        keeper=inside.keeper,
        store=inside.store.conversations,
        mailbox=inside.store.mailbox,
        rooms=inside.rooms,
        keys=inside.facts,
        keyring=inside.keyring,
        wakeups=inside.wakeups,
        server_name=NAME,
        k_id=inside.store.secrets().k_id,
        clock=inside.clock,
    )


async def say(house: WholeHouse, user: str, notice: str = "ntc_1", text: str = CANARY) -> str:
    event = await voice_in(house).say(user, notice, {"msgtype": "m.text", "body": text})
    assert event is not None
    return event


async def only_room(client: Client) -> tuple[str, dict[str, Any]]:
    joined: dict[str, Any] = (await client.sync())["rooms"]["join"]
    assert len(joined) == 1
    return next(iter(joined.items()))


def texts(section: dict[str, Any]) -> list[str]:
    return [
        one["content"]["body"] for one in section["timeline"]["events"] if "body" in one["content"]
    ]


def files_with(folder: Path, text: bytes) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file() and text in one.read_bytes()]


# --- what is refused ----------------------------------------------------------------------------


async def test_the_person_may_read_and_leave_and_nothing_else(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        alice, bob = await house.person("alice"), await house.person("bob")
        await house.connect(alice, bob)
        event = await say(house, alice.user)
        room, _ = await only_room(alice)
        here = f"{V3}/rooms/{quote(room)}"
        refused: list[tuple[str, str, dict[str, Any]]] = [
            ("PUT", f"{here}/send/m.room.message/1", {"msgtype": "m.text", "body": "hello?"}),
            ("PUT", f"{here}/send/m.reaction/2", {"m.relates_to": {"event_id": event}}),
            ("PUT", f"{here}/redact/{quote(event)}/3", {}),
            ("PUT", f"{here}/state/m.room.name", {"name": "mine"}),
            ("PUT", f"{here}/state/m.room.power_levels", {"users": {alice.user: 100}}),
            ("POST", f"{here}/invite", {"user_id": bob.user}),
            ("POST", f"{here}/kick", {"user_id": VOICE}),
            ("POST", f"{here}/ban", {"user_id": VOICE}),
        ]
        for method, path, body in refused:
            status, answer = await alice.any_status(method, path, body)
            assert (status, answer["errcode"]) == (403, "M_FORBIDDEN"), path
        await alice.ask("POST", f"{here}/leave", {})


async def test_nobody_else_gets_in_and_nobody_speaks_to_the_server(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        alice, bob = await house.person("alice"), await house.person("bob")
        await say(house, alice.user)
        room, _ = await only_room(alice)
        assert (await bob.any_status("POST", f"{V3}/join/{quote(room)}"))[0] == 403
        assert (await bob.any_status("GET", f"{V3}/rooms/{quote(room)}/messages?dir=b"))[0] == 403
        status, _ = await bob.any_status("POST", f"{V3}/createRoom", {"invite": [VOICE]})
        assert status == 403
        own = await bob.create()
        path = f"{V3}/rooms/{quote(own)}/invite"
        assert (await bob.any_status("POST", path, {"user_id": VOICE}))[0] == 404


async def test_somebody_without_a_key_is_told_nothing_yet(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        user = await house.house.register.make("never", "lamp-otter-never-cedar-93", None, 1)
        with pytest.raises(NoKeyYetError):
            await say(house, user)
        assert await house.house.store.mailbox.places(user) == []


async def test_a_notice_is_no_contact(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        alice = await house.person("alice")
        await say(house, alice.user)
        assert await house.house.people.connections(alice.user) == frozenset()
        contact = await house.house.store.mailbox.contact(VOICE, alice.user)
        assert (contact.sent, contact.closed_until) == (0, 0)
        found = await alice.ask("POST", f"{V3}/user_directory/search", {"search_term": "notices"})
        assert found["results"] == []
        room, _ = await only_room(alice)
        await alice.ask("POST", f"{V3}/rooms/{quote(room)}/leave", {})
        after = await house.house.store.mailbox.contact(VOICE, alice.user)
        assert after.closed_until == 0


async def test_the_server_keeps_nothing_that_opens_what_it_said(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        alice = await house.person("alice")
        await alice.ask("POST", f"{V3}/logout/all")
        house.house.keyring.sweep(1e12)
        event = await say(house, alice.user)
        conv = voice_in(house).room_of(alice.user, 0)
        record = await house.house.store.conversations.room(conv)
        assert record is not None
        # Sealed to the person alone, and shared for the escrow set, as any standard conversation.
        header = parse_header(record.header)
        assert [user for user, _ in header.members] == [alice.user]
        assert [entry.set for entry in header.escrow] == [house.escrow.hash]
        assert header.posture == "standard"
        stored = await house.house.store.conversations.event(conv, event)
        assert stored is not None
        assert stored.body is not None
        assert stored.body[0] == 1, "the message is sealed"
        assert CANARY.encode() not in stored.body
        assert record.head.hh is None, "nobody goes on under that key"
        assert len(house.house.keyring) == 0
    assert files_with(tmp_path, CANARY.encode()) == []


# --- what is shown ------------------------------------------------------------------------------


@pytest.mark.parametrize("band", ["adult", "16-17", "13-15", "under13", None])
async def test_everybody_is_shown_it_whatever_their_age(tmp_path: Path, band: str | None) -> None:
    async with whole_house(tmp_path) as house:
        alice = await house.person("alice", band)
        await say(house, alice.user)
        room, section = await only_room(alice)
        assert texts(section) == [CANARY]
        names = [
            one["content"].get("displayname")
            for one in section["state"]["events"] + section["timeline"]["events"]
            if one.get("state_key") == VOICE
        ]
        assert names == ["Notices"]
        tags = [one for one in section["account_data"]["events"] if one["type"] == "m.tag"]
        assert tags[0]["content"] == {"tags": {"m.server_notice": {}}}
        assert section["unread_notifications"]["notification_count"] == 1
        # Read back too: on another device, and by what a client asks beside sync.
        assert (await alice.history(room))[0]["content"]["body"] == CANARY
        path = f"{V3}/user/{quote(alice.user)}/rooms/{quote(room)}/tags"
        assert (await alice.ask("GET", path))["tags"] == {"m.server_notice": {}}


async def test_whoever_is_signed_out_reads_it_when_they_come_back(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        alice = await house.person("alice")
        await alice.ask("POST", f"{V3}/logout/all")
        house.house.keyring.sweep(1e12)
        await say(house, alice.user, "ntc_1", "one")
        await say(house, alice.user, "ntc_2", "two")
        back = await house.device(alice.user)
        _, section = await only_room(back)
        assert texts(section) == ["one", "two"]


async def test_a_suspended_person_reads_what_was_decided(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        alice = await house.person("alice")
        await house.house.people.suspend(alice.user, suspended=True)
        await say(house, alice.user)
        assert texts((await only_room(alice))[1]) == [CANARY]


async def test_a_waiting_client_is_woken(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        alice = await house.person("alice")
        since = (await alice.sync())["next_batch"]
        await say(house, alice.user)
        assert len((await alice.sync(since))["rooms"]["join"]) == 1
        since = (await alice.sync())["next_batch"]
        await say(house, alice.user, "ntc_2", "two")
        answer = await alice.sync(since)
        assert texts(next(iter(answer["rooms"]["join"].values()))) == ["two"]


async def test_all_that_is_said_stands_in_one_conversation_in_order(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        alice, bob = await house.person("alice"), await house.person("bob")
        for number in range(3):
            await say(house, alice.user, f"ntc_{number}", f"text {number}")
            house.clock.now += DAY_MS
        await say(house, bob.user, "ntc_9", "for bob")
        assert texts((await only_room(alice))[1]) == ["text 0", "text 1", "text 2"]
        assert texts((await only_room(bob))[1]) == ["for bob"]


async def test_what_is_said_twice_is_said_once(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        alice = await house.person("alice")
        first = await say(house, alice.user)
        assert await say(house, alice.user) == first
        # Also after a restart, and where the person has left meanwhile.
        await house.house.close()
        house.open()
        alice.caller.app = house.app
        assert await say(house, alice.user) == first
        room, section = await only_room(alice)
        assert texts(section) == [CANARY]
        await alice.ask("POST", f"{V3}/rooms/{quote(room)}/leave", {})
        assert await say(house, alice.user) == first
        assert "join" not in (await alice.sync()).get("rooms", {})


async def test_a_crash_between_conversation_and_words_is_mended(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        alice = await house.person("alice")
        voice = voice_in(house)
        # As a worker left it that died right behind its first step.
        await voice._create(alice.user, voice.room_of(alice.user, 0), ())
        await say(house, alice.user)
        _, section = await only_room(alice)
        assert texts(section) == [CANARY]
        assert any(one["type"] == "m.tag" for one in section["account_data"]["events"])


async def test_who_left_gets_a_new_conversation_with_the_next_notice(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        alice = await house.person("alice")
        await say(house, alice.user)
        room, _ = await only_room(alice)
        await alice.ask("POST", f"{V3}/rooms/{quote(room)}/leave", {})
        await say(house, alice.user, "ntc_2", "later")
        other, section = await only_room(alice)
        assert other != room
        assert texts(section) == ["later"]


async def test_who_leaves_every_time_is_left_alone_at_last(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        alice = await house.person("alice")
        for number in range(MOST_ROOMS):
            await say(house, alice.user, f"ntc_{number}")
            room, _ = await only_room(alice)
            await alice.ask("POST", f"{V3}/rooms/{quote(room)}/leave", {})
        content = {"msgtype": "m.text", "body": "again"}
        assert await voice_in(house).say(alice.user, "ntc_last", content) is None


async def test_two_workers_at_once_say_it_once(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        alice = await house.person("alice")
        said = await asyncio.gather(*(say(house, alice.user) for _ in range(4)))
        assert len(set(said)) == 1
        assert texts((await only_room(alice))[1]) == [CANARY]


async def test_two_nodes_say_it_once_and_know_what_the_other_did() -> None:
    first = two_nodes(lambda: False)
    voices = [voice_at(node) for node in first.peers]
    alice = await first.person("alice")
    words = {"msgtype": "m.text", "body": "one"}
    said = await asyncio.gather(*(one.say(alice.reader.user, "ntc_1", words) for one in voices))
    assert len(set(said)) == 1
    conv = voices[0].room_of(alice.reader.user, 0)
    assert voices[1].room_of(alice.reader.user, 0) == conv
    # She leaves at one node; the other, which no hint reached, does not speak to an empty room.
    await first.peers[0].moves.leave(alice.reader, conv)
    await voices[1].say(alice.reader.user, "ntc_2", {"msgtype": "m.text", "body": "two"})
    kept = first.shared.conversations
    messages = {
        room: [one for one in found.events if one.fields.type == "m.room.message"]
        for room, found in kept.items()
    }
    other = voices[0].room_of(alice.reader.user, 1)
    assert {room: len(found) for room, found in messages.items()} == {conv: 1, other: 1}


def voice_at(node: NodeHouse) -> ServerNotices:
    return ServerNotices(
        keeper=node.keeper,
        store=node.store,
        mailbox=node.store,
        rooms=node.rooms,
        keys=node.people,
        keyring=node.keyring,
        wakeups=node.wakeups,
        server_name="a.example",
        k_id=bytes(32),
        clock=node.clock,
    )


async def test_a_tag_of_ones_own_stays(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        alice = await house.person("alice")
        await say(house, alice.user)
        room, _ = await only_room(alice)
        path = f"{V3}/user/{quote(alice.user)}/rooms/{quote(room)}/tags"
        await alice.ask("PUT", f"{path}/m.lowpriority", {"order": 0.5})
        await alice.ask("DELETE", f"{path}/m.server_notice")
        await say(house, alice.user, "ntc_2", "two")
        assert (await alice.ask("GET", path))["tags"] == {"m.lowpriority": {"order": 0.5}}


async def test_the_server_has_no_inbox_that_grows(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        for name in ("alice", "bob"):
            client = await house.person(name)
            event = await say(house, client.user)
            room, _ = await only_room(client)
            await client.ask("POST", f"{V3}/rooms/{quote(room)}/receipt/m.read/{quote(event)}", {})
            path = f"{V3}/rooms/{quote(room)}/typing/{quote(client.user)}"
            await client.ask("PUT", path, {"typing": True, "timeout": 1000})
            section = (await only_room(client))[1]
            assert section["unread_notifications"]["notification_count"] == 0
        assert await house.house.store.mailbox.places(VOICE) == []
        assert await house.house.store.mailbox.position(VOICE) == 0


async def test_a_conversation_of_notices_is_whole_for_whoever_checks_it(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        alice = await house.person("alice")
        await say(house, alice.user)
        conv = voice_in(house).room_of(alice.user, 0)
        house.house.rooms.drop(conv)
        room = await house.house.rooms.caught_up(conv)
        assert (room.joined, room.creator) == ([VOICE, alice.user], VOICE)
        events = await house.house.store.conversations.events(
            conv, after=0, before=_NO_END, limit=50, newest_first=False
        )
        assert [one.seq for one in events] == list(range(1, len(events) + 1))
