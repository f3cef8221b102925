"""What one node was told binds the next request at the other, with hints and without."""

from typing import Any
from urllib.parse import quote

from tests.bus.two_nodes import At, Two, password, texts
from tests.messaging.encrypted_rooms import ENCRYPTION, ciphertext

from halfdoor.accounts.records import PersonRecord


async def warm(who: At, room: str) -> None:
    """Let the node at hand remember all it can about *who* and *room*."""
    await who.sync()
    await who.say(room, "warm")
    await who.history(room)


def unread(answer: dict[str, Any], room: str) -> int:
    count: int = answer["rooms"]["join"][room]["unread_notifications"]["notification_count"]
    return count


async def test_a_suspended_person_cannot_write_at_the_other_node(two: Two) -> None:
    alice, ben, room = await two.pair()
    await warm(ben, room)
    await two.a.house.people.suspend(ben.user, suspended=True)
    assert await ben.cannot_say(room) == (403, "M_USER_SUSPENDED")
    assert await ben.refused("POST", "/createRoom", {"invite": [alice.user]}) == (
        403,
        "M_USER_SUSPENDED",
    )
    await two.a.house.people.suspend(ben.user, suspended=False)
    await ben.say(room, "again")


async def test_who_is_put_out_at_one_node_is_out_at_the_other(two: Two) -> None:
    alice, ben, room = await two.pair()
    await warm(ben, room)
    before = (await ben.sync())["next_batch"]
    await alice.ask("POST", f"/rooms/{quote(room)}/kick", {"user_id": ben.user})
    await alice.say(room, "without ben")
    assert (await ben.cannot_say(room))[0] == 403
    assert "without ben" not in [one["content"].get("body") for one in await ben.history(room)]
    answer = await ben.sync(before)
    assert room in answer["rooms"]["leave"]
    assert room not in answer["rooms"].get("join", {})
    assert "without ben" not in str(answer)
    path = f"/rooms/{quote(room)}/joined_members"
    assert await ben.refused("GET", path) == (403, "M_FORBIDDEN")


async def test_a_block_at_one_node_hides_what_is_sent_at_the_other(two: Two) -> None:
    alice, ben, room = await two.pair()
    await warm(ben, room)
    await warm(alice, room)
    since = (await alice.sync())["next_batch"]
    await two.a.house.people.block(alice.user, ben.user, 1)
    await ben.say(room, "into the wind")
    assert "into the wind" not in str(await alice.sync(since))
    # Nor does she see it from the node that he wrote at.
    assert "into the wind" not in str(await alice.at(two.b).history(room))
    await two.b.house.people.unblock(alice.user, ben.user)
    await ben.say(room, "back again")
    assert texts(await alice.sync(since), room) == ["back again"]


async def test_an_ignore_list_and_a_push_rule_bind_the_sender_at_the_other_node(two: Two) -> None:
    alice, ben, room = await two.pair()
    await warm(ben, room)
    answer = await alice.sync()
    assert unread(answer, room) == 1
    path = f"/pushrules/global/room/{quote(room)}"
    await alice.ask("PUT", path, {"actions": []})
    await ben.say(room, "quietly")
    answer = await alice.sync(answer["next_batch"])
    assert unread(answer, room) == 1
    await alice.ask("DELETE", path)
    await ben.say(room, "aloud")
    answer = await alice.sync(answer["next_batch"])
    assert unread(answer, room) == 2
    ignored: dict[str, Any] = {"ignored_users": {ben.user: {}}}
    path = f"/user/{quote(alice.user)}/account_data/m.ignored_user_list"
    await alice.ask("PUT", path, ignored)
    await ben.say(room, "unheard")
    assert "unheard" not in str(await alice.sync(answer["next_batch"]))


async def test_an_age_learnt_at_one_node_ends_encrypted_words_at_the_other(two: Two) -> None:
    alice, ben, clear = await two.pair()
    room = await alice.create(ben, initial_state=[ENCRYPTION])
    await ben.join(room)
    path = f"/rooms/{quote(room)}/send/m.room.encrypted"
    for who in (alice, ben):
        await who.ask("PUT", f"{path}/before", ciphertext())
    await two.a.house.people.change({ben.user: {"age_band": "13-15", "age_source": "id-check"}})
    for who in (alice, ben):
        assert await who.refused("PUT", f"{path}/after", ciphertext()) == (403, "M_FORBIDDEN")
    await two.a.house.people.change({ben.user: {"age_band": "adult"}})
    for who in (alice, ben):
        await who.ask("PUT", f"{path}/after", ciphertext())
        await who.say(clear, "as before")


async def test_a_token_that_was_logged_out_opens_nothing_at_the_other_node(two: Two) -> None:
    alice, _, room = await two.pair()
    there = alice.at(two.b)
    await warm(there, room)
    await alice.ask("POST", "/logout")
    assert await there.refused("GET", "/sync") == (401, "M_UNKNOWN_TOKEN")
    assert two.b.house.keyring.sessions(alice.user) == []


async def test_a_changed_password_ends_the_sessions_of_the_other_node(two: Two) -> None:
    alice, _, room = await two.pair()
    there = await At(two.b, alice.user).sign_in()
    await warm(there, room)
    identifier = {"type": "m.id.user", "user": alice.user}
    auth = {"type": "m.login.password", "identifier": identifier, "password": password("alice")}
    body = {"new_password": "heron stood in the reeds 7", "auth": auth, "logout_devices": True}
    await alice.ask("POST", "/account/password", body)
    assert await there.refused("GET", "/account/whoami") == (401, "M_UNKNOWN_TOKEN")
    await At(two.b, alice.user).sign_in("heron stood in the reeds 7")


async def test_what_was_begun_at_one_node_is_proved_at_the_other(two: Two) -> None:
    alice, _, _ = await two.pair()
    status, first = await alice.any("POST", "/account/password", {"new_password": "x" * 20})
    assert status == 401
    identifier = {"type": "m.id.user", "user": alice.user}
    auth = {
        "type": "m.login.password",
        "identifier": identifier,
        "password": password("alice"),
        "session": first["session"],
    }
    there = alice.at(two.b)
    wrong = {**auth, "password": "not this one at all"}
    body = {"new_password": "heron stood in the reeds 7", "auth": wrong}
    status, again = await there.any("POST", "/account/password", body)
    assert (status, again["errcode"]) == (401, "M_FORBIDDEN")
    await there.ask("POST", "/account/password", {**body, "auth": auth})


async def test_facts_and_connections_of_one_node_decide_at_the_other(two: Two) -> None:
    alice, ben, room = await two.pair()
    await warm(ben, room)
    await warm(alice, room)
    # An adult and a minor who are not connected never write to each other.
    await two.a.house.people.change({alice.user: {"age_band": "minor_13_15"}})
    await ben.say(room, "still connected")
    await two.a.house.people.disconnect(alice.user, ben.user)
    assert (await ben.cannot_say(room))[0] == 403
    await two.b.house.people.change({alice.user: {"age_band": "adult"}})
    await alice.say(room, "grown up")


async def test_a_new_epoch_a_redaction_and_a_receipt_of_one_node_show_at_the_other(
    two: Two,
) -> None:
    alice, ben, room = await two.pair()
    await warm(ben, room)
    target = await alice.say(room, "take this back")
    since = (await ben.sync())["next_batch"]
    # A topic begins a new epoch with the next join, and a name is sealed state.
    await alice.ask("PUT", f"/rooms/{quote(room)}/state/m.room.name", {"name": "den"})
    assert (await ben.ask("GET", f"/rooms/{quote(room)}/state/m.room.name"))["name"] == "den"
    await alice.ask("PUT", f"/rooms/{quote(room)}/redact/{quote(target)}/r1", {})
    shown = {one["event_id"]: one for one in await ben.history(room)}
    assert shown[target]["content"] == {}
    two.a.house.clock.now += 86_400_000  # type: ignore[attr-defined]  # another day, another key
    newest = await alice.say(room, "a new day")
    assert texts(await ben.sync(since), room) == ["a new day"]
    await ben.say(room, "at this one too")
    await alice.sync()
    await alice.ask("POST", f"/rooms/{quote(room)}/receipt/m.read/{quote(newest)}", {})
    answer = await ben.sync()
    told = answer["rooms"]["join"][room]["ephemeral"]["events"]
    assert newest in str(told)
    assert alice.user in str(told)


async def test_platform_facts_of_two_nodes_are_laid_over_each_other(two: Two) -> None:
    ben = await two.b.person("ben")
    await two.b.house.people.person(ben.user)
    await two.a.house.people.change({ben.user: {"region": "FI"}})
    await two.b.house.people.look_anew([ben.user])
    found = await two.b.house.people.person(ben.user)
    assert found == PersonRecord(user=ben.user, age_band="adult", age_source="test", region="FI")
