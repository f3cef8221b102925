"""Whose account a decision ended reads why, and contests it, without a session."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.web.decided_house import WORDS, decided, notices, signed_in
from tests.web.house_fixture import HOUR, OWN, WholeHouse, good, refusal, whole_house

from halfdoor.accounts.closed_tickets import TICKET_MS, ClosedTickets
from halfdoor.readers.review.choices import Action, Choice
from halfdoor.safety.measures import Kind
from halfdoor.web.matrix.closed_notices import CLOSED, Closed

END = Choice(reason="harassment.stalking", actions=(Action(kind=Kind.TERMINATED),))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as opened:
        yield opened


def closed(answer: httpx.Response) -> dict[str, Any]:
    """What stands beside the refusal of a login to an account that was ended."""
    assert refusal(answer) == (403, "M_USER_DEACTIVATED")
    found: dict[str, Any] = answer.json()["org.halfdoor.closed"]
    return found


async def login(house: WholeHouse, password: str = "seven quiet herons wade") -> httpx.Response:
    identifier = {"type": "m.id.user", "user": "bob"}
    body = {"type": "m.login.password", "identifier": identifier, "password": password}
    return await house.ask("POST", "/login", body)


async def test_whose_account_was_ended_reads_why_and_appeals(house: WholeHouse) -> None:
    _, bob, _ = await decided(house, END)
    assert refusal(await house.ask("GET", f"{OWN}/notices", token=bob))[0] == 401
    way = closed(await login(house))
    assert way["notices"] == CLOSED
    (stated,) = await notices(house, way["ticket"], CLOSED)
    assert stated["measures"] == [{"kind": "terminated", "until": None}]
    one = f"{CLOSED}/{stated['id']}"
    assert good(await house.ask("GET", one, token=way["ticket"]))["read"]
    exported = good(await house.ask("GET", f"{one}/statement", token=way["ticket"]))
    assert exported["decision_account"] == "DECISION_ACCOUNT_TERMINATED"
    good(await house.ask("POST", f"{one}/appeal", WORDS, token=way["ticket"]))
    again = await house.ask("POST", f"{one}/appeal", WORDS, token=way["ticket"])
    assert refusal(again)[0] == 409


async def test_a_wrong_password_gets_no_ticket(house: WholeHouse) -> None:
    await decided(house, END)
    answer = await login(house, "eight quiet herons wade")
    assert refusal(answer) == (403, "M_FORBIDDEN")
    assert "org.halfdoor.closed" not in answer.json()


async def test_a_ticket_opens_no_conversation_and_ends_after_an_hour(house: WholeHouse) -> None:
    await decided(house, END)
    ticket = closed(await login(house))["ticket"]
    for path in (f"{OWN}/notices", f"{OWN}/reports"):
        assert refusal(await house.ask("GET", path, token=ticket))[0] == 401, path
    house.clock.now += HOUR
    assert refusal(await house.ask("GET", CLOSED, token=ticket)) == (401, "M_UNKNOWN_TOKEN")


async def test_without_a_ticket_nothing_is_shown(house: WholeHouse) -> None:
    for method, path in (
        ("GET", CLOSED),
        ("GET", f"{CLOSED}/ntc_1"),
        ("POST", f"{CLOSED}/n/appeal"),
    ):
        assert refusal(await house.ask(method, path, WORDS))[0] == 401, path


async def test_a_session_is_no_ticket(house: WholeHouse) -> None:
    ada = await signed_in(house, "ada")
    assert refusal(await house.ask("GET", CLOSED, token=ada)) == (401, "M_UNKNOWN_TOKEN")


def test_a_ticket_of_another_house_or_person_or_time_is_none() -> None:
    tickets = ClosedTickets(bytes(32))
    ticket = tickets.make("@bob:a.example", 0)
    assert tickets.user_of(ticket, TICKET_MS - 1) == "@bob:a.example"
    assert tickets.user_of(ticket, TICKET_MS) is None
    assert ClosedTickets(bytes([1]) * 32).user_of(ticket, 1) is None
    other = tickets.make("@eve:a.example", 0)
    assert tickets.user_of(ticket[:40] + other[40:], 1) is None
    for text in ("", "hdn1.", "hda1." + ticket[5:], ticket[:-1], ticket + "A", "hdn1.ü", "hdn1.__"):
        assert tickets.user_of(text, 1) is None, text
    assert repr(tickets) == "ClosedTickets(…)"


def test_a_ticket_is_not_printed() -> None:
    assert repr(Closed("hdn1.secret")) == "Closed(…)"
