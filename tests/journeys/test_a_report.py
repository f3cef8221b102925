"""From a report to a restored person: three ways to report, a desk, and what nobody else sees.

One server with a console; staff come in by the links of `halfdoor staff invite`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from tests.journeys.canaries import Canaries, search
from tests.journeys.chromium_reviewer import ChromiumReviewer, chromium
from tests.journeys.pairs import PASSWORD, new_name, sign_up
from tests.journeys.person import ClientError, Person, becomes, eventually, sees
from tests.journeys.raw_client import RawClient
from tests.journeys.reporter import (
    OWN,
    Chosen,
    PlainReporter,
    Reporter,
    SdkReporter,
    is_shown,
    notice,
    reports_of,
    same_session,
)
from tests.journeys.review_house import ReviewHouse
from tests.journeys.reviewer import HttpReviewer, Reviewer

# Two seconds would do: one to take the decision back, and a busy machine.
SOON = 15.0

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Desk:
    """Who works here, each with a passkey of their own."""

    house: ReviewHouse
    robin: HttpReviewer
    kim: HttpReviewer
    uli: HttpReviewer


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReviewHouse]:
    started = ReviewHouse(tmp_path_factory.mktemp("desk"), undo_seconds=1)
    started.start()
    try:
        yield started
        started.stop()
    finally:
        started.end()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(house: ReviewHouse) -> AsyncIterator[Desk]:
    roles = {"Robin": "reviewer", "Kim": "reviewer", "Uli": "auditor"}
    async with AsyncExitStack() as stack:
        staff = []
        for name, role in roles.items():
            link = await asyncio.to_thread(house.invite, name, role)
            one = HttpReviewer(house.console_url)
            stack.push_async_callback(one.close)
            await one.join(link)
            staff.append(one)
        robin, kim, uli = staff
        yield Desk(house, robin, kim, uli)


@dataclass
class Scene:
    """Somebody wrote three messages to somebody; the second is the one to report."""

    reporter: Reporter
    subject: Person
    subject_api: RawClient
    chosen: Chosen
    words: dict[str, str]
    canaries: Canaries


async def begin(house: ReviewHouse, stack: AsyncExitStack, reporter: str, subject: str) -> Scene:
    async def plain() -> RawClient:
        api = await stack.enter_async_context(house.client())
        await api.register(new_name(), PASSWORD)
        return api

    writer = await sign_up(house, subject)
    stack.push_async_callback(writer.close)
    await writer.start()
    made: Reporter
    if reporter == "http":
        made = PlainReporter(await plain())
    else:
        person = await sign_up(house, reporter)
        stack.push_async_callback(person.close)
        await person.start()
        api = await stack.enter_async_context(same_session(house, person))
        made = SdkReporter(person, api)
    canaries = Canaries()
    words = {
        name: canaries.plant(name) for name in ("before", "reported", "after", "note", "appeal")
    }
    room = await writer.create_dm(made.api.user_id)
    await becomes(writer, room, "join")
    sent = [await writer.send(room, words[name]) for name in ("before", "reported", "after")]
    await made.accept(room, sent[2])
    chosen = Chosen(room, sent[1], sent[0], words["note"])
    own = await stack.enter_async_context(same_session(house, writer))
    return Scene(made, writer, own, chosen, words, canaries)


@pytest.mark.parametrize(
    ("reporting", "written_with", "at", "measure"),
    [
        ("nio", "js", "http", "no_new_conversations"),
        ("js", "nio", "http", "suspended"),
        ("http", "nio", "chromium", "no_new_conversations"),
    ],
)
async def test_who_is_reported_is_limited_contests_it_and_is_restored(
    desk: Desk, reporting: str, written_with: str, at: str, measure: str
) -> None:
    house = desk.house
    async with AsyncExitStack() as stack:
        scene = await begin(house, stack, reporting, written_with)
        first, second = await _two_reviewers(desk, stack, at)
        stranger = await stack.enter_async_context(house.client())
        await stranger.register(new_name(), PASSWORD)

        async def try_it() -> str | None:
            """What the subject's own client is told when it does what was forbidden."""
            try:
                if measure == "suspended":
                    await scene.subject.send(scene.chosen.room, "and now?")
                else:
                    await scene.subject.create_dm(stranger.user_id)
            except ClientError as refused:
                return refused.errcode
            return None

        assert await try_it() is None
        await scene.reporter.report(scene.chosen)
        [report] = await reports_of(scene.reporter.api)
        assert report["state"] == "received"

        case = await first.claim_next()
        wanted = {"reported", "note"} | ({"before"} if reporting == "http" else set())
        assert sorted(await first.reveal_all(case)) == sorted(scene.words[one] for one in wanted)
        looks = [
            one for one in await desk.uli.log() if (one["what"], one["case"]) == ("reveal", case)
        ]
        assert len(looks) == len(wanted)
        await first.decide(case, measure)
        refused = {"suspended": "M_USER_SUSPENDED"}.get(measure, "M_FORBIDDEN")
        await eventually(
            try_it, lambda said: said == refused, "limited", explain=house.explain, seconds=SOON
        )

        outcome = await notice(scene.reporter.api, "outcome")
        shown = await is_shown(scene.reporter, outcome["title"], house.explain)
        [report] = await reports_of(scene.reporter.api)
        assert (report["state"], report["outcome"]) == ("decided", "acted")
        stated = await notice(scene.subject_api, "statement")
        told = [outcome, shown, report, stated, await _exported(scene.subject_api, stated["id"])]

        path = f"{OWN}/notices/{stated['id']}/appeal"
        await scene.subject_api.ask("POST", path, {"text": scene.words["appeal"]})
        await scene.subject_api.ask("POST", path, {"text": "again"}, status=409)
        [appeal] = await desk.kim.appeals()
        if isinstance(first, HttpReviewer):
            assert (await first.post(f"/cases/{appeal}/claim")).status_code == 403
        await second.overturn(appeal)
        await eventually(
            try_it, lambda said: said is None, "restored", explain=house.explain, seconds=SOON
        )
        told.append(await notice(scene.subject_api, "appeal_outcome"))
        told.append(await notice(scene.reporter.api, "appeal_outcome"))
        await sees_the_next(scene)

        assert not [one for one in scene.words.values() if one in json.dumps(told)]
        assert scene.reporter.api.user_id not in json.dumps([stated, told[4]])
        for each in (first, second):
            assert not isinstance(each, ChromiumReviewer) or each.complaints == []
        _check_heard([first, second, desk.kim], scene, appeal)
        assert search(scene.canaries.planted, house.files()) == []
        users = {one: one.encode() for one in (scene.reporter.api.user_id, scene.subject.user_id)}
        assert {one.needle for one in search(users, house.files())} == set(users)


async def _two_reviewers(desk: Desk, stack: AsyncExitStack, at: str) -> tuple[Reviewer, Reviewer]:
    """Who decides, and who answers the appeal; new ones at a browser, or those of the desk."""
    if at == "http":
        return desk.robin, desk.kim
    browser = await stack.enter_async_context(chromium())
    found = []
    for name in ("Noor", "Sasha"):
        link = await asyncio.to_thread(desk.house.invite, name, "reviewer")
        one = await ChromiumReviewer.sit_down(desk.house.console_url, browser)
        stack.push_async_callback(one.close)
        await one.join(link)
        found.append(one)
    return found[0], found[1]


async def _exported(api: RawClient, name: str) -> Any:
    """The statement of reasons, as a file to keep."""
    return await api.ask("GET", f"{OWN}/notices/{name}/statement")


async def sees_the_next(scene: Scene) -> None:
    """What the restored person writes arrives, in the same conversation."""
    sent = await scene.subject.send(scene.chosen.room, "back again")
    if isinstance(scene.reporter, SdkReporter):
        await sees(scene.reporter.person, scene.chosen.room, sent)
    else:
        assert "back again" in await scene.reporter.is_told(scene.chosen.room)


def _check_heard(staff: list[Reviewer], scene: Scene, appeal: str) -> None:
    """No page but a reveal shows what was reported; none shows what nobody handed over."""
    for heard in (one for each in staff for one in each.heard):
        found = {name for name, word in scene.words.items() if word in heard.said}
        if heard.asked.endswith("/reveal"):
            assert found <= {"reported", "note"} | ({"before"} if _ticked(scene) else set())
        elif heard.asked == f"/appeals/{appeal}":
            assert found <= {"appeal"}
        else:
            assert not found, f"{heard.asked} shows {found}"


def _ticked(scene: Scene) -> bool:
    return isinstance(scene.reporter, PlainReporter)
