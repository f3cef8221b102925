"""SIGKILL at random instants under fifty senders and fifty readers, on every deployment.

Judged from what readers saw in order, what senders were told, what a fresh session reads, and the
chains recomputed from the store: lost = doubled = skipped = out of order = 0 (SCALE §7.4).
"""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from tests.journeys.crash_house import (
    CrashHouse,
    Deployment,
    in_thread,
    on_postgres,
    on_sqlite,
    on_two_nodes,
)
from tests.journeys.crash_strikes import Strikes, die_at_each_step, strike_often
from tests.journeys.crash_town import PEOPLE, Town, Traffic, settle
from tests.journeys.crash_verdict import Verdict
from tests.journeys.light_load import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG = os.environ.get("HALFDOOR_LONG") == "1"
ACKNOWLEDGED = 1_000


@dataclass(frozen=True)
class Deployed:
    """A deployment, and how often something of it is killed in the short form and in the long."""

    name: str
    deploy: Deployment
    short: int
    long: int

    @property
    def kills(self) -> int:
        return self.long if LONG else self.short


DEPLOYMENTS = [
    Deployed("sqlite", on_sqlite, 2, 80),
    Deployed("postgresql", on_postgres, 3, 75),
    Deployed("two nodes", on_two_nodes, 5, 75),
]


@dataclass(frozen=True)
class Run:
    """What is known when everything has come to rest after the last kill."""

    deployed: Deployed
    house: CrashHouse
    town: Town
    strikes: Strikes
    verdict: Verdict
    chains: str


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=DEPLOYMENTS, ids=lambda one: one.name
)
async def run(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Run]:
    deployed: Deployed = request.param
    async with in_thread(deployed.deploy(tmp_path_factory.mktemp(deployed.name))) as house:
        try:
            async with await settle(house.addresses) as town:
                async with Traffic(town) as traffic:
                    strikes = await strike_often(traffic, house.victims, deployed.kills)
                    await die_at_each_step(traffic, house.nodes[0], house.steps, strikes)
                    await until(
                        lambda: town.ledger.total >= ACKNOWLEDGED, traffic.tasks, "enough", 240
                    )
                    await traffic.come_to_rest()
                verdict = await town.verdict()
            chains = await asyncio.to_thread(house.stopped_and_recomputed)
        except BaseException:
            print(house.last_words())
            raise
        print(f"{deployed.name}: {strikes}; {town.ledger.total} acknowledged; {verdict}; {chains}")
        yield Run(deployed, house, town, strikes, verdict, chains)


async def test_every_kill_that_counts_left_a_send_unanswered(run: Run) -> None:
    assert sum(run.strikes.counted.values()) == run.deployed.kills + len(run.house.steps)
    assert min(run.strikes.unanswered) >= 1
    assert {victim.name for victim in run.house.victims} <= set(run.strikes.counted)


async def test_the_server_died_once_at_each_step_of_a_send(run: Run) -> None:
    assert {step: run.strikes.counted[step] for step in run.house.steps} == dict.fromkeys(
        run.house.steps, 1
    )


async def test_a_thousand_messages_and_more_were_acknowledged(run: Run) -> None:
    assert run.town.ledger.total >= ACKNOWLEDGED
    assert len(run.town.senders) == len(run.town.readers) == PEOPLE == 50
    assert all(run.town.ledger.by_room[room] for room in run.town.members)


async def test_nothing_was_lost_doubled_skipped_or_disordered(run: Run) -> None:
    assert run.verdict.is_clean, str(run.verdict)


async def test_the_chains_recomputed_from_the_store_hold(run: Run) -> None:
    assert run.chains == f"{PEOPLE} conversations, every chain holds."
