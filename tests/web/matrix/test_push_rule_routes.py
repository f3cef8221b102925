"""Push rules by HTTP."""

import asyncio

import pytest
from tests.web.matrix.conftest import Seat, World, refusal

RULE = {"conditions": [], "actions": ["notify"]}
MASTER = "/pushrules/global/override/.m.rule.master"


@pytest.mark.parametrize(
    ("path", "body", "status", "errcode"),
    [
        ("global/other/mine", RULE, 400, "M_INVALID_PARAM"),
        ("global/override/.m.rule.mine", RULE, 400, "M_INVALID_PARAM"),
        ("global/override/a%2Fb", RULE, 400, "M_INVALID_PARAM"),
        ("global/override/mine", {}, 400, "M_INVALID_PARAM"),
        ("global/override/mine", {"actions": ["shout"]}, 400, "M_INVALID_PARAM"),
        ("global/override/mine", {"actions": [], "conditions": {}}, 400, "M_INVALID_PARAM"),
        ("global/content/mine", {"actions": []}, 400, "M_INVALID_PARAM"),
        ("global/override/mine?before=other", RULE, 400, "M_UNKNOWN"),
        ("global/override/mine?after=.m.rule.master", RULE, 400, "M_UNKNOWN"),
        ("global/override/mine", [], 400, "M_BAD_JSON"),
        ("global/override/mine/enabled", {"enabled": True}, 404, "M_NOT_FOUND"),
        ("global/override/.m.rule.master/enabled", {"enabled": 1}, 400, "M_INVALID_PARAM"),
        ("global/override/.m.rule.master/actions", {"actions": "x"}, 400, "M_INVALID_PARAM"),
    ],
)
async def test_a_rule_that_is_none_is_not_kept(
    world: World, path: str, body: object, status: int, errcode: str
) -> None:
    ada = await world.person("ada")
    before = await ada.get("/pushrules/")
    assert refusal(await ada.ask("PUT", f"/pushrules/{path}", body)) == (status, errcode)
    assert await ada.get("/pushrules/") == before


async def test_a_rule_that_is_not_there_is_not_found(world: World) -> None:
    ada = await world.person("ada")
    path = "/pushrules/global/room/!r:a.example"
    for part in ("", "/actions", "/enabled"):
        assert refusal(await ada.ask("GET", path + part)) == (404, "M_NOT_FOUND")
    assert refusal(await ada.ask("DELETE", path)) == (404, "M_NOT_FOUND")
    assert refusal(await ada.ask("DELETE", MASTER)) == (400, "M_INVALID_PARAM")


async def test_a_device_that_waits_changes_no_rule(world: World) -> None:
    ada = await world.person("ada")
    waiting = world.sit(Seat(ada.id, "NEW", "waiting", pending=True))
    answer = await waiting.ask("PUT", f"{MASTER}/enabled", {"enabled": True})
    assert refusal(answer) == (403, "M_FORBIDDEN")
    assert await waiting.get(f"{MASTER}/enabled") == {"enabled": False}


async def test_rules_are_read_whole_and_in_parts(world: World) -> None:
    ada = await world.person("ada")
    everything = await ada.get("/pushrules/")
    assert await ada.get("/pushrules/global/") == everything["global"]
    master = await ada.get(MASTER)
    assert master == everything["global"]["override"][0]
    assert await ada.get(f"{MASTER}/actions") == {"actions": master["actions"]}
    assert await ada.get(f"{MASTER}/enabled") == {"enabled": False}


async def test_rules_are_made_ordered_changed_and_removed(world: World) -> None:
    ada = await world.person("ada")
    path = "/pushrules/global/override"
    assert await ada.put(f"{path}/one", RULE) == {}
    assert await ada.put(f"{path}/two", RULE, after="one") == {}
    assert await ada.put(f"{path}/three", RULE, before="two") == {}
    rules = (await ada.get("/pushrules/global/"))["override"]
    assert [rule["rule_id"] for rule in rules if not rule["default"]] == ["one", "three", "two"]
    assert await ada.put(f"{path}/one/enabled", {"enabled": False}) == {}
    assert await ada.put(f"{path}/one/actions", {"actions": []}) == {}
    one = await ada.get(f"{path}/one")
    assert (one["enabled"], one["actions"]) == (False, [])
    gone = await ada.ask("DELETE", f"{path}/one")
    assert (gone.status_code, gone.json()) == (200, {})
    assert refusal(await ada.ask("GET", f"{path}/one")) == (404, "M_NOT_FOUND")


async def test_rules_made_at_the_same_time_are_all_kept(world: World) -> None:
    ada = await world.person("ada")
    made = [f"rule{n}" for n in range(5)]
    await asyncio.gather(*(ada.put(f"/pushrules/global/sender/{one}", RULE) for one in made))
    rules = (await ada.get("/pushrules/global/"))["sender"]
    assert {rule["rule_id"] for rule in rules} == set(made)
