"""What the desk refuses through its real doors, and that nothing opens while it does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
from tests.journeys.canaries import Canaries, search
from tests.journeys.insulted import Insulted, insulted
from tests.journeys.reporter import EXTENSION, V3, notice, reports_of
from tests.journeys.review_house import SteeredHouse
from tests.journeys.reviewer import RULE, HttpReviewer
from tests.web.software_authenticator import b64

pytestmark = pytest.mark.asyncio(loop_scope="module")

LEASE_MINUTES = 10


@dataclass
class Desk:
    """Two reviewers, and one who administers and has no business with content."""

    house: SteeredHouse
    robin: HttpReviewer
    kim: HttpReviewer
    ann: HttpReviewer
    canaries: Canaries

    @asynccontextmanager
    async def reported(self) -> AsyncIterator[tuple[Insulted, str]]:
        """Somebody reports the second of three messages; the case is the one that is new."""
        before = set(await self.robin.queue())
        said = [self.canaries.plant(f"{len(self.canaries.planted)}") for _ in range(3)]
        async with insulted(self.house, *said) as people:
            await people.report(1)
            [case] = set(await self.robin.queue()) - before
            yield people, case
            await self.robin.sign_in()
            await self.robin.post(f"/cases/{case}/release")

    def forget(self) -> None:
        """Let go of what was shown with good reason."""
        for who in (self.robin, self.kim, self.ann):
            who.heard.clear()

    def heard(self) -> list[str]:
        """Which planted words anybody was shown."""
        said = [one.said for who in (self.robin, self.kim, self.ann) for one in who.heard]
        words = [word.decode() for word in self.canaries.planted.values()]
        return [word for word in words if any(word in one for one in said)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    house = SteeredHouse(tmp_path_factory.mktemp("desk"), undo_seconds=1)
    await asyncio.to_thread(house.begin)
    canaries = Canaries()
    try:
        async with AsyncExitStack() as stack:
            staff = []
            for name, role in (("Robin", "reviewer"), ("Kim", "reviewer"), ("Ann", "admin")):
                link = await asyncio.to_thread(house.invite, name, role)
                canaries.watch(f"link of {name}", link.rpartition("/")[2])
                one = HttpReviewer(house.console_url)
                stack.push_async_callback(one.close)
                await one.join(link)
                canaries.watch(f"session of {name}", one.token)
                staff.append(one)
            robin, kim, ann = staff
            yield Desk(house, robin, kim, ann, canaries)
        await asyncio.to_thread(house.stop)
        assert search(canaries.planted, house.files()) == []
    finally:
        house.end()


async def test_whoever_does_not_hold_the_case_reveals_nothing(desk: Desk) -> None:
    async with desk.reported() as (_, case):
        await desk.robin.must(f"/cases/{case}/claim")
        [item] = await desk.robin.items(case)
        assert (await desk.kim.reveal(case, item)).status_code == 409
        assert (await desk.kim.post(f"/cases/{case}/claim")).status_code == 409
        refused = await desk.kim.post(f"/cases/{case}/decide", reason=RULE, measure="suspended")
        assert refused.status_code == 409
        assert desk.heard() == []


async def test_after_the_lease_nothing_opens_until_somebody_claims_again(desk: Desk) -> None:
    async with desk.reported() as (people, case):
        await desk.robin.must(f"/cases/{case}/claim")
        [item] = await desk.robin.items(case)
        later = LEASE_MINUTES * 60 + 1
        await asyncio.to_thread(desk.house.die_and_come_back, later)
        assert (await desk.robin.reveal(case, item)).status_code == 409
        assert desk.heard() == []
        await desk.kim.must(f"/cases/{case}/claim")
        assert (await desk.robin.reveal(case, item)).status_code == 409
        assert await desk.kim.reveal_all(case) == [people.said[1]]
        assert desk.heard() == [people.said[1]]
        desk.forget()


async def test_only_what_was_reported_is_there_to_be_revealed(desk: Desk) -> None:
    async with desk.reported() as (_, other), desk.reported() as (people, case):
        await desk.kim.must(f"/cases/{other}/claim")
        [elsewhere] = await desk.kim.items(other)
        await desk.robin.must(f"/cases/{case}/claim")
        for item in (elsewhere, people.events[0], people.events[2], "evd_invented", people.room):
            assert (await desk.robin.reveal(case, item)).status_code == 404
        # Also for whoever holds both cases each opens by its own address alone.
        assert (await desk.kim.reveal(case, elsewhere)).status_code in {404, 409}
        assert desk.heard() == []
        await desk.kim.post(f"/cases/{other}/release")


async def test_whoever_administers_sees_no_case(desk: Desk) -> None:
    async with desk.reported() as (_, case):
        await desk.robin.must(f"/cases/{case}/claim")
        [item] = await desk.robin.items(case)
        for path in (f"/cases/{case}", f"/cases/{case}/decide", "/queue", "/appeals", "/confirm"):
            assert (await desk.ann.get(path)).status_code == 403, path
        assert (await desk.ann.reveal(case, item)).status_code == 403
        assert (await desk.ann.post(f"/cases/{case}/claim")).status_code == 403
        assert desk.heard() == []


async def test_a_passkey_of_another_person_signs_nobody_in(desk: Desk) -> None:
    robin, kim = desk.robin.keys.passkeys[-1], desk.kim.keys.passkeys[-1]
    bent: list[dict[str, Any]] = [
        {"credential": robin.id},
        {"credential": robin.id, "user_handle": robin.user_handle},
        {"user_handle": robin.user_handle},
        {"signature": b"\0" * 64},
        {"origin": "https://evil.example"},
        {"challenge": b64(b"a challenge of yesterday")},
    ]
    thief = HttpReviewer(desk.house.console_url)
    thief.keys = desk.kim.keys.copied()
    try:
        for each in bent:
            asked = (await thief.http.post("/sign-in/begin", json={})).json()
            answer = thief.keys.get(asked, **each)
            refused = await thief.http.post("/sign-in/finish", json=answer)
            assert refused.status_code in {400, 401, 403}, each
            assert not thief.http.cookies
            assert (await thief.http.get("/queue")).headers["location"] == "/sign-in"
    finally:
        await thief.close()
    assert kim.rp_id == "localhost"
    await desk.robin.sign_in()
    assert (await desk.robin.get("/queue")).status_code == 200


async def test_a_link_that_was_used_makes_no_second_passkey(desk: Desk) -> None:
    link = await asyncio.to_thread(desk.house.invite, "Noor", "reviewer")
    noor, thief = (HttpReviewer(desk.house.console_url) for _ in range(2))
    try:
        await noor.join(link)
        place = link.removeprefix(desk.house.console_url)
        assert (await thief.http.post(f"{place}/begin", json={})).status_code in {404, 410}
        assert not thief.http.cookies
    finally:
        await noor.close()
        await thief.close()


async def test_of_two_who_claim_at_the_same_moment_one_holds_the_case(desk: Desk) -> None:
    async with desk.reported() as (_, case):
        claims = await asyncio.gather(
            *(who.post(f"/cases/{case}/claim") for who in (desk.robin, desk.kim))
        )
        assert sorted(one.status_code for one in claims) == [303, 409]
        await desk.kim.post(f"/cases/{case}/release")


async def test_nobody_judges_what_they_reported_themselves(desk: Desk) -> None:
    async with desk.reported() as (people, case):
        link = await asyncio.to_thread(desk.house.invite, "Ada", "reviewer", people.ada.user_id)
        ada = HttpReviewer(desk.house.console_url)
        try:
            await ada.join(link)
            assert case not in await ada.queue()
            assert (await ada.post(f"/cases/{case}/claim")).status_code == 403
        finally:
            await ada.close()


async def test_of_two_decisions_at_the_same_moment_one_counts_and_none_can_be_replayed(
    desk: Desk,
) -> None:
    async with desk.reported() as (people, case):
        await desk.robin.must(f"/cases/{case}/claim")
        choice = {"reason": RULE, "days": "7", "facts": "judged"}
        path = f"/cases/{case}/decide"
        decided = await asyncio.gather(
            desk.robin.post(path, **choice, measure="no_media"),
            desk.robin.post(path, **choice, measure="no_new_conversations"),
            desk.kim.post(path, **choice, measure="no_media"),
        )
        assert sorted(one.status_code for one in decided) == [303, 409, 409]
        assert (await desk.robin.post(path, **choice, measure="no_media")).status_code == 409
        stated = await notice(people.ben, "statement")
        assert len(stated["measures"]) == 1


async def test_reports_that_cannot_be_are_answered_plainly_and_make_no_case(desk: Desk) -> None:
    async with insulted(desk.house, "a", "b") as people, insulted(desk.house, "c") as others:
        before = await desk.robin.queue()
        api, room, event = people.ada, people.room, people.events[0]
        own = await api.send(room, "my own words")
        bad: list[tuple[str, str, dict[str, Any], int]] = [
            (room, own, {}, 400),
            (others.room, others.events[0], {}, 404),
            (room, others.events[0], {}, 404),
            (room, "$invented", {}, 404),
            (room, event, {"reason": "no.such_reason"}, 400),
            (room, event, {"events": [f"${one}" for one in range(10_000)]}, 400),
            (room, event, {"context": [f"${one}" for one in range(20)]}, 400),
            (room, event, {"context": others.events}, 404),
            (room, event, {"note": "x" * 20_000}, 400),
            (room, event, {"events": "not a list"}, 400),
        ]
        for number, (where, what, more, status) in enumerate(bad):
            path = f"{V3}/rooms/{quote(where)}/report/{quote(what)}"
            answer = await api.http.post(path, json={EXTENSION: more}, headers=api.headers())
            assert answer.status_code == status, f"{number}: {answer.text}"
            assert answer.json()["error"]
        assert await reports_of(api) == []
        assert await desk.robin.queue() == before


async def test_markup_and_control_characters_of_a_note_stay_words(desk: Desk) -> None:
    note = "<script>alert(1)</script></blockquote>\u202egpj\x00\x1b[2J{{ 7 * 7 }}"
    before = set(await desk.robin.queue())
    async with insulted(desk.house, "hello") as people:
        await people.report(0, note=note)
        [case] = set(await desk.robin.queue()) - before
        await desk.robin.must(f"/cases/{case}/claim")
        shown = await desk.robin.reveal_all(case)
        assert len(shown) == 2
        assert shown[0] == "hello" or shown[1] == "hello"
        page = desk.robin.heard[-1].said
        assert "<script>alert" not in page
        assert "{{ 7 * 7 }}" in page
        assert not {"\x00", "\x1b", "\u202e"} & set(page)
        await desk.robin.post(f"/cases/{case}/release")
