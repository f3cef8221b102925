"""Whoever shares a room hears that devices or keys are others, and nobody else does.

A `changed` that never comes leaves "encrypted by an unknown device" for ever (MATRIX §2, item 10).
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.e2ee.key_client import KeyedPerson
from tests.messaging.whole_house import V3, Client, WholeHouse, whole_house
from tests.web.matrix.key_house import (
    KEYS,
    Listener,
    friends,
    give_keys,
    listening,
)

from halfdoor.apps.device_telling import QUEUE
from halfdoor.apps.work import LEASE_MS
from halfdoor.messaging.device_lists import DeviceLists

NOTHING: tuple[list[str], list[str]] = ([], [])


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as opened:
        yield opened


async def three(house: WholeHouse) -> tuple[Client, Client, Client]:
    """Ada and Ben share a room; Eve shares none."""
    ada, ben, eve = [await house.person(name) for name in ("ada", "ben", "eve")]
    await friends(house, ada, ben)
    return ada, ben, eve


async def end_device(client: Client, device: str) -> None:
    path = f"{V3}/devices/{device}"
    asked = (await client.any_status("DELETE", path, {}))[1]
    name = client.user[1:].partition(":")[0]
    auth = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": client.user},
        "password": f"lamp-otter-{name}-cedar-93",
        "session": asked["session"],
    }
    await client.ask("DELETE", path, {"auth": auth})


async def test_a_first_sync_names_nobody(house: WholeHouse) -> None:
    ada, ben, _ = await three(house)
    await give_keys(ben)
    answer = await ada.sync()
    assert "device_lists" not in answer


async def test_strangers_hear_nothing_of_each_other(house: WholeHouse) -> None:
    _, ben, eve = await three(house)
    [listener] = await listening(eve)
    await give_keys(ben)
    assert await listener.hear() == NOTHING


async def test_an_upload_of_keys_is_told_to_both_sides(house: WholeHouse) -> None:
    ada, ben, _ = await three(house)
    both = await listening(ada, ben)
    device = await give_keys(ben)
    assert [await one.hear() for one in both] == [([ben.user], [])] * 2
    # The same again, and one-time keys, are no news.
    body = {"device_keys": device.identity(), "one_time_keys": device.one_time(1)}
    await ben.ask("POST", f"{KEYS}/upload", body)
    assert [await one.hear() for one in both] == [NOTHING] * 2


async def test_a_renamed_and_a_deleted_device_are_told(house: WholeHouse) -> None:
    ada, ben, _ = await three(house)
    await give_keys(ben)
    second = await house.device(ben.user)
    await give_keys(second)
    both = await listening(ada, ben)
    await ben.ask("PUT", f"{V3}/devices/{second.device}", {"display_name": "a phone"})
    assert [await one.hear() for one in both] == [([ben.user], [])] * 2
    await end_device(ben, second.device)
    assert [await one.hear() for one in both] == [([ben.user], [])] * 2


async def test_a_logout_is_told(house: WholeHouse) -> None:
    ada, ben, _ = await three(house)
    await give_keys(ben)
    [listener] = await listening(ada)
    await ben.ask("POST", f"{V3}/logout")
    assert await listener.hear() == ([ben.user], [])


async def test_people_without_keys_make_no_noise(house: WholeHouse) -> None:
    ada, ben, _ = await three(house)
    [listener] = await listening(ada)
    second = await house.device(ben.user)
    await second.ask("POST", f"{V3}/logout")
    assert await listener.hear() == NOTHING


async def test_cross_signing_and_each_signature_are_told(house: WholeHouse) -> None:
    ada, ben, _ = await three(house)
    device = await give_keys(ben)
    both = await listening(ada, ben)
    person = KeyedPerson(ben.user)
    await ben.ask("POST", f"{KEYS}/device_signing/upload", person.upload(device))
    assert [await one.hear() for one in both] == [([ben.user], [])] * 2
    signed = person.self_signing.sign(device.identity(), ben.user)
    body = {ben.user: {ben.device: signed}}
    for told in (([ben.user], []), NOTHING):
        # The second time it is there already.
        await ben.ask("POST", f"{KEYS}/signatures/upload", body)
        assert [await one.hear() for one in both] == [told] * 2


async def test_a_signature_on_another_person_is_told_to_its_signer_alone(
    house: WholeHouse,
) -> None:
    ada, ben, _ = await three(house)
    adas, bens = KeyedPerson(ada.user), KeyedPerson(ben.user)
    for client, person in ((ada, adas), (ben, bens)):
        await client.ask("POST", f"{KEYS}/device_signing/upload", person.upload())
    both = await listening(ada, ben)
    master = adas.user_signing.sign(bens.key("master", bens.master), ada.user)
    body = {ben.user: {bens.master.public: master}}
    done = await ada.ask("POST", f"{KEYS}/signatures/upload", body)
    assert done == {"failures": {}}
    assert [await one.hear() for one in both] == [([ben.user], []), NOTHING]


async def test_two_who_begin_to_share_a_room_hear_of_each_other(house: WholeHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    await house.connect(ada, ben)
    both = await listening(ada, ben)
    room = await ada.create(ben)
    adas, bens = [await one.hear() for one in both]
    assert ben.user in adas[0]
    assert bens == ([ada.user, ben.user], [])
    await ben.join(room)
    assert ada.user in (await both[1].hear())[0]


async def test_two_who_cease_to_share_a_room_hear_that_the_other_left(house: WholeHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    rooms = [await friends(house, ada, ben) for _ in range(2)]
    both = await listening(ada, ben)
    await ben.ask("POST", f"{V3}/rooms/{rooms[0]}/leave")
    # There is another room that both are in.
    assert [await one.hear() for one in both] == [NOTHING] * 2
    await ben.ask("POST", f"{V3}/rooms/{rooms[1]}/leave")
    assert [await one.hear() for one in both] == [([], [ben.user]), ([], [ada.user])]


async def test_messages_names_and_receipts_are_no_news_of_devices(house: WholeHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    room = await friends(house, ada, ben)
    [listener] = await listening(ada)
    await ben.say(room, "hello")
    await ben.ask("PUT", f"{V3}/profile/{ben.user}/displayname", {"displayname": "Benjamin"})
    assert await listener.hear() == NOTHING


async def test_keys_changes_says_what_sync_said(house: WholeHouse) -> None:
    ada, ben, _ = await three(house)
    [listener] = await listening(ada)
    begin = listener.token or ""
    await give_keys(ben)
    room = next(iter((await ada.sync())["rooms"]["join"]))
    between = (await ada.sync())["next_batch"]
    await ben.ask("POST", f"{V3}/rooms/{room}/leave")
    end = (await ada.sync())["next_batch"]
    assert await listener.changes(begin, between) == NOTHING
    assert await listener.changes(begin, end) == ([], [ben.user]) == await listener.hear()
    assert await listener.changes(end, end) == NOTHING
    path = f"{KEYS}/changes?from={end}&to={begin}"
    assert (await ada.any_status("GET", path))[0] == 400
    assert (await ada.any_status("GET", f"{KEYS}/changes?from={end}"))[0] == 400


async def test_who_comes_back_with_a_token_of_another_time_asks_for_everybody(
    house: WholeHouse,
) -> None:
    ada, ben, eve = await three(house)
    [listener] = await listening(ada)
    listener.token = "elsewhere.5.boot.0"
    changed, _ = await listener.hear()
    assert changed == sorted([ada.user, ben.user])
    assert eve.user not in changed


async def test_a_crash_between_the_write_and_the_telling_loses_no_change(
    house: WholeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, ben, _ = await three(house)
    listeners = await listening(ada)

    async def die(*_args: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(DeviceLists, "tell", die)
        with pytest.raises(AssertionError):
            await give_keys(ben)
    assert await listeners[0].hear() == NOTHING
    await house.house.close()
    house.open()
    house.clock.now += 10 * LEASE_MS
    await house.house.sweep_work()
    assert await listeners_anew(house, listeners[0]) == ([ben.user], [])
    assert await house.house.store.jobs.claim(house.clock.now_ms() * 2, LEASE_MS, QUEUE) is None


async def listeners_anew(house: WholeHouse, listener: Listener) -> tuple[list[str], list[str]]:
    """Let a client of before go on with the house as it was opened again."""
    again = await house.device(listener.client.user)
    fresh = Listener(again)
    fresh.token = listener.token
    return await fresh.hear()
