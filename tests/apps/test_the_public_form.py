"""People without an account report: help first, a case of metadata, and nobody is notified."""

from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import msgspec
import pytest
from tests.apps.console_house import Browser, ConsoleHouse
from tests.apps.opened_house import Person

from halfdoor.apps.public_form import public_app
from halfdoor.config.model import Config, Limits, Rate
from halfdoor.readers.review.freezing import QUEUE as FREEZE
from halfdoor.readers.review.records import Source
from halfdoor.web.app import App
from halfdoor.web.logs import configure
from halfdoor.web.metrics import Metrics

ORIGIN = "https://report.example.org"
OWN = "/_matrix/client/unstable/org.halfdoor"
WORDS = "He asks my daughter for pictures. canary-typed-outside"
GROOMING = "child_safety.grooming"


class Form(Browser):
    """Somebody at the public form; there is nothing to sign in to."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.apps = app  # type: ignore[assignment]
        self.cookies = {}
        self.set_cookie = ""

    async def send(self, site: str = "same-origin", **fields: str) -> tuple[int, str]:
        body = urlencode(fields).encode()
        kind = (b"content-type", b"application/x-www-form-urlencoded")
        status, answer, _ = await self.ask("POST", "/", body, kind, origin=ORIGIN, site=site)
        return status, unescape(answer.decode())


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[ConsoleHouse]:
    found = ConsoleHouse(tmp_path)
    yield found
    await found.house.close()


def form_of(at: ConsoleHouse, per_hour: int = 100, burst: int = 1000) -> Form:
    config = Config(
        server_name=at.house.setting.server_name,
        limits=Limits(register=Rate(per_minute=burst, burst=burst)),
    )
    config = msgspec.structs.replace(
        config, public_form=msgspec.structs.replace(config.public_form, per_hour=per_hour)
    )
    return Form(public_app(at.house, config, ORIGIN, Metrics(), configure("error")))


async def pair(at: ConsoleHouse) -> tuple[Person, Person, str]:
    """Ada and ben talk; nobody has reported anything in the app but one insult, to be decided."""
    return await at.reported("spam.unwanted", "hello")


async def cases_about(at: ConsoleHouse, user: str) -> list[str]:
    return [one.id for one in await at.house.desk.store.cases_about(user)]


def test_without_its_address_there_is_no_form() -> None:
    assert Config().public_form.public_url is None


# --- refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"about": ""}, "whose account"),
        ({"about": "ben"}, "@name:example.org"),
        ({"about": "@ben:elsewhere.example"}, "@name:example.org"),
        ({"child": "@ben:example.org"}, "one and the same"),
        ({"child": "my daughter"}, "@name:example.org"),
        ({"words": " "}, "own words"),
        ({"words": "x" * 5_000}, "characters"),
        ({"reason": "no.such"}, "no such reason"),
        ({"country": "12"}, "two letters"),
    ],
)
async def test_what_cannot_be_taken_says_what_would_do_and_keeps_what_was_typed(
    at: ConsoleHouse, wrong: dict[str, str], said: str
) -> None:
    fields = {"about": "@ben:example.org", "reason": GROOMING, "words": WORDS, **wrong}
    status, page = await form_of(at).send(**fields)
    assert status == 400
    assert said in page
    if "words" not in wrong and "country" not in wrong:
        assert WORDS in page
    assert await cases_about(at, "@ben:example.org") == []


async def test_another_site_sends_nothing(at: ConsoleHouse) -> None:
    fields = {"about": "@ben:example.org", "reason": GROOMING, "words": WORDS}
    assert (await form_of(at).send(site="cross-site", **fields))[0] == 403
    assert await cases_about(at, "@ben:example.org") == []


async def test_a_flood_is_answered_and_everybody_else_keeps_the_app(at: ConsoleHouse) -> None:
    ada, _, _ = await pair(at)
    form = form_of(at, per_hour=2)
    fields = {"about": "@ben:example.org", "reason": "spam.unwanted"}
    assert [(await form.send(**fields, words=f"{n}"))[0] for n in range(3)] == [200, 200, 429]
    body = {**fields, "words": "one more"}
    status, answer = await form.send_json("/v1/reports", body)
    assert (status, answer["errcode"]) == (429, "M_LIMIT_EXCEEDED")
    assert (await ada.call("GET", "/account/whoami"))[0] == 200
    one = form_of(at, burst=1)
    assert [(await one.send(**fields, words=f"{n}"))[0] for n in range(2)] == [200, 429]


# --- taken ----------------------------------------------------------------------------------------


async def test_help_is_shown_before_anything_and_without_it(at: ConsoleHouse) -> None:
    form = form_of(at)
    status, page = await form.get("/?country=FI")
    assert status == 200
    assert page.index("Who can help now") < page.index("What happened")
    said = (await form.get("/v1/reasons?country=FI"))[1]
    assert '"help"' in said
    first = msgspec.json.decode(said)["help"][0]
    assert first["title"] in unescape(page)
    assert "<script" not in page


async def test_a_case_of_metadata_is_opened_and_the_child_hears_nothing(at: ConsoleHouse) -> None:
    ada, ben, room = await pair(at)
    desk = at.house.desk.store

    async def heard() -> list[object]:
        pages: list[object] = []
        for who in (ada, ben):
            pages.append(await who.call("GET", "/sync"))
            pages.append(await who.caller.call("GET", f"{OWN}/notices", None))
            pages.append(await who.caller.call("GET", f"{OWN}/reports", None))
        return pages

    for _ in range(3):
        await at.house.work.go_on(seconds=2)
    before = await heard()
    status, page = await form_of(at).send(
        about=ben.user, child=ada.user, reason=GROOMING, words=WORDS, country="FI"
    )
    assert status == 200
    assert page.index("Who can help now") < page.index("The number of your report")
    case = next(one for one in await desk.cases_about(ben.user) if one.reason == GROOMING)
    (report,) = await desk.reports(case.id)
    assert report.id in page
    assert (report.source, report.unverified, report.room) == (Source.PUBLIC, True, None)
    assert await desk.evidence(case.id) == []
    frozen = await at.house.store.jobs.claim(at.clock.now, 1000, FREEZE)
    assert frozen is not None
    assert room.encode() in frozen.payload
    await at.house.store.jobs.release(frozen, at.clock.now)
    for _ in range(3):
        await at.house.work.go_on(seconds=2)
    assert await heard() == before
    sam = await at.staff("Sam", "child_safety")
    status, page = await sam.get(f"/cases/{case.id}")
    assert status == 200
    assert "canary" not in page
    assert "(public)" in page
    assert "not checked" in page
    assert ada.user not in page


async def test_whoever_names_one_side_alone_keeps_nothing_from_deletion(at: ConsoleHouse) -> None:
    _, ben, _ = await pair(at)
    for child in ("", "@nobody:example.org"):
        words = f"{WORDS} {child}"
        status, _ = await form_of(at).send(
            about=ben.user, child=child, reason=GROOMING, words=words
        )
        assert status == 200
    assert await at.house.store.jobs.claim(at.clock.now + 1, 1000, FREEZE) is None


async def test_the_same_again_is_the_same_report_and_nobody_learns_who_is_here(
    at: ConsoleHouse,
) -> None:
    _, ben, _ = await pair(at)
    form = form_of(at)
    for user in (ben.user, "@nobody:example.org"):
        body = {"about": user, "reason": GROOMING, "words": WORDS, "language": "en"}
        status, first = await form.send_json("/v1/reports", body)
        assert (status, set(first), first["repeat"]) == (200, {"id", "at", "repeat"}, False)
        status, second = await form.send_json("/v1/reports", body)
        assert (status, second["id"], second["repeat"]) == (200, first["id"], True)


async def test_a_decision_tells_the_subject_and_nobody_outside(at: ConsoleHouse) -> None:
    _, ben, _ = await pair(at)
    fields = {"about": ben.user, "reason": "harassment.targeted", "words": WORDS}
    assert (await form_of(at).send(**fields))[0] == 200
    robin = await at.staff("Robin", "reviewer")
    cases = await at.house.desk.store.cases_about(ben.user)
    case = next(one for one in cases if one.reason == fields["reason"])
    assert (await robin.post(f"/cases/{case.id}/claim"))[0] == 303
    (report,) = await at.house.desk.store.reports(case.id)
    status, page = await robin.post(f"/cases/{case.id}/items/{report.id}/reveal", why="judge")
    assert status == 200
    assert "canary-typed-outside" in page
    assert "cannot be checked" in page
    choice = {"reason": case.reason, "measure": "no_media", "days": "7", "facts": "typed"}
    status, page = await robin.post(f"/cases/{case.id}/preview", **choice)
    assert "who was reported" in page
    assert "who reported" not in page
    assert (await robin.post(f"/cases/{case.id}/decide", **choice))[0] == 303
    at.clock.now += 30 * 3_600_000
    for _ in range(5):
        await at.house.work.go_on(seconds=5)
    store = at.house.desk.store
    assert [one.kind for one in await store.notices(ben.user, at.clock.now)] == ["statement"]
    assert await store.notices(report.reporter, at.clock.now) == []


async def test_markup_stays_words(at: ConsoleHouse) -> None:
    hostile = '<script>alert(1)</script>"\u202egpj'
    form = form_of(at)
    body = urlencode({"about": hostile, "child": hostile, "words": hostile, "reason": hostile})
    kind = (b"content-type", b"application/x-www-form-urlencoded")
    status, answer, headers = await form.ask("POST", "/", body.encode(), kind, origin=ORIGIN)
    assert status == 400
    assert b"<script" not in answer
    assert b"default-src 'none'" in headers[b"content-security-policy"]
    assert headers[b"cache-control"] == b"no-store"
