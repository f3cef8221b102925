"""Key backup over HTTP: what is refused, which copy stays, and how keys come back."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from tests.web.house_fixture import SERVER, WholeHouse, good, refusal, whole_house
from tests.web.matrix.conftest import Seat

from halfdoor.e2ee.key_backups import MAX_DESCRIPTION_BYTES, MAX_KEY_BYTES
from halfdoor.web.errors import ApiError
from halfdoor.web.matrix.room_keys import MAX_BODY_BYTES, routes

VERSIONS, KEYS = "/room_keys/version", "/room_keys/keys"
ROOM, OTHER = f"!a:{SERVER}", f"!b:{SERVER}"
# What clients make may hold slashes and plus signs (base64).
SESSION = "abc+/def"
QUOTED = "abc%2B%2Fdef"
ABOUT = {
    "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
    "auth_data": {"public_key": "abc", "signatures": {}},
}
NONE = (404, "M_NOT_FOUND")


class Alice:
    """A person with a signed-in device."""

    def __init__(self, house: WholeHouse, token: str) -> None:
        self.house = house
        self.token = token

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        return await self.house.ask(method, path, body, token=self.token, **query)

    async def begin(self) -> str:
        version: str = good(await self.ask("POST", VERSIONS, ABOUT))["version"]
        return version

    async def standing(self) -> tuple[str, int]:
        shown = good(await self.ask("GET", VERSIONS))
        return shown["etag"], shown["count"]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as house:
        await house.person("alice")
        yield house


@pytest.fixture
async def alice(house: WholeHouse) -> Alice:
    return Alice(house, (await house.sign_in("alice"))["access_token"])


def key(index: int = 0, forwarded: int = 0, *, verified: bool = False, size: int = 3) -> Any:
    return {
        "first_message_index": index,
        "forwarded_count": forwarded,
        "is_verified": verified,
        "session_data": {"ciphertext": "x" * size, "ephemeral": "e", "mac": "m"},
    }


FOURTEEN = [
    *((method, path) for path in (KEYS, f"{KEYS}/r", f"{KEYS}/r/s") for method in ("PUT", "GET")),
    *(("DELETE", path) for path in (KEYS, f"{KEYS}/r", f"{KEYS}/r/s")),
    *((method, VERSIONS) for method in ("POST", "GET")),
    *((method, f"{VERSIONS}/1") for method in ("GET", "PUT", "DELETE")),
]


# --- what is refused ------------------------------------------------------------------------


async def test_backups_are_for_approved_devices_of_those_who_are_signed_in(
    house: WholeHouse,
) -> None:
    await house.sign_in_by_jwt("carol", device_id="LIVE")
    waiting = await house.sign_in_by_jwt("carol", device_id="WAITS")
    assert waiting["org.halfdoor.pending"] is True
    assert len(FOURTEEN) == 14
    for method, path in FOURTEEN:
        answer = await house.ask(method, path, {})
        assert refusal(answer) == (401, "M_MISSING_TOKEN"), (method, path)
        answer = await house.ask(method, path, {}, token=waiting["access_token"])
        assert refusal(answer) == (403, "M_FORBIDDEN"), (method, path)
        assert answer.json()["org.halfdoor.pending"] is True


async def test_a_session_with_a_former_key_reads_and_changes_nothing(house: WholeHouse) -> None:
    former, request = Seat(f"@alice:{SERVER}", "OLD", "former", closed=True), cast("Any", None)
    writing = [one for one in routes(house.house.e2ee.key_backups) if one.method != "GET"]
    assert len(writing) == 9
    for route in writing:
        with pytest.raises(ApiError) as refused:
            await route.handler(request, former)
        assert (refused.value.status, refused.value.errcode) == (403, "M_FORBIDDEN")
        assert "can only read" in refused.value.text


async def test_without_a_backup_everything_answers_that_there_is_none(alice: Alice) -> None:
    nothing: Any = {"rooms": {}}
    for version in ("1", "0", "-1", "01", "x", "9" * 30, "٣"):
        for method, path, body in (
            ("GET", f"{VERSIONS}/{version}", None),
            ("PUT", f"{VERSIONS}/{version}", ABOUT),
            ("DELETE", f"{VERSIONS}/{version}", None),
        ):
            assert refusal(await alice.ask(method, path, body)) == NONE, (method, version)
        for method, path, body in (
            ("GET", KEYS, None),
            ("GET", f"{KEYS}/{ROOM}", None),
            ("GET", f"{KEYS}/{ROOM}/s", None),
            ("PUT", KEYS, nothing),
            ("DELETE", KEYS, None),
        ):
            answer = await alice.ask(method, path, body, version=version)
            assert refusal(answer) == NONE, (method, version)
    assert refusal(await alice.ask("GET", VERSIONS)) == NONE


async def test_keys_for_an_older_backup_are_refused_with_the_newest_version(
    alice: Alice,
) -> None:
    old, new = await alice.begin(), await alice.begin()
    for path, body in (
        (KEYS, {"rooms": {ROOM: {"sessions": {"s": key()}}}}),
        (f"{KEYS}/{ROOM}", {"sessions": {"s": key()}}),
        (f"{KEYS}/{ROOM}/s", key()),
    ):
        answer = await alice.ask("PUT", path, body, version=old)
        assert refusal(answer) == (403, "M_WRONG_ROOM_KEYS_VERSION")
        assert answer.json()["current_version"] == new
    assert good(await alice.ask("GET", KEYS, version=old)) == {"rooms": {}}


async def test_a_request_with_a_fault_keeps_nothing(alice: Alice) -> None:
    version = await alice.begin()
    long = key(size=MAX_KEY_BYTES)
    for sessions, errcode in (
        ({"s": {**key(), "is_verified": "yes"}}, "M_BAD_JSON"),
        ({"s": {**key(), "first_message_index": -1}}, "M_INVALID_PARAM"),
        ({"s": {**key(), "session_data": "x"}}, "M_BAD_JSON"),
        ({"s": {}}, "M_MISSING_PARAM"),
        ({"s": []}, "M_BAD_JSON"),
        ({"": key()}, "M_INVALID_PARAM"),
        ({"s" * 256: key()}, "M_INVALID_PARAM"),
        ({"s\0": key()}, "M_INVALID_PARAM"),
        ({"s\n": key()}, "M_INVALID_PARAM"),
        ({"s": long}, "M_TOO_LARGE"),
        ([], "M_BAD_JSON"),
    ):
        mixed = {"before": key(), **sessions} if isinstance(sessions, dict) else sessions
        body = {"rooms": {ROOM: {"sessions": mixed}}}
        assert refusal(await alice.ask("PUT", KEYS, body, version=version))[1] == errcode
    for room in ("", "!", "room", "!" + "r" * 255):
        body = {"rooms": {room: {"sessions": {"s": key()}}}}
        answer = await alice.ask("PUT", KEYS, body, version=version)
        assert refusal(answer) == (400, "M_INVALID_PARAM")
    answer = await alice.ask("PUT", KEYS, {"rooms": {}})
    assert refusal(answer) == (400, "M_MISSING_PARAM")
    raw = await alice.house.ask("PUT", KEYS, token=alice.token, raw=b"{", version=version)
    assert refusal(raw) == (400, "M_NOT_JSON")
    assert await alice.standing() == ("0", 0)


async def test_a_request_of_more_than_four_mebibytes_is_not_read(alice: Alice) -> None:
    version = await alice.begin()
    raw = b" " * (MAX_BODY_BYTES + 1)
    answer = await alice.house.ask("PUT", KEYS, token=alice.token, raw=raw, version=version)
    assert refusal(answer) == (413, "M_TOO_LARGE")
    sessions = {f"s{number}": key(size=15_000) for number in range(250)}
    body = {"rooms": {ROOM: {"sessions": sessions}}}
    assert good(await alice.ask("PUT", KEYS, body, version=version))["count"] == 250


async def test_what_is_said_of_a_backup_has_bounds(alice: Alice) -> None:
    long = {**ABOUT, "auth_data": {"public_key": "x" * MAX_DESCRIPTION_BYTES}}
    assert refusal(await alice.ask("POST", VERSIONS, long)) == (413, "M_TOO_LARGE")
    assert refusal(await alice.ask("POST", VERSIONS, {})) == (400, "M_MISSING_PARAM")
    wrong = {**ABOUT, "auth_data": "x"}
    assert refusal(await alice.ask("POST", VERSIONS, wrong)) == (400, "M_BAD_JSON")
    path = f"{VERSIONS}/{await alice.begin()}"
    assert refusal(await alice.ask("PUT", path, long)) == (413, "M_TOO_LARGE")
    for changed in ({**ABOUT, "algorithm": "m.other"}, {**ABOUT, "version": "7"}):
        assert refusal(await alice.ask("PUT", path, changed)) == (400, "M_INVALID_PARAM")
    assert good(await alice.ask("GET", path))["auth_data"] == ABOUT["auth_data"]


async def test_nobody_reaches_the_backup_of_another_person(house: WholeHouse, alice: Alice) -> None:
    version = await alice.begin()
    good(await alice.ask("PUT", f"{KEYS}/{ROOM}/s", key(), version=version))
    await house.person("bob")
    bob = Alice(house, (await house.sign_in("bob"))["access_token"])
    for method in ("GET", "DELETE"):
        assert refusal(await bob.ask(method, KEYS, version=version)) == NONE
        assert refusal(await bob.ask(method, f"{VERSIONS}/{version}")) == NONE
    assert await alice.standing() == ("1", 1)


async def test_dehydrated_devices_are_not_recognized(alice: Alice) -> None:
    place = "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device"
    for method, path in (
        *((method, place) for method in ("GET", "PUT", "DELETE")),
        ("POST", f"{place}/DEVICE/events"),
        ("GET", "/dehydrated_device"),
    ):
        # M_NOT_FOUND would say that there could be one.
        assert refusal(await alice.ask(method, path, {})) == (404, "M_UNRECOGNIZED")


# --- what comes back ------------------------------------------------------------------------


async def test_a_backup_is_shown_as_it_was_begun_and_described(alice: Alice) -> None:
    version = await alice.begin()
    shown = {**ABOUT, "version": version, "etag": "0", "count": 0}
    assert good(await alice.ask("GET", VERSIONS)) == shown
    assert good(await alice.ask("GET", f"{VERSIONS}/{version}")) == shown
    newer = {**ABOUT, "auth_data": {"public_key": "abc", "signatures": {"a": {"b": "c"}}}}
    assert (
        good(await alice.ask("PUT", f"{VERSIONS}/{version}", {**newer, "version": version})) == {}
    )
    assert good(await alice.ask("GET", VERSIONS))["auth_data"] == newer["auth_data"]


async def test_keys_come_back_as_they_were_sent_whole_by_room_and_alone(alice: Alice) -> None:
    version = await alice.begin()
    assert good(await alice.ask("GET", KEYS, version=version)) == {"rooms": {}}
    rooms = {
        ROOM: {"sessions": {SESSION: key(1), "other": key(2)}},
        OTHER: {"sessions": {'a "quoted" name': key(3)}},
    }
    body: dict[str, Any] = {"rooms": rooms}
    answer = good(await alice.ask("PUT", KEYS, body, version=version))
    assert answer == {"etag": "1", "count": 3}
    assert good(await alice.ask("GET", KEYS, version=version)) == body
    assert good(await alice.ask("GET", f"{KEYS}/{ROOM}", version=version)) == rooms[ROOM]
    path = f"{KEYS}/{ROOM}/{QUOTED}"
    assert good(await alice.ask("GET", path, version=version)) == key(1)
    empty = await alice.ask("GET", f"{KEYS}/!none:{SERVER}", version=version)
    assert good(empty) == {"sessions": {}}
    assert refusal(await alice.ask("GET", f"{KEYS}/{OTHER}/s", version=version)) == NONE


async def test_each_way_of_putting_and_deleting_changes_mark_and_count(alice: Alice) -> None:
    version = await alice.begin()
    steps = (
        ("PUT", f"{KEYS}/{ROOM}/{QUOTED}", key(), 1),
        ("PUT", f"{KEYS}/{ROOM}", {"sessions": {"s2": key(), "s3": key()}}, 3),
        ("PUT", KEYS, {"rooms": {OTHER: {"sessions": {"s4": key()}}}}, 4),
        ("PUT", f"{KEYS}/{ROOM}/{QUOTED}", key(verified=True), 4),
        ("DELETE", f"{KEYS}/{ROOM}/{QUOTED}", None, 3),
        ("DELETE", f"{KEYS}/{ROOM}", None, 1),
        ("DELETE", KEYS, None, 0),
    )
    for number, (method, path, body, count) in enumerate(steps, 1):
        answer = good(await alice.ask(method, path, body, version=version))
        assert answer == {"etag": str(number), "count": count}, (method, path)
        assert await alice.standing() == (str(number), count)


async def test_the_better_copy_stays(alice: Alice) -> None:
    version = await alice.begin()
    path = f"{KEYS}/{ROOM}/s"
    for sent, stays in (
        (key(5, 5), key(5, 5)),
        (key(5, 6), key(5, 5)),
        (key(5, 4), key(5, 4)),
        (key(6, 0), key(5, 4)),
        (key(4, 9), key(4, 9)),
        (key(9, 9, verified=True), key(9, 9, verified=True)),
        (key(0, 0), key(9, 9, verified=True)),
    ):
        good(await alice.ask("PUT", path, sent, version=version))
        assert good(await alice.ask("GET", path, version=version)) == stays


async def test_another_device_restores_more_than_a_page(house: WholeHouse, alice: Alice) -> None:
    version = await alice.begin()
    for room in (ROOM, OTHER):
        body = {"sessions": {f"s{number}": key(number) for number in range(300)}}
        good(await alice.ask("PUT", f"{KEYS}/{room}", body, version=version))
    again = Alice(house, (await house.sign_in("alice", device_id="NEW"))["access_token"])
    shown = good(await again.ask("GET", VERSIONS))
    assert (shown["version"], shown["count"]) == (version, 600)
    rooms = good(await again.ask("GET", KEYS, version=version))["rooms"]
    assert {room: len(keys["sessions"]) for room, keys in rooms.items()} == {ROOM: 300, OTHER: 300}
    assert rooms[OTHER]["sessions"]["s299"] == key(299)


async def test_a_deleted_backup_is_gone_and_the_one_before_takes_keys_again(alice: Alice) -> None:
    old, new = await alice.begin(), await alice.begin()
    good(await alice.ask("PUT", f"{KEYS}/{ROOM}/s", key(), version=new))
    assert good(await alice.ask("DELETE", f"{VERSIONS}/{new}")) == {}
    assert refusal(await alice.ask("GET", KEYS, version=new)) == NONE
    assert refusal(await alice.ask("DELETE", f"{VERSIONS}/{new}")) == NONE
    assert good(await alice.ask("GET", VERSIONS))["version"] == old
    good(await alice.ask("PUT", f"{KEYS}/{ROOM}/s", key(), version=old))
    assert int(await alice.begin()) > int(new)
