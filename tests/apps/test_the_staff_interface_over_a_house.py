"""A platform's console signs staff in by passkey and reviews a real report over a real house."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.apps.console_house import Browser, ConsoleHouse

from halfdoor.web.staffapi.operations import ROOT

CANARY = "canary-of-what-was-said"
WHY = {"reason": "to judge the report"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[ConsoleHouse]:
    found = ConsoleHouse(tmp_path)
    yield found
    await found.house.close()


async def ask(
    who: Browser, method: str, path: str, body: Any = None, token: str | None = None
) -> tuple[int, Any]:
    raw = b"" if body is None else json.dumps(body).encode()
    headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
    status, answer, _ = await who.ask(method, ROOT + path, raw, *headers)
    return status, json.loads(answer)


async def signed_in(who: Browser) -> str:
    """Sign in through the interface; return the token."""
    status, asked = await ask(who, "POST", "/sign_in/begin")
    assert status == 200, asked
    status, said = await ask(who, "POST", "/sign_in/finish", who.keys.get(asked))
    assert status == 200, said
    token: str = said["token"]
    return token


async def test_neither_a_cookie_nor_a_persons_token_comes_in(house: ConsoleHouse) -> None:
    ada, _, _ = await house.reported("harassment.targeted", CANARY)
    anna = await house.staff("anna", "reviewer")
    # The browser sends its cookie along; here it counts for nothing, so no other site can use it.
    assert anna.cookies
    assert (await ask(anna, "GET", "/me"))[0] == 401
    assert (await ask(anna, "GET", "/me", token=ada.caller.token))[0] == 401


async def test_a_passkey_of_somebody_else_signs_nobody_in(house: ConsoleHouse) -> None:
    anna = await house.staff("anna", "reviewer")
    _, asked = await ask(anna, "POST", "/sign_in/begin")
    stranger = Browser(house.apps)
    bert = await house.staff("bert", "reviewer")
    answer = bert.keys.get(asked)
    answer["id"] = anna.keys.get(asked)["id"]
    status, said = await ask(stranger, "POST", "/sign_in/finish", answer)
    assert (status, said["errcode"]) == (403, "M_FORBIDDEN")


async def test_a_report_is_reviewed_and_the_log_has_it(house: ConsoleHouse) -> None:
    await house.reported("harassment.targeted", "hi", CANARY)
    anna, audrey = await house.staff("anna", "reviewer"), await house.staff("audrey", "auditor")
    token, auditor = await signed_in(anna), await signed_in(audrey)
    status, queue = await ask(anna, "GET", "/queue", token=token)
    assert status == 200
    (case,) = [one["id"] for one in queue["cases"]]
    for posture, count in (("standard", 1), ("e2ee", 0)):
        _, queue = await ask(anna, "GET", f"/queue?posture={posture}", token=token)
        assert len(queue["cases"]) == count
    assert (await ask(anna, "POST", f"/cases/{case}/claim", token=token))[0] == 200
    _, view = await ask(anna, "GET", f"/cases/{case}", token=token)
    assert CANARY not in json.dumps(view)
    (item,) = [one["id"] for one in view["evidence"]]
    body = {"item": item, **WHY}
    status, shown = await ask(anna, "POST", f"/cases/{case}/reveal", body, token=token)
    assert status == 200
    assert (shown["content"]["body"], shown["verdict"]) == (CANARY, "genuine")
    _, log = await ask(audrey, "GET", "/log?limit=500", token=auditor)
    (line,) = [one for one in log["lines"] if one["what"] == "reveal"]
    assert (line["case"], line["about"], line["reason"]) == (case, item, WHY["reason"])
    assert (await ask(audrey, "GET", "/queue", token=auditor))[0] == 403
    warn = {"reason": "harassment.targeted", "actions": [{"kind": "warning"}]}
    status, done = await ask(anna, "POST", f"/cases/{case}/decide", warn, token=token)
    assert (status, done["state"]) == (200, "decided")
    _, events = await ask(anna, "GET", "/events", token=token)
    assert [one["type"] for one in events["events"]] == ["case.reported", "case.decided"]


async def test_a_session_that_was_ended_is_over_at_once(house: ConsoleHouse) -> None:
    anna = await house.staff("anna", "reviewer")
    token = await signed_in(anna)
    assert (await ask(anna, "GET", "/me", token=token))[0] == 200
    assert (await ask(anna, "POST", "/sign_out", token=token))[0] == 200
    assert (await ask(anna, "GET", "/me", token=token))[0] == 401
