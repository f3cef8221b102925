"""Reports by HTTP: as stock clients send them, with our extension, and what is refused."""

import asyncio
import io
from base64 import b64decode
from collections.abc import AsyncIterator, MutableMapping
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.readers.review_house import SEED, ReviewHouse, opened
from tests.web.matrix.conftest import Client, Seat, World, every_route, good, refusal

from halfdoor.messaging.hearing import Hearing
from halfdoor.messaging.presenting import Presenting
from halfdoor.readers.review.receipts import ReceiptSigner, read_receipt
from halfdoor.web.address import ClientAddresses
from halfdoor.web.app import App
from halfdoor.web.errors import ErrorTable
from halfdoor.web.limits import Limits
from halfdoor.web.logs import configure
from halfdoor.web.matrix import administration, reports
from halfdoor.web.matrix.refusals import add_refusals
from halfdoor.web.matrix.report_refusals import add_report_refusals
from halfdoor.web.metrics import Metrics
from halfdoor.web.request import BodyLimits

OWN = "/_matrix/client/unstable/org.halfdoor"
EXTENSION = "org.halfdoor.report"
ADMIN = "/_matrix/client/v1/admin"


class ReportingWorld(World):
    """The messaging room's routes and those of reports, over stores in memory."""

    def __init__(self, desk: ReviewHouse) -> None:
        super().__init__(desk.house)
        self.desk = desk
        house = desk.house
        presenting = Presenting(
            house.store, house.reading, Hearing(house.audience, house.contacts), house.clock
        )
        errors = ErrorTable()
        add_refusals(errors)
        add_report_refusals(errors)
        self.log = io.StringIO()

        async def nobody(user: str, term: str, limit: int) -> list[dict[str, str]]:
            return []

        self.app = App(
            [
                *every_route(house, house.store, presenting, nobody),
                *reports.routes(desk.reports),
                *administration.routes(),
            ],
            sessions=self.seats,
            platform=None,
            errors=errors,
            limits=Limits(by_address={}, by_session={}, strays=None),
            bodies=BodyLimits(),
            addresses=ClientAddresses([]),
            numbers=Metrics().requests,
            log=configure("debug", stream=self.log, console=False),
        )
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(self._reporting), base_url="https://a.example"
        )

    async def _reporting(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        async def heard() -> dict[str, Any]:
            return dict(await receive())

        await self.app(dict(scope), heard, send)

    async def joined(self) -> tuple[Client, Client, str]:
        """Ada and Ben, who know each other, in a conversation of the two."""
        return await self.pair()


@pytest.fixture
async def world() -> AsyncIterator[ReportingWorld]:
    world = ReportingWorld(ReviewHouse({"intake": {"per_hour": 4}}))
    async with world.http:
        yield world


@pytest.mark.parametrize(
    ("body", "status", "errcode"),
    [
        ({"reason": 5}, 400, "M_BAD_JSON"),
        ({EXTENSION: None}, 400, "M_BAD_JSON"),
        ({EXTENSION: {"events": "all"}}, 400, "M_BAD_JSON"),
        ({EXTENSION: {"events": [1]}}, 400, "M_BAD_JSON"),
        ({EXTENSION: {"events": [""]}}, 400, "M_INVALID_PARAM"),
        ({EXTENSION: {"reason": "no.such"}}, 400, "M_INVALID_PARAM"),
        ({EXTENSION: {"block": "yes"}}, 400, "M_BAD_JSON"),
        ({EXTENSION: {"note": "n" * 2001}}, 400, "M_INVALID_PARAM"),
        ({EXTENSION: {"language": "x"}}, 400, "M_INVALID_PARAM"),
        ({EXTENSION: {"events": [f"${n:043}" for n in range(10_000)]}}, 400, "M_INVALID_PARAM"),
        ({EXTENSION: {"context": [f"${n}" for n in range(6)]}}, 400, "M_INVALID_PARAM"),
        ({EXTENSION: {"events": ["$nowhere"]}}, 404, "M_NOT_FOUND"),
        ({"reason": "b" * (1 << 20)}, 413, "M_TOO_LARGE"),
        ([], 400, "M_BAD_JSON"),
    ],
)
async def test_a_malformed_report_is_refused_clearly_and_nothing_is_kept(
    world: ReportingWorld, body: Any, status: int, errcode: str
) -> None:
    ada, ben, room = await world.joined()
    said = await ben.say(room, "canary-1")
    answer = await ada.ask("POST", f"/rooms/{room}/report/{said}", body)
    assert refusal(answer) == (status, errcode)
    assert await world.desk.desk.reports_by(ada.id, 0) == []
    assert "canary" not in world.log.getvalue()


async def test_a_report_of_more_messages_than_it_may_have_says_the_number(
    world: ReportingWorld,
) -> None:
    ada, ben, room = await world.joined()
    said = await ben.say(room, "a")
    events = [f"${n:043}" for n in range(9_999)]
    answer = await ada.ask("POST", f"/rooms/{room}/report/{said}", {EXTENSION: {"events": events}})
    assert "takes 50 messages, and these are 10000" in answer.json()["error"]


async def test_messages_one_cannot_see_and_oneself_are_refused(world: ReportingWorld) -> None:
    ada, ben, room = await world.joined()
    cleo = await world.person("cleo")
    said, own = await ben.say(room, "a"), await ada.say(room, "mine")
    for who, path, wanted in (
        (cleo, f"/rooms/{room}/report/{said}", (404, "M_NOT_FOUND")),
        (cleo, f"/rooms/!nowhere:a.example/report/{said}", (404, "M_NOT_FOUND")),
        (ada, f"/rooms/{room}/report/$nowhere", (404, "M_NOT_FOUND")),
        (ada, f"/rooms/{room}/report/{own}", (400, "M_INVALID_PARAM")),
        (ada, f"/users/{ada.id}/report", (400, "M_INVALID_PARAM")),
        (ada, "/users/ben/report", (400, "M_INVALID_PARAM")),
    ):
        assert refusal(await who.ask("POST", path, {"reason": "x"})) == wanted
    both = [
        (await cleo.ask("POST", path, {})).content
        for path in (f"/rooms/{room}/report/{said}", f"/rooms/!no:a.example/report/{said}")
    ]
    assert both[0] == both[1]


async def test_nobody_reports_without_being_signed_in(world: ReportingWorld) -> None:
    stranger = Client(world, Seat("@eve:a.example", "D", "nobody"))
    for method, path in (
        ("POST", "/rooms/!r:a.example/report/$e"),
        ("POST", "/rooms/!r:a.example/report"),
        ("POST", "/users/@ben:a.example/report"),
        ("GET", f"{OWN}/reports"),
        ("GET", f"{OWN}/reports/reasons"),
        ("GET", f"{ADMIN}/suspend/@ben:a.example"),
    ):
        assert (await stranger.ask(method, path)).status_code == 401


async def test_a_flood_is_told_when_to_come_again(world: ReportingWorld) -> None:
    ada = await world.person("ada")
    for number in range(4):
        good(await ada.ask("POST", f"/users/@troll{number}:a.example/report", {}))
    answer = await ada.ask("POST", "/users/@troll9:a.example/report", {})
    assert refusal(answer) == (429, "M_LIMIT_EXCEEDED")
    assert answer.json()["retry_after_ms"] == 3_600_000
    assert answer.headers["retry-after"] == "3600"


@pytest.mark.parametrize(
    "body",
    [
        {"reason": "rude", "score": -100},
        {"reason": ""},
        {},
        None,
    ],
)
async def test_a_stock_clients_report_hands_over_its_one_message(
    world: ReportingWorld, body: Any
) -> None:
    ada, ben, room = await world.joined()
    await ben.say(room, "before")
    said = await ben.say(room, "you are a toad")
    good(await ada.ask("POST", f"/rooms/{room}/report/{said}", body))
    (report,) = await world.desk.desk.reports_by(ada.id, 0)
    (evidence,) = await world.desk.desk.evidence(report.case)
    case = await world.desk.desk.case(report.case)
    assert case is not None
    assert opened(case, evidence) == "you are a toad"
    assert (report.reason, report.note) == ("other.unsorted", (body or {}).get("reason", ""))


async def test_our_extension_says_reason_messages_note_and_more(world: ReportingWorld) -> None:
    ada, ben, room = await world.joined()
    one, near = await ben.say(room, "a"), await ada.say(room, "b")
    two = await ben.say(room, "c")
    body = {
        "reason": "for people",
        EXTENSION: {
            "reason": "harassment.bullying",
            "events": [two],
            "context": [near],
            "note": "every day",
            "language": "en-GB",
            "block": True,
            "some_day": 1,
        },
    }
    answer = good(await ada.ask("POST", f"/rooms/{room}/report/{one}", body))[EXTENSION]
    (report,) = await world.desk.desk.reports_by(ada.id, 0)
    assert (report.events, report.context) == ((one, two), (near,))
    assert (report.reason, report.note, report.language) == (
        "harassment.bullying",
        "every day",
        "en-GB",
    )
    assert ben.id in world.house.people.blocked[ada.id]
    assert answer["id"] == report.id
    receipt = read_receipt(b64decode(answer["receipt"]), ReceiptSigner(SEED, "").public)
    assert [event.event_id for event in receipt.events] == [one, two, near]
    again = good(await ada.ask("POST", f"/rooms/{room}/report/{one}", body))[EXTENSION]
    assert again == {**answer, "repeat": True}


async def test_rooms_and_people_are_reported_by_anybody_whether_or_not_they_exist(
    world: ReportingWorld,
) -> None:
    ada, ben, room = await world.joined()
    cleo = await world.person("cleo")
    shapes = set()
    for path in (
        f"/rooms/{room}/report",
        "/rooms/!nowhere:a.example/report",
        f"/users/{ben.id}/report",
        "/users/@nobody:a.example/report",
    ):
        said = good(await cleo.ask("POST", path, {"reason": "x"}))
        shapes.add(str({name: type(value) for name, value in said[EXTENSION].items()}))
    assert len(shapes) == 1
    said = await ben.say(room, "a")
    body = {EXTENSION: {"room_id": room, "events": [said]}}
    good(await ada.ask("POST", f"/users/{ben.id}/report", body))
    (report,) = await world.desk.desk.reports_by(ada.id, 0)
    assert (report.subject, report.room, report.unverified) == (ben.id, room, False)


async def test_ones_own_reports_are_listed_for_oneself_alone(world: ReportingWorld) -> None:
    ada, ben, room = await world.joined()
    said = await ben.say(room, "a")
    good(await ada.ask("POST", f"/rooms/{room}/report/{said}", {}))
    hidden = good(await ada.ask("POST", f"/rooms/{room}/report", {EXTENSION: {"hidden": True}}))[
        EXTENSION
    ]["id"]
    (listed,) = (await ada.get(f"{OWN}/reports"))["reports"]
    assert (listed["state"], listed["events"], listed["room_id"]) == ("received", [said], room)
    assert (await ada.get(f"{OWN}/reports/{listed['id']}")) == listed
    assert (await ada.get(f"{OWN}/reports/{hidden}"))["id"] == hidden
    assert (await ben.get(f"{OWN}/reports"))["reports"] == []
    for name in (listed["id"], hidden, "rep_x"):
        assert refusal(await ben.ask("GET", f"{OWN}/reports/{name}")) == (404, "M_NOT_FOUND")


async def test_the_reasons_can_be_read_without_filing_anything(world: ReportingWorld) -> None:
    ada = await world.person("ada")
    said = await ada.get(f"{OWN}/reports/reasons")
    assert {one["key"] for one in said["reasons"]} >= {"child_safety.grooming", "spam.unwanted"}
    assert said["help"]
    assert b64decode(said["receipt_key"]) == ReceiptSigner(SEED, "").public
    there = await ada.get(f"{OWN}/reports/reasons", country="GB")
    assert "0800 1111" in str(there["help"])
    assert "0800 1111" not in str(said["help"])
    for country in ("", "gb", "GBR", "G"):
        answer = await ada.ask("GET", f"{OWN}/reports/reasons", country=country)
        assert refusal(answer) == (400, "M_INVALID_PARAM")


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("what", ["lock", "suspend"])
async def test_no_person_administers_accounts(
    world: ReportingWorld, method: str, what: str
) -> None:
    ada = await world.person("ada")
    for user in ("@ben:a.example", "@nobody:a.example", ada.id):
        body = {what + "ed": True} if method == "PUT" else None
        answer = await ada.ask(method, f"{ADMIN}/{what}/{user}", body)
        assert refusal(answer) == (403, "M_FORBIDDEN")


ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("$nowhere"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["reason", EXTENSION, "events", "context", "note", "block", "room_id"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)
PATHS = st.sampled_from(["/rooms/{}/report/{}", "/rooms/{}/report", "/users/{}/report"]) | st.just(
    "/rooms/{}/report/{}/{}"
)


@settings(max_examples=60, deadline=None)
@given(body=ANYTHING | st.binary(max_size=20), path=PATHS, name=st.text(max_size=12))
def test_whatever_is_sent_the_answer_is_an_answer(body: Any, path: str, name: str) -> None:
    async def ask() -> None:
        world = ReportingWorld(ReviewHouse())
        async with world.http:
            ada, ben, room = await world.joined()
            said = await ben.say(room, "a")
            for known in (ben.id, room, said):
                path_there = path.replace("{}", quote(known, safe=""), 1)
                answer = await ada.ask(
                    "POST",
                    path_there.replace("{}", quote(name, safe="")),
                    None if isinstance(body, bytes) else body,
                    raw=body if isinstance(body, bytes) else None,
                )
                assert answer.status_code in {200, 400, 404}, answer.text

    asyncio.run(ask())
