"""The console's pages over the real desk: from a report to a decision that holds."""

from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import pytest
from tests.apps.console_house import ORIGIN, Browser, ConsoleHouse
from tests.web.software_authenticator import SoftwareAuthenticator

SAID = "you are a canary-of-a-message"
BEFORE = "canary-of-a-neighbour"
INSULT = "harassment.targeted"


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[ConsoleHouse]:
    found = ConsoleHouse(tmp_path)
    yield found
    await found.house.close()


async def claimed(at: ConsoleHouse, browser: Browser) -> str:
    """Take the next case and return its page's address."""
    status, _, headers = await browser.ask(
        "POST",
        "/queue/next",
        f"csrf={await mark(browser)}".encode(),
        (b"content-type", b"application/x-www-form-urlencoded"),
    )
    assert status == 303
    place = headers[b"location"].decode()
    assert place.startswith("/cases/case_")
    return place


async def mark(browser: Browser) -> str:
    _, page = await browser.get("/wellness")
    return page.split('name="csrf" value="')[1].split('"')[0]


async def evidence_of(at: ConsoleHouse, place: str) -> str:
    (one,) = await at.house.desk.store.evidence(place.rpartition("/")[2])
    return one.id


# --- refused --------------------------------------------------------------------------------------


async def test_without_a_session_every_page_leads_to_the_sign_in(at: ConsoleHouse) -> None:
    browser = Browser(at.apps)
    for path in ("/", "/queue", "/wellness", "/board", "/appeals", "/confirm", "/admin"):
        status, _, headers = await browser.ask("GET", path)
        assert (status, headers[b"location"]) == (303, b"/sign-in")
    status, _ = await browser.get("/_halfdoor/review/v1/me")
    assert status == 401


async def test_a_link_signs_nobody_in_by_itself(at: ConsoleHouse) -> None:
    made = await at.house.desk.staff.invite(
        by=None, name="Robin", roles=("lead",), place="DE", now=at.clock.now_ms()
    )
    browser = Browser(at.apps)
    status, _, _ = await browser.ask("POST", f"/demo/{made.link}")
    assert status == 403
    assert browser.cookies == {}
    await browser.join(made.link)
    assert (await browser.get("/queue"))[0] == 200


async def test_the_cookie_is_bound_to_the_host_and_hidden_from_scripts(at: ConsoleHouse) -> None:
    browser = await at.staff("Robin", "reviewer")
    said = browser.set_cookie
    assert said.startswith("__Host-")
    for part in ("; Secure", "; HttpOnly", "; SameSite=Strict", "; Path=/"):
        assert part in said
    assert "Domain" not in said


async def test_a_form_of_another_site_changes_nothing(at: ConsoleHouse) -> None:
    await at.reported(INSULT, SAID)
    browser = await at.staff("Robin", "reviewer")
    body = f"csrf={await mark(browser)}".encode()
    form = (b"content-type", b"application/x-www-form-urlencoded")
    for origin, site in (("https://evil.example", "cross-site"), ("https://evil.example", "none")):
        status, _, _ = await browser.ask(
            "POST", "/queue/next", body, form, origin=origin, site=site
        )
        assert status == 403
    assert (await browser.post("/queue/next", csrf="wrong"))[0] == 403
    assert len(await at.house.desk.store.held_by("")) == 0
    assert "You hold" not in (await browser.get("/queue?state=mine"))[1]


async def test_an_admin_sees_staff_and_not_a_word_of_any_case(at: ConsoleHouse) -> None:
    await at.reported(INSULT, BEFORE, SAID)
    reviewer, admin = await at.staff("Robin", "reviewer"), await at.staff("Ann", "admin")
    place = await claimed(at, reviewer)
    item = await evidence_of(at, place)
    status, page = await admin.get("/admin")
    assert status == 200
    assert "Robin" in page
    for path in (place, f"{place}/decide", "/queue", "/appeals", "/confirm"):
        status, page = await admin.get(path)
        assert status == 403
        assert "canary" not in page
    status, page = await admin.post(f"{place}/items/{item}/reveal", why="judge")
    assert status == 403
    assert "canary" not in page


async def test_no_page_of_the_house_holds_a_word_of_anybody(at: ConsoleHouse) -> None:
    ada, ben, room = await at.reported(INSULT, BEFORE, SAID)
    await at.house.people.suspend(ben.user, suspended=True)
    reviewer, admin = await at.staff("Robin", "reviewer"), await at.staff("Ann", "admin")
    pages = [(await admin.get("/admin/house"))[1]]
    status, _ = await admin.post("/admin/house/examine")
    assert status == 303
    for path in ("/admin", "/admin/house", "/board"):
        status, page = await admin.get(path)
        assert status == 200
        pages.append(page)
    assert "2 accounts; of them 1 suspended, 0 limited" in pages[2]
    assert "Not asked since" in pages[0]
    assert "lines, each continues the one before" in pages[2]
    for one in (ada.user, ben.user, "@nobody:example.org"):
        status, page = await admin.post("/admin/people", user=one)
        assert status == 200
        pages.append(page)
    assert "no limits" in pages[-3]
    assert "suspended" in pages[-2]
    assert "no such account" in pages[-1]
    for page in pages:
        assert "canary" not in page
        assert room not in page
        assert "case_" not in page
    lines = [(one.what, one.about) for one in await at.house.desk.store.staff_log(0, 100)]
    assert ("look_up", ben.user) in lines
    assert ("examine", None) in lines
    for path in ("/admin/house", "/admin/people"):
        assert (await reviewer.get(path))[0] in {403, 404, 405}
    assert (await reviewer.post("/admin/people", user=ben.user))[0] == 403
    assert (await reviewer.post("/admin/house/examine"))[0] == 403
    assert (await admin.post("/admin/people", user="ben"))[0] == 400


async def test_whoever_does_not_hold_the_case_reveals_nothing(at: ConsoleHouse) -> None:
    await at.reported(INSULT, SAID)
    robin, kim = await at.staff("Robin", "reviewer"), await at.staff("Kim", "reviewer")
    place = await claimed(at, robin)
    status, page = await kim.post(
        f"{place}/items/{await evidence_of(at, place)}/reveal", why="judge"
    )
    assert status == 409
    assert "canary" not in page
    lines = await at.house.desk.store.staff_log(0, 100)
    assert "reveal" not in [one.what for one in lines]


# --- from a report to what follows ----------------------------------------------------------------


async def test_a_case_opens_one_message_at_a_time_and_the_log_says_so_first(
    at: ConsoleHouse,
) -> None:
    await at.reported(INSULT, BEFORE, SAID)
    robin = await at.staff("Robin", "reviewer")
    status, queue = await robin.get("/queue")
    assert status == 200
    assert "Insults or threats" in queue
    place = await claimed(at, robin)
    status, page = await robin.get(place)
    assert status == 200
    assert "canary" not in page
    assert "@ben" not in page
    assert "@ada" not in page
    assert "Person A" in page
    assert "Person B" in page
    status, page = await robin.post(
        f"{place}/items/{await evidence_of(at, place)}/reveal", why="judge"
    )
    assert status == 200
    assert SAID in unescape(page)
    assert "proven" in page
    assert BEFORE not in unescape(page)
    last = (await at.house.desk.store.staff_log(0, 100))[-1]
    assert (last.what, last.case) == ("reveal", place.rpartition("/")[2])
    status, page = await robin.post(f"{place}/unmask", label="Person A", reason="to compare")
    assert status == 303
    assert "@ben:example.org" in unescape((await robin.get(place))[1])


async def test_it_says_of_each_person_whether_they_are_under_18(at: ConsoleHouse) -> None:
    ada, ben, _ = await at.reported("threat.life", SAID)
    robin = await at.staff("Robin", "reviewer")
    place = await claimed(at, robin)

    async def panel() -> tuple[str, str]:
        people = unescape((await robin.get(place))[1]).partition("<h2>People</h2>")[2]
        about, _, rest = people.partition("Person B")
        return about, rest.partition("<h2>")[0]

    await at.house.people.change({ada.user: {"age_band": "13-15"}})
    subject, reporter = await panel()
    assert "Under 18" not in subject
    assert "Under 18" in reporter
    await at.house.people.change({ben.user: {"age_band": None}})
    assert "Age not known" in (await panel())[0]


async def test_every_text_is_shown_before_it_is_sent_and_the_decision_holds(
    at: ConsoleHouse,
) -> None:
    _, ben, _ = await at.reported(INSULT, SAID)
    robin = await at.staff("Robin", "reviewer")
    place = await claimed(at, robin)
    choice = {"reason": INSULT, "measure": "no_new_conversations", "days": "7", "facts": "insults"}
    status, page = await robin.post(f"{place}/preview", **choice)
    assert status == 200
    assert "Person B, who reported" in unescape(page)
    assert "Person A, who was reported" in unescape(page)
    assert "canary" not in page
    status, page = await robin.post(f"{place}/decide", **choice)
    assert status == 303, page
    status, page = await robin.get(place)
    assert "Undo" in page
    # Until the measure begins: the time to take it back, and the random hours of a pair.
    at.clock.now += 13 * 3_600_000
    for _ in range(4):
        await at.house.work.go_on(seconds=5)
    held = (await at.house.people.person(ben.user)).measures
    assert [one.kind for one in held] == ["no_new_conversations"]
    status, refused = await ben.call("POST", "/createRoom", {"invite": ["@ada:example.org"]})
    assert status == 403
    assert refused["errcode"] in {"M_FORBIDDEN", "M_USER_SUSPENDED"}


async def test_what_is_severe_waits_for_a_second_different_person(at: ConsoleHouse) -> None:
    await at.reported("threat.life", SAID)
    robin, kim = await at.staff("Robin", "reviewer"), await at.staff("Kim", "reviewer")
    place = await claimed(at, robin)
    choice = {"reason": "threat.life", "measure": "terminated", "facts": "a threat"}
    assert (await robin.post(f"{place}/decide", **choice))[0] == 409
    confirm = place.replace("/cases/", "/confirm/")
    status, page = await robin.post(f"{confirm}/yes")
    assert status == 409
    status, page = await kim.get("/confirm")
    assert "End the account" in page
    assert "Robin" in page
    status, page = await kim.get(confirm)
    assert status == 200
    assert "a threat" in unescape(page)
    assert (await kim.post(f"{confirm}/yes"))[0] == 303
    case = await at.house.desk.store.case(place.rpartition("/")[2])
    assert case is not None
    assert case.state.value == "decided"


async def test_what_one_does_not_want_to_see_is_gone_from_the_queue_at_once(
    at: ConsoleHouse,
) -> None:
    await at.reported(INSULT, SAID)
    robin = await at.staff("Robin", "reviewer")
    assert "Insults or threats" in (await robin.get("/queue"))[1]
    assert (await robin.post("/wellness/opt-out", group="harassment"))[0] == 303
    status, page = await robin.get("/queue")
    assert status == 200
    assert "/cases/case_" not in page


async def test_the_board_counts_and_names_nobody(at: ConsoleHouse) -> None:
    await at.reported(INSULT, SAID)
    robin, lee = await at.staff("Robin", "reviewer"), await at.staff("Lee", "lead")
    await claimed(at, robin)
    status, page = await lee.get("/board")
    assert status == 200
    assert "<svg" in page
    assert "<table" in page
    assert "Robin" not in page
    assert (await robin.get("/board"))[0] == 403


async def test_an_account_that_ends_is_out_of_the_console_at_once(at: ConsoleHouse) -> None:
    robin, ann = await at.staff("Robin", "reviewer"), await at.staff("Ann", "admin")
    members = {one.name: one.id for one in await at.house.desk.staff.members()}
    status, _ = await ann.post("/admin/members/end", member=members["Robin"])
    assert status == 303
    status, _, headers = await robin.ask("GET", "/queue")
    assert (status, headers[b"location"]) == (303, b"/sign-in")


async def test_a_second_passkey_signs_in_as_well_and_the_staff_log_has_it(at: ConsoleHouse) -> None:
    robin = await at.staff("Robin", "reviewer")
    page = (await robin.get("/account"))[1]
    assert page.count("last used") == 1
    word = (b"x-csrf", page.split('data-csrf="')[1].split('"')[0].encode())
    other = SoftwareAuthenticator(ORIGIN)
    status, asked = await robin.send_json("/account/passkeys/begin", {}, word)
    assert status == 200
    answer = other.create(asked)
    status, _ = await robin.send_json("/account/passkeys/finish", answer, word)
    assert status == 200
    # The same answer again is none.
    status, _ = await robin.send_json("/account/passkeys/finish", answer, word)
    assert status == 403
    assert (await robin.get("/account"))[1].count("last used") == 2
    assert "passkey_added" in [one.what for one in await at.house.desk.store.staff_log(0, 100)]
    device = Browser(at.apps)
    _, asked = await device.send_json("/sign-in/begin", {})
    status, _ = await device.send_json("/sign-in/finish", other.get(asked))
    assert status == 200
    assert "Robin" in (await device.get("/account"))[1]


async def test_a_link_that_was_used_welcomes_nobody(at: ConsoleHouse) -> None:
    made = await at.house.desk.staff.invite(
        by=None, name="Robin", roles=("reviewer",), place="DE", now=at.clock.now_ms()
    )
    assert "Welcome" in (await Browser(at.apps).get(f"/join/{made.link}"))[1]
    await Browser(at.apps).join(made.link)
    for link in (made.link, "hdi1.nothing"):
        status, page = await Browser(at.apps).get(f"/join/{link}")
        assert status == 410
        assert "used up" in page


async def test_during_the_undo_nobody_says_that_there_never_was_a_measure(
    at: ConsoleHouse,
) -> None:
    await at.reported(INSULT, SAID)
    robin = await at.staff("Robin", "reviewer")
    place = await claimed(at, robin)
    assert "never restricted" in (await robin.get(place))[1]
    choice = {"reason": INSULT, "measure": "no_media", "days": "7", "facts": "insults"}
    assert (await robin.post(f"{place}/decide", **choice))[0] == 303
    page = (await robin.get(place))[1]
    assert "Undo" in page
    assert "never restricted" not in page
    assert "takes hold once it can no longer be taken back" in page


async def test_the_queue_is_narrowed_to_conversations_of_one_posture(at: ConsoleHouse) -> None:
    await at.reported(INSULT, SAID)
    robin = await at.staff("Robin", "reviewer")
    assert "/cases/case_" in (await robin.get("/queue?posture=standard"))[1]
    assert "/cases/case_" not in (await robin.get("/queue?posture=e2ee"))[1]


async def test_an_admin_invites_and_the_link_is_shown_once(at: ConsoleHouse) -> None:
    ann = await at.staff("Ann", "admin")
    status, page = await ann.post("/admin/invite", name="Noor", role="lead", place="FR")
    assert status == 200
    link = page.split(f"{ORIGIN}/join/")[1].split('"')[0].split("<")[0]
    assert link not in (await ann.get("/admin"))[1]
    noor = Browser(at.apps)
    await noor.join(link)
    assert (await noor.get("/board"))[0] == 200
    status, page = await ann.post("/admin/invite", name="Eve", role=["admin", "lead"], place="FR")
    assert status == 400


async def test_a_demonstration_says_so_on_every_page(tmp_path: Path) -> None:
    at = ConsoleHouse(tmp_path, demo=True)
    made = await at.house.desk.staff.invite(
        by=None, name="Lee", roles=("lead",), place="DE", now=at.clock.now_ms()
    )
    browser = Browser(at.apps)
    assert (await browser.get(f"/demo/{made.link}"))[0] == 200
    status, _, _ = await browser.ask("POST", f"/demo/{made.link}")
    assert status == 303
    for path in (
        "/queue",
        "/board",
        "/wellness",
        "/appeals",
        "/confirm",
        "/cases/none",
        "/nowhere",
    ):
        assert "Demo." in (await browser.get(path))[1], path
    assert (await browser.ask("POST", f"/demo/{made.link}"))[0] == 404
    await at.house.close()
