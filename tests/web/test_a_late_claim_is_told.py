"""A claim that comes too late reaches the platform, signed, and is counted."""

import base64
import hmac
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from tests.web.house_fixture import MINUTE, WholeHouse, whole_house
from tests.web.receiver import Receiver, receiver
from tests.web.test_a_child_is_referred import CANARY, reported

from halfdoor.apps.long_work import work_in
from halfdoor.apps.outgoing import Outgoing
from halfdoor.config.desk import Webhooks

KEY = bytes(range(32))


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Receiver]:
    with receiver("hooks", tmp_path / "hooks") as running:
        yield running


@pytest.fixture
async def house(
    tmp_path: Path, platform: Receiver, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[WholeHouse]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "keys"))
    secret = tmp_path / "secret"
    secret.write_text("whsec_" + base64.b64encode(KEY).decode())
    secret.chmod(0o600)
    hooks = Webhooks(url=f"{platform.url}/hook", secret_file=secret)
    async with whole_house(tmp_path) as house:
        rooms = house.house
        rooms.setting = replace(rooms.setting, webhooks=hooks)
        rooms.outgoing = Outgoing(rooms)
        rooms.work = work_in(rooms)
        await rooms.outgoing.begin()
        yield house


async def told(house: WholeHouse) -> None:
    """Let the house work until it has told all that it has to tell."""
    for _ in range(8):
        await house.house.work.go_on(seconds=5)
        await house.house.work.rest()
        house.clock.now += 3_000


async def test_a_child_safety_case_that_nobody_claims_raises_one_alarm(
    house: WholeHouse, platform: Receiver
) -> None:
    case = await reported(house)
    await told(house)
    house.clock.now += 14 * MINUTE
    await house.house.desk.sweep_often()
    await told(house)
    assert [json.loads(one.body)["type"] for one in platform.received()] == ["case.reported"]
    house.clock.now += 2 * MINUTE
    for _ in range(2):
        await house.house.desk.sweep_often()
        await told(house)
    reported_, alarm = platform.received()
    data = json.loads(alarm.body)
    assert (data["type"], data["data"]["case"]) == ("case.alarm", case)
    assert data["data"]["late"] == "claim"
    assert house.house.desk.cases.alarms.total() == 1
    for one in (reported_, alarm):
        signed = f"{one.headers['webhook-id']}.{one.headers['webhook-timestamp']}.".encode()
        digest = hmac.new(KEY, signed + one.body, sha256).digest()
        assert one.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
        for secret in ("mallory", "kim", CANARY, "grooming", "child_safety", "!"):
            assert secret.encode() not in one.body


async def test_while_the_platform_is_down_the_house_does_its_other_work(
    house: WholeHouse, platform: Receiver
) -> None:
    platform.answers(status=503)
    missed: list[int] = []
    house.house.outgoing.report = missed.append
    await reported(house)
    await told(house)
    tries = list(range(1, len(missed) + 1))
    assert missed == tries
    assert tries
    platform.answers()
    house.clock.now += 5 * MINUTE
    await told(house)
    assert missed == [*tries, 0]
    assert json.loads(platform.received()[-1].body)["type"] == "case.reported"
