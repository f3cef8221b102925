"""Reports over the real house and its store on disk: by HTTP in, opened by the reviewer's side."""

from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.messaging.whole_house import V3, Client, WholeHouse, whole_house
from tests.readers.review_house import opened

from halfdoor.readers.review.receipts import read_receipt
from halfdoor.readers.review.records import Case, Evidence

OWN = "/_matrix/client/unstable/org.halfdoor"
EXTENSION = "org.halfdoor.report"
DAY_MS = 86_400_000


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as one:
        yield one


async def pair(whole: WholeHouse) -> tuple[Client, Client, str]:
    """Ada and Ben, who know each other, in a conversation of the two."""
    ada, ben = await whole.person("ada"), await whole.person("ben")
    await whole.house.people.connect(ada.user, ben.user, "platform", 0)
    room = await ada.create(ben)
    await ben.join(room)
    return ada, ben, room


async def filed(whole: WholeHouse, user: str) -> tuple[Case, list[Evidence]]:
    """Return the case of the newest report of *user*, and its evidence."""
    report = (await whole.house.store.desk.reports_by(user, 0))[0]
    case = await whole.house.store.desk.case(report.case)
    assert case is not None
    return case, await whole.house.store.desk.evidence(case.id)


def path_of(room: str, event: str) -> str:
    return f"{V3}/rooms/{quote(room)}/report/{quote(event)}"


async def test_a_stock_report_opens_its_one_message_also_after_a_restart(
    whole: WholeHouse,
) -> None:
    ada, ben, room = await pair(whole)
    said = await ben.say(room, "you are a toad")
    answer = await ada.ask("POST", path_of(room, said), {"reason": "rude", "score": -100})
    await whole.house.close()
    whole.open()
    case, (evidence,) = await filed(whole, ada.user)
    assert opened(case, evidence) == "you are a toad"
    receipt = read_receipt(
        b64decode(answer[EXTENSION]["receipt"]), whole.house.desk.reports.receipt_key
    )
    assert [one.event_id for one in receipt.events] == [said]


async def test_what_was_deleted_can_be_reported_for_as_long_as_the_policy_says(
    whole: WholeHouse,
) -> None:
    ada, ben, room = await pair(whole)
    said, other = await ben.say(room, "you are a toad"), await ben.say(room, "and a newt")
    for event in (said, other):
        await ben.ask("PUT", f"{V3}/rooms/{quote(room)}/redact/{quote(event)}/t{event[:5]}", {})
    whole.clock.now += 30 * DAY_MS - 1
    await ada.ask("POST", path_of(room, said), {})
    case, (evidence,) = await filed(whole, ada.user)
    assert opened(case, evidence) == "you are a toad"
    assert evidence.redacted
    whole.clock.now += 1
    assert (await ada.any_status("POST", path_of(room, other), {}))[0] == 404


async def test_a_blocked_person_is_not_heard_from_the_report_on(whole: WholeHouse) -> None:
    ada, ben, room = await pair(whole)
    said = await ben.say(room, "you are a toad")
    await ada.ask("POST", path_of(room, said), {EXTENSION: {"block": True}})
    assert ben.user in await whole.house.people.blocks(ada.user)
    unheard = await ben.say(room, "canary")
    assert "canary" not in str(await ada.history(room))
    assert (await ada.any_status("POST", path_of(room, unheard), {}))[0] == 404


async def test_what_a_subject_can_fetch_is_the_same_with_and_without_a_report(
    whole: WholeHouse,
) -> None:
    ada, ben, room = await pair(whole)
    said = await ben.say(room, "you are a toad")

    async def fetched() -> str:
        pages = [
            await ben.sync(),
            await ben.history(room),
            await ben.ask("GET", f"{OWN}/reports"),
            await ben.ask("GET", f"{OWN}/notices"),
            await ben.ask("GET", f"{V3}/rooms/{quote(room)}/state"),
        ]
        return str(pages)

    before = await fetched()
    body = {EXTENSION: {"reason": "child_safety.grooming", "block": True, "note": "he wrote me"}}
    await ada.ask("POST", path_of(room, said), body)
    assert await fetched() == before


async def test_a_report_is_listed_and_the_reasons_are_there(whole: WholeHouse) -> None:
    ada, ben, room = await pair(whole)
    said = await ben.say(room, "you are a toad")
    reasons = await ada.ask("GET", f"{OWN}/reports/reasons")
    key = reasons["reasons"][0]["key"]
    await ada.ask("POST", path_of(room, said), {EXTENSION: {"reason": key}})
    (listed,) = (await ada.ask("GET", f"{OWN}/reports"))["reports"]
    assert (listed["reason"], listed["state"]) == (key, "received")
    assert b64decode(reasons["receipt_key"]) == whole.house.desk.reports.receipt_key


async def test_people_and_conversations_that_do_not_exist_are_reported_and_blocked_too(
    whole: WholeHouse,
) -> None:
    ada = await whole.person("ada")
    body = {EXTENSION: {"block": True}}
    answers = [
        await ada.ask("POST", f"{V3}/users/@nobody:localhost/report", body),
        await ada.ask("POST", f"{V3}/users/@nobody:elsewhere.example/report", body),
        await ada.ask("POST", f"{V3}/rooms/!nowhere:localhost/report", body),
    ]
    assert len({one[EXTENSION]["id"] for one in answers}) == 3
    assert len((await ada.ask("GET", f"{OWN}/reports"))["reports"]) == 3
