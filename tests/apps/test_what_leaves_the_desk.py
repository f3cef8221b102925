"""What the desk sends to other machines: nothing without its configuration."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.apps.opened_house import open_house

from halfdoor.apps import announcing
from halfdoor.apps.house import House
from halfdoor.apps.outgoing import REFER, Outgoing
from halfdoor.config.desk import CyberTip, Webhooks
from halfdoor.config.errors import ConfigError
from halfdoor.ids import bucket
from halfdoor.readers.review.referrals import QUEUE
from halfdoor.store.jobs import Job


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    opened = open_house(tmp_path)
    yield opened
    await opened.close()


def test_the_queue_of_referrals_is_the_one_that_is_served() -> None:
    assert REFER == QUEUE


@pytest.mark.parametrize("queue", [announcing.QUEUE, REFER])
async def test_work_that_nobody_is_to_do_any_more_ends(house: House, queue: str) -> None:
    jobs, now = house.store.jobs, house.clock.now_ms()
    await jobs.add(Job(ub=bucket("x"), id="x", queue=queue, run_at=now, payload=b"{}"))
    await house.work.go_on()
    for task in list(house.work._waiting):
        await task
    assert await jobs.find(bucket("x"), "x") is None


async def test_without_webhooks_nothing_is_to_be_announced(house: House) -> None:
    await house.outgoing.begin()
    assert await house.store.jobs.find(bucket(announcing.JOB), announcing.JOB) is None


async def test_with_webhooks_the_telling_begins_once_and_its_client_is_closed(
    house: House, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("whsec_" + "QUFB" * 8)
    secret.chmod(0o600)
    hooks = Webhooks(url="https://platform.example/hooks", secret_file=secret)
    house.setting = replace(house.setting, webhooks=hooks)
    outgoing = Outgoing(house)
    await outgoing.begin()
    await outgoing.begin()
    job = await house.store.jobs.find(bucket(announcing.JOB), announcing.JOB)
    assert job is not None
    assert job.queue == announcing.QUEUE
    await outgoing.close()
    assert outgoing._clients[0].is_closed  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("webhooks", "cyber_tip", "named"),
    [
        (Webhooks(url="https://platform.example/"), CyberTip(), "webhooks.secret_file"),
        (
            Webhooks(url="https://platform.example/", secret_file=Path("/nowhere/secret")),
            CyberTip(),
            "webhooks.secret_file",
        ),
        (Webhooks(), CyberTip(send=True), "cyber_tip.send"),
        (
            Webhooks(),
            CyberTip(send=True, username="us", password_file=Path("/nowhere/password")),
            "cyber_tip.password_file",
        ),
    ],
    ids=["no secret", "no such secret", "no account", "no such password"],
)
async def test_a_secret_that_cannot_be_had_stops_the_start_and_is_named(
    house: House, webhooks: Webhooks, cyber_tip: CyberTip, named: str
) -> None:
    house.setting = replace(house.setting, webhooks=webhooks, cyber_tip=cyber_tip)
    with pytest.raises(ConfigError) as refused:
        Outgoing(house)
    assert refused.value.setting == named


async def test_the_key_of_the_vault_lies_beside_the_outer_key_and_never_in_the_data(
    house: House, tmp_path: Path
) -> None:
    assert house.desk.vault.referrals is house.desk.referrals
    assert not (tmp_path / "child_safety.key").exists()
    inside = house.setting.data_dir / "child_safety.key"
    house.setting = replace(house.setting, cyber_tip=CyberTip(key_file=inside))
    del house.desk.vault
    with pytest.raises(Exception, match="move it elsewhere"):
        _ = house.desk.vault
