"""docs/platform-api.md can be followed word for word."""

import json
import re
from pathlib import Path
from typing import Any

from tests.web.house_fixture import PLATFORM, SERVER, WholeHouse, good

DOCUMENT = Path(__file__).parents[3] / "docs" / "platform-api.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


async def test_the_example_signs_a_request_that_is_done(house: WholeHouse) -> None:
    (code,) = blocks("python")
    # The example reads the machine's clock, as a platform would.
    names: dict[str, Any] = {}
    exec(compile(code, str(DOCUMENT), "exec"), names)  # noqa: S102 - our own example
    names["time"] = type("Time", (), {"time": staticmethod(lambda: house.clock.now / 1000)})
    method, path, body, headers = names["request_for"](house.platform.key, "one", SERVER)
    answer = await house.http.request(method, path, content=body, headers=headers)
    assert good(answer)["results"] == [{"user": f"@alice:{SERVER}", "result": "created"}]


async def test_every_request_of_the_interface_is_in_the_table(house: WholeHouse) -> None:
    assert house.doors is not None
    for route in house.doors[1]:
        named = f"{route.method} {route.template.removeprefix(PLATFORM)}"
        assert f"`{named}`" in TEXT or f"`GET {route.template}`" in TEXT, named


async def test_the_refusal_in_the_text_is_the_refusal(house: WholeHouse) -> None:
    (shown,) = blocks("json")
    people = [{"user": "alice"}, {"user": "@bob:b.example"}]
    answer = await house.told("PUT", "/people", {"people": people})
    assert answer.json() == json.loads(shown)
