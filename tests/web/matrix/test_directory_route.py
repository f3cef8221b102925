"""POST user_directory/search by HTTP."""

import pytest
from tests.web.matrix.conftest import World, refusal

PATH = "/user_directory/search"


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({}, "M_MISSING_PARAM"),
        ({"search_term": 7}, "M_BAD_JSON"),
        ({"search_term": "a" * 256}, "M_INVALID_PARAM"),
        ({"search_term": "a", "limit": -1}, "M_INVALID_PARAM"),
        ({"search_term": "a", "limit": "all"}, "M_BAD_JSON"),
    ],
)
async def test_a_search_that_means_nothing_is_refused(
    world: World, body: dict[str, object], errcode: str
) -> None:
    ada = await world.person("ada")
    assert refusal(await ada.ask("POST", PATH, body)) == (400, errcode)


async def test_people_are_found_and_it_says_when_there_are_more(world: World) -> None:
    ada = await world.person("ada")
    for name in ("ben", "bea", "cyd"):
        await world.person(name)
    found = await ada.post(PATH, {"search_term": "@be"})
    assert found == {
        "limited": False,
        "results": [{"user_id": "@bea:a.example"}, {"user_id": "@ben:a.example"}],
    }
    found = await ada.post(PATH, {"search_term": "@be", "limit": 1})
    assert found == {"limited": True, "results": [{"user_id": "@bea:a.example"}]}
    assert (await ada.post(PATH, {"search_term": "ada"}))["results"] == []
