"""SIGKILL behind each step from a report to a restored person: nothing is lost, nothing is twice.

The server's time of day is set forward while it is dead, so that what was decided is due before any
process knows of it.
"""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from tests.journeys.canaries import Canaries, Finding, search
from tests.journeys.insulted import Insulted, insulted
from tests.journeys.pairs import PASSWORD, new_name
from tests.journeys.person import eventually
from tests.journeys.raw_client import RawClient
from tests.journeys.reporter import OWN, notice, notices_of, reports_of, server_room
from tests.journeys.review_house import SteeredHouse
from tests.journeys.reviewer import HttpReviewer

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUNDS = 4 if os.environ.get("HALFDOOR_LONG") == "1" else 1
UNDO_SECONDS = 10
MEASURE = "no_new_conversations"
# For so long the job of a worker that was killed is kept from others.
LEASE_SECONDS = 15
AT_ONCE = 9


class Told:
    """What is known after the last kill."""

    def __init__(self) -> None:
        self.filed_again: list[Any] = []
        self.reports: list[list[dict[str, Any]]] = []
        self.held_after_claim: list[bool] = []
        self.canaries = Canaries()
        self.said: list[str] = []
        self.revealed: list[list[str]] = []
        self.findings: list[Finding] = []
        self.before_it_held: list[int] = []
        self.after_it_held: list[int] = []
        self.notices: list[list[str]] = []
        self.shown: list[list[str]] = []
        self.statements: list[list[str]] = []
        self.appeals: list[int] = []
        self.restored: list[int] = []
        self.log: list[dict[str, Any]] = []
        self.cases: list[str] = []
        self.cut_off: tuple[dict[int, str], list[str], list[str]] = ({}, [], [])
        self.doctor: dict[str, Any] = {}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Told]:
    house = SteeredHouse(tmp_path_factory.mktemp("desk"), undo_seconds=UNDO_SECONDS)
    await asyncio.to_thread(house.begin)
    found = Told()
    robin, kim, uli = (HttpReviewer(house.console_url) for _ in range(3))
    try:
        roles = (("Robin", "reviewer", robin), ("Kim", "reviewer", kim), ("Uli", "auditor", uli))
        for name, role, who in roles:
            await who.join(await asyncio.to_thread(house.invite, name, role))
        for round_ in range(ROUNDS):
            # Sessions of staff that rest end within the hour that each round takes.
            await robin.sign_in()
            await kim.sign_in()
            words = [found.canaries.plant(f"{number} of {round_}") for number in range(3)]
            found.said.append(words[1])
            async with insulted(house, *words) as people, house.client() as other:
                await other.register(new_name(), PASSWORD)
                await _one_round(house, found, people, other, robin, kim)
        found.cut_off = await _cut_off(house)
        await uli.sign_in()
        found.log = await uli.log()
        await asyncio.to_thread(house.stop)
        found.doctor = await asyncio.to_thread(_doctor, house)
        yield found
    finally:
        for who in (robin, kim, uli):
            await who.close()
        house.end()


async def _one_round(
    house: SteeredHouse,
    found: Told,
    people: Insulted,
    other: RawClient,
    robin: HttpReviewer,
    kim: HttpReviewer,
) -> None:
    """From the report on, with a kill behind each step."""

    async def die(later: int = LEASE_SECONDS + 1) -> None:
        await asyncio.to_thread(house.die_and_come_back, later, look)

    def look() -> None:
        """What a process that was killed left in its files."""
        found.findings += search(found.canaries.planted, house.files())

    first = await people.report(1)
    await die()
    found.filed_again.append((first, await people.report(1)))
    found.reports.append(await reports_of(people.ada))

    case = await robin.claim_next()
    found.cases.append(case)
    await die()
    found.held_after_claim.append("Yours until" in (await robin.get(f"/cases/{case}")).text)

    before = await robin.reveal_all(case)
    await die()
    found.revealed.append([*before, *await robin.reveal_all(case)])

    await robin.decide(case, MEASURE)
    found.before_it_held.append(await people.try_to_begin(other.user_id))
    await die(LEASE_SECONDS + UNDO_SECONDS)

    async def begins() -> int:
        return await people.try_to_begin(other.user_id)

    held = await eventually(
        begins, lambda status: status == 403, "the measure", explain=house.explain
    )
    found.after_it_held.append(held)
    stated = await notice(people.ben, "statement")
    await notice(people.ada, "outcome")
    path = f"{OWN}/notices/{stated['id']}/appeal"
    said = found.canaries.plant(f"appeal of {case}")
    await people.ben.ask("POST", path, {"text": said})
    await die()
    await people.ben.ask("POST", path, {"text": "it was a joke"}, status=409)
    waiting = await kim.appeals()
    found.appeals.append(len(waiting))
    await kim.overturn(waiting[0])
    await die()
    free = await eventually(
        begins, lambda status: status == 200, "the restoration", explain=house.explain
    )
    found.restored.append(free)
    await notice(people.ada, "appeal_outcome")
    await notice(people.ben, "appeal_outcome")
    # Whoever is told again after a kill would be told by now.
    await die(3600)
    found.notices.append([one["kind"] for one in await notices_of(people.ada)])
    found.statements.append([one["kind"] for one in await notices_of(people.ben)])
    found.shown.append(
        await eventually(
            lambda: _shown(people.ada),
            lambda texts: len(texts) >= len(found.notices[-1]),
            "everything is shown in the app",
            explain=house.explain,
        )
    )


async def _shown(api: RawClient) -> list[str]:
    """The titles of what the server said in the app, oldest first."""
    page = await api.messages(await server_room(api))
    texts = [one["content"]["body"] for one in page["chunk"] if one["type"] == "m.room.message"]
    return texts[::-1]


async def _cut_off(house: SteeredHouse) -> tuple[dict[int, str], list[str], list[str]]:
    """Kill while several reports are under way; then send all of them again.

    Return which were answered before, what was answered to all, and what is kept.
    """
    async with insulted(house, *(f"word {number}" for number in range(AT_ONCE))) as people:
        answered: dict[int, str] = {}

        async def report(number: int) -> None:
            with contextlib.suppress(httpx.TransportError):
                answered[number] = (await people.report(number))["id"]

        under_way = [asyncio.create_task(report(number)) for number in range(AT_ONCE)]
        await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
        house.kill()
        await asyncio.gather(*under_way)
        before = dict(answered)
        await asyncio.to_thread(house.begin)
        again = [(await people.report(number))["id"] for number in range(AT_ONCE)]
        return before, again, [one["id"] for one in await reports_of(people.ada)]


def _doctor(house: SteeredHouse) -> dict[str, Any]:
    told = house.command("doctor", "--chains", "--json")
    assert told.returncode == 0, f"{told.stdout}{told.stderr}"
    return {one["name"]: one["result"] for one in json.loads(told.stdout)["checks"]}


async def test_a_report_that_was_answered_is_there_once_whatever_is_sent_again(told: Told) -> None:
    for (first, again), kept in zip(told.filed_again, told.reports, strict=True):
        assert (first["repeat"], again["repeat"]) == (False, True)
        assert again["id"] == first["id"]
        assert [one["id"] for one in kept] == [first["id"]]
    assert len(set(told.cases)) == ROUNDS


async def test_a_claim_holds_on(told: Told) -> None:
    assert told.held_after_claim == [True] * ROUNDS


async def test_what_was_revealed_can_be_revealed_again_and_each_look_is_in_the_log(
    told: Told,
) -> None:
    assert told.revealed == [[said, said] for said in told.said]
    looks = [line["case"] for line in told.log if line["what"] == "reveal"]
    assert looks == [case for case in told.cases for _ in range(2)]


async def test_a_decision_holds_that_nobody_lived_to_carry_out(told: Told) -> None:
    assert told.before_it_held == [200] * ROUNDS
    assert told.after_it_held == [403] * ROUNDS
    decided = [line["case"] for line in told.log if line["what"] == "decide"]
    assert decided == told.cases


async def test_an_appeal_waits_once_and_what_it_restores_stays_restored(told: Told) -> None:
    assert told.appeals == [1] * ROUNDS
    assert told.restored == [200] * ROUNDS


async def test_everybody_is_told_of_everything_once(told: Told) -> None:
    for kinds in told.notices:
        assert sorted(kinds) == ["appeal_outcome", "outcome", "receipt"]
    for kinds in told.statements:
        assert sorted(kinds) == ["appeal_outcome", "statement"]
    for texts in told.shown:
        assert len(texts) == len(set(texts)) == 3


async def test_reports_that_a_kill_cut_off_are_kept_once_when_they_are_sent_again(
    told: Told,
) -> None:
    before, again, kept = told.cut_off
    assert 0 < len(before) < AT_ONCE, "the kill cut nothing off"
    assert {number: again[number] for number in before} == before
    assert sorted(kept) == sorted(again)
    assert len(set(kept)) == AT_ONCE


async def test_no_word_is_in_what_a_killed_server_leaves_behind(told: Told) -> None:
    assert len(told.canaries.planted) == 4 * ROUNDS
    assert told.findings == []


async def test_the_log_of_staff_and_every_chain_hold_together_in_the_end(told: Told) -> None:
    assert [line["n"] for line in told.log] == list(range(1, len(told.log) + 1))
    assert (told.doctor["staff log"], told.doctor["chains"]) == ("ok", "ok")
