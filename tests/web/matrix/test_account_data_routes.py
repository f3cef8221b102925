"""Account data and tags by HTTP."""

import asyncio

import pytest
from tests.web.matrix.conftest import Seat, World, refusal


def paths(user: str, room: str) -> list[str]:
    """Everything that is one's own."""
    return [
        f"/user/{user}/account_data/org.a",
        f"/user/{user}/rooms/{room}/account_data/org.a",
        f"/user/{user}/rooms/{room}/tags",
        f"/user/{user}/rooms/{room}/tags/u.work",
    ]


async def test_what_belongs_to_another_is_neither_read_nor_written(world: World) -> None:
    ada, ben, room = await world.pair()
    everywhere, here, tags, tag = paths(ben.id, room)
    for method, path in (
        ("GET", everywhere),
        ("PUT", everywhere),
        ("GET", here),
        ("PUT", here),
        ("GET", tags),
        ("PUT", tag),
        ("DELETE", tag),
    ):
        body: dict[str, int] | None = {} if method == "PUT" else None
        assert refusal(await ada.ask(method, path, body)) == (403, "M_FORBIDDEN")
    assert world.house.store.data.get(ben.id) is None


@pytest.mark.parametrize(
    ("raw", "status", "errcode"),
    [
        (b"", 400, "M_NOT_JSON"),
        (b"{", 400, "M_NOT_JSON"),
        (b"[]", 400, "M_BAD_JSON"),
        (b'{"a":"\\ud800"}', 400, "M_NOT_JSON"),
        (b'{"a":"' + b"a" * 262_144 + b'"}', 413, "M_TOO_LARGE"),
    ],
)
async def test_what_is_no_object_is_not_kept(
    world: World, raw: bytes, status: int, errcode: str
) -> None:
    ada, _, room = await world.pair()
    for path in paths(ada.id, room)[:2]:
        assert refusal(await ada.ask("PUT", path, raw=raw)) == (status, errcode)
    assert world.house.store.data.get(ada.id) is None


@pytest.mark.parametrize("kind", ["m.push_rules", "m.fully_read"])
async def test_what_has_an_endpoint_of_its_own_is_not_set_here(world: World, kind: str) -> None:
    ada, _, room = await world.pair()
    for path in (f"/user/{ada.id}/account_data", f"/user/{ada.id}/rooms/{room}/account_data"):
        assert refusal(await ada.ask("PUT", f"{path}/{kind}", {})) == (405, "M_BAD_JSON")


async def test_a_type_longer_than_a_name_may_be_is_refused(world: World) -> None:
    ada = await world.person("ada")
    answer = await ada.ask("PUT", f"/user/{ada.id}/account_data/{'t' * 256}", {})
    assert refusal(answer) == (413, "M_TOO_LARGE")


async def test_nothing_is_kept_about_a_room_one_does_not_have(world: World) -> None:
    ada, mallory = await world.person("ada"), await world.person("mallory")
    room = await ada.create()
    for where in (room, "!nowhere:a.example"):
        for path in (paths(mallory.id, where)[1], paths(mallory.id, where)[3]):
            assert refusal(await mallory.ask("PUT", path, {})) == (403, "M_FORBIDDEN")
    assert world.house.store.data.get(mallory.id) is None


async def test_what_is_not_there_is_not_found(world: World) -> None:
    ada, _, room = await world.pair()
    for path in paths(ada.id, room)[:2]:
        assert refusal(await ada.ask("GET", path)) == (404, "M_NOT_FOUND")


async def test_sealed_data_is_not_there_for_a_device_that_waits(world: World) -> None:
    ada = await world.person("ada")
    waiting = world.sit(Seat(ada.id, "NEW", "waiting", pending=True))
    sealed, clear = (
        f"/user/{ada.id}/account_data/{kind}" for kind in ("org.a", "m.ignored_user_list")
    )
    for path in (sealed, clear):
        await ada.put(path, {"ignored_users": {}})
    assert refusal(await waiting.ask("GET", sealed)) == (404, "M_NOT_FOUND")
    assert await waiting.get(clear) == {"ignored_users": {}}
    assert refusal(await waiting.ask("PUT", clear, {})) == (403, "M_FORBIDDEN")


async def test_a_session_that_lost_its_key_is_refused_without_a_cause(world: World) -> None:
    ada = await world.person("ada")
    world.house.keyring.forget(ada.seat.id)
    answer = await ada.ask("PUT", f"/user/{ada.id}/account_data/org.a", {})
    assert refusal(answer) == (403, "M_FORBIDDEN")
    assert set(answer.json()) == {"errcode", "error"}


async def test_account_data_comes_back_as_it_was_written(world: World) -> None:
    ada, _, room = await world.pair()
    content = {"n": 0.25, "deep": [{"ü": None}], "big": 2**70}
    for path in paths(ada.id, room)[:2]:
        assert await ada.put(path, content) == {}
        assert await ada.get(path) == content
    assert (await ada.get(f"/user/{ada.id}/account_data/m.push_rules"))["global"]["override"]


async def test_account_data_is_shown_by_sync(world: World) -> None:
    ada, _, room = await world.pair()
    token = (await ada.get("/sync"))["next_batch"]
    await ada.put(f"/user/{ada.id}/account_data/m.direct", {"@ben:a.example": [room]})
    answer = await ada.get("/sync", since=token)
    assert answer["account_data"]["events"] == [
        {"type": "m.direct", "content": {"@ben:a.example": [room]}}
    ]


# -- tags --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "body", "status", "errcode"),
    [
        ("u." + "t" * 254, {}, 400, "M_INVALID_PARAM"),
        ("u.work", {"order": "first"}, 400, "M_BAD_JSON"),
        ("u.work", {"order": [1]}, 400, "M_BAD_JSON"),
        ("u.work", [], 400, "M_BAD_JSON"),
        ("u.work", {"note": "n" * 65_530}, 413, "M_TOO_LARGE"),
    ],
)
async def test_a_tag_that_is_none_is_not_kept(
    world: World, tag: str, body: object, status: int, errcode: str
) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    path = f"/user/{ada.id}/rooms/{room}/tags"
    assert refusal(await ada.ask("PUT", f"{path}/{tag}", body)) == (status, errcode)
    assert await ada.get(path) == {"tags": {}}


async def test_more_tags_than_fit_into_an_event_are_refused(world: World) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    path = f"/user/{ada.id}/rooms/{room}/tags"
    await ada.put(f"{path}/u.one", {"note": "n" * 40_000})
    answer = await ada.ask("PUT", f"{path}/u.two", {"note": "n" * 40_000})
    assert refusal(answer) == (413, "M_TOO_LARGE")
    assert list((await ada.get(path))["tags"]) == ["u.one"]


async def test_tags_are_set_and_taken_away(world: World) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    path = f"/user/{ada.id}/rooms/{room}/tags"
    assert await ada.put(f"{path}/m.favourite", {"order": 0.25}) == {}
    assert await ada.put(f"{path}/u.a%2Fb", None) == {}
    kept = {"m.favourite": {"order": 0.25}, "u.a/b": {}}
    assert await ada.get(path) == {"tags": kept}
    assert await ada.get(f"/user/{ada.id}/rooms/{room}/account_data/m.tag") == {"tags": kept}
    for _ in range(2):
        gone = await ada.ask("DELETE", f"{path}/m.favourite")
        assert (gone.status_code, gone.json()) == (200, {})
    assert await ada.get(path) == {"tags": {"u.a/b": {}}}


async def test_tags_that_a_client_spoilt_are_begun_anew(world: World) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    path = f"/user/{ada.id}/rooms/{room}"
    await ada.put(f"{path}/account_data/m.tag", {"tags": [1]})
    assert await ada.get(f"{path}/tags") == {"tags": {}}
    await ada.put(f"{path}/tags/u.work", {})
    assert await ada.get(f"{path}/tags") == {"tags": {"u.work": {}}}


async def test_tags_set_at_the_same_time_are_all_kept(world: World) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    path = f"/user/{ada.id}/rooms/{room}/tags"
    await asyncio.gather(*(ada.put(f"{path}/u.{n}", {}) for n in range(5)))
    assert set((await ada.get(path))["tags"]) == {f"u.{n}" for n in range(5)}
