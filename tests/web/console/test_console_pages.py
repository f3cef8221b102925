"""What each page shows, what its forms do, and what is never on it."""

import re

import pytest
from tests.web.console.conftest import Browser, read
from tests.web.console.console_fakes import (
    ADA,
    CANARY,
    CONTESTED,
    LATE,
    LEA,
    NOW,
    PLAIN,
    RENE,
    SASHA,
    WAITS,
    YOUNG,
    Held,
    case_id,
    summary,
)

from halfdoor.web.console.values import Shown

DECIDE = {"reason": "harassment.targeted", "reports": "1", "strike": "yes"}
TRAPS = {"action", "method", "target", "submit", "reset", "elements", "id", "name", "length"}


def cases_on(text: str) -> list[str]:
    return re.findall(r'class="cover" href="/(?:cases|confirm|appeals)/([^"]+)"', text)


async def hold(browser: Browser, case: str = PLAIN) -> None:
    assert (await browser.post(f"/cases/{case}/claim", RENE)).status == 303


# --- queue ----------------------------------------------------------------------------------------


async def test_the_queue_has_the_least_time_left_first_in_words(browser: Browser) -> None:
    page = await browser.get("/queue", RENE)
    assert cases_on(page.text)[:2] == [LATE, YOUNG]
    words = " ".join(read(page).words)
    assert "8 min late" in words
    assert "12 min left" in words
    assert CANARY not in page.text
    assert "@subject" not in page.text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("group=violence", [LATE]),
        ("minor=yes", [YOUNG]),
        ("language=de", [YOUNG]),
        ("state=second", [WAITS]),
        ("state=mine", []),
        ("group=scam&minor=no", [case_id("money")]),
    ],
)
async def test_filters_narrow_the_queue(browser: Browser, query: str, found: list[str]) -> None:
    assert cases_on((await browser.get(f"/queue?{query}", RENE)).text) == found


async def test_a_long_queue_comes_in_pages_that_keep_the_filters(browser: Browser) -> None:
    for number in range(120):
        case = case_id(f"m{number:03}")
        row = summary(case, due=NOW + 10**7 + number, minor=True, language="fr")
        browser.desk.rows[case] = Held(row)
    place, seen = "/queue?language=fr&minor=yes", []
    for _ in range(3):
        page = await browser.get(place, RENE)
        seen += cases_on(page.text)
        following = re.search(r'href="(/queue\?[^"]+)" rel="next"', page.text)
        if following is None:
            break
        place = following[1].replace("&amp;", "&")
        assert "language=fr" in place
    assert seen == [case_id(f"m{number:03}") for number in range(120)]


async def test_htmx_gets_the_list_alone(browser: Browser) -> None:
    page = await browser.get("/queue", RENE, hx_request="true")
    assert "<html" not in page.text
    assert LATE in page.text


async def test_the_next_case_is_claimed_and_opened(browser: Browser) -> None:
    page = await browser.post("/queue/next", RENE)
    assert page.place == f"/cases/{LATE}"
    assert browser.desk.done == [("claim", "rene", LATE)]


async def test_a_used_up_budget_is_a_break_page(browser: Browser) -> None:
    browser.desk.spent = True
    page = await browser.post("/queue/next", RENE)
    assert page.status == 429
    assert "Time for a break" in page.text


# --- case and reveal ------------------------------------------------------------------------------


async def test_a_case_opens_without_content_and_without_names(browser: Browser) -> None:
    await hold(browser)
    page = await browser.get(f"/cases/{PLAIN}", RENE)
    for shown in browser.desk.shown.values():
        assert shown.text not in page.text
    assert "@subject" not in page.text
    assert "Person A" in page.text
    assert [one[0] for one in browser.desk.done] == ["claim"]


async def test_what_is_not_claimed_has_no_button_to_open_it(browser: Browser) -> None:
    page = await browser.get(f"/cases/{PLAIN}", RENE)
    assert "/reveal" not in page.text
    assert (await browser.post(f"/cases/{PLAIN}/claim", SASHA)).status == 303
    assert (await browser.post(f"/cases/{PLAIN}/claim", RENE)).status == 409


async def test_a_reveal_shows_one_message_and_its_verdict(browser: Browser) -> None:
    await hold(browser)
    path = f"/cases/{PLAIN}/items/evd_1/reveal"
    part = await browser.post(path, RENE, {"why": "judge"}, hx_request="true")
    assert CANARY in part.text
    assert "<strong>proven</strong>" in part.text
    assert "<html" not in part.text
    whole = await browser.post(path, RENE, {"why": "context"})
    assert CANARY in whole.text
    assert "example.org/win" not in whole.text
    assert [one[-1] for one in browser.desk.done if one[0] == "reveal"] == ["judge", "context"]


async def test_a_verdict_is_told_in_words(browser: Browser) -> None:
    await hold(browser)
    for item, words in (("evd_2", "not proven"), ("evd_3", "cannot be checked")):
        page = await browser.post(f"/cases/{PLAIN}/items/{item}/reveal", RENE, {"why": "judge"})
        assert f"<strong>{words}</strong>" in page.text


async def test_a_reveal_needs_one_of_the_reasons(browser: Browser) -> None:
    await hold(browser)
    for why in ("", "curious", "x" * 300):
        page = await browser.post(f"/cases/{PLAIN}/items/evd_1/reveal", RENE, {"why": why})
        assert page.status == 400
    page = await browser.post(f"/cases/{PLAIN}/items/evd_9/reveal", RENE, {"why": "judge"})
    assert page.status == 404
    assert all(one[0] != "reveal" for one in browser.desk.done)


async def test_a_name_is_shown_after_a_reason(browser: Browser) -> None:
    await hold(browser)
    path = f"/cases/{PLAIN}/unmask"
    assert (await browser.post(path, RENE, {"label": "Person A"})).status == 400
    fields = {"label": "Person A", "reason": "same person as in another case?"}
    part = await browser.post(path, RENE, fields, hx_request="true")
    assert "@subject:example.org" in part.text
    page = await browser.get(f"/cases/{PLAIN}", RENE)
    assert "@subject:example.org" in page.text
    assert "@reporter" not in page.text


async def test_the_lease_is_kept_given_back_and_handed_on(browser: Browser) -> None:
    await hold(browser)
    beat = await browser.post(f"/cases/{PLAIN}/heartbeat", RENE, hx_request="true")
    assert "Yours until" in beat.text
    assert (await browser.post(f"/cases/{PLAIN}/release", RENE)).place == "/queue"
    assert (await browser.post(f"/cases/{PLAIN}/heartbeat", RENE)).status == 409
    await hold(browser)
    assert (await browser.post(f"/cases/{PLAIN}/escalate", RENE, {"reason": ""})).status == 400
    page = await browser.post(f"/cases/{PLAIN}/escalate", RENE, {"reason": "hard"})
    assert page.place == "/queue"
    assert browser.desk.done[-1] == ("escalate", PLAIN, "hard", "lead")
    await hold(browser)
    path, fields = f"/cases/{PLAIN}/escalate", {"reason": "a child\nis asked", "to": "nobody"}
    assert (await browser.post(path, RENE, fields)).status == 400
    assert (await browser.post(path, RENE, {**fields, "to": "child_safety"})).status == 303
    assert browser.desk.done[-1] == ("escalate", PLAIN, "a child is asked", "child_safety")


async def test_another_person_answers_a_wish_to_see_more(browser: Browser) -> None:
    await hold(browser)
    path = f"/cases/{PLAIN}/more"
    assert (await browser.post(path, RENE, {"reason": "gap"})).status == 303
    assert f"{path}/answer" not in (await browser.get(f"/cases/{PLAIN}", RENE)).text
    assert f"{path}/answer" in (await browser.get(f"/cases/{PLAIN}", LEA)).text
    fields = {"reason": "needed", "verdict": "yes"}
    assert (await browser.post(f"{path}/answer", SASHA, fields)).status == 403
    assert (await browser.post(f"{path}/answer", LEA, {"reason": "needed"})).status == 400
    assert (await browser.post(f"{path}/answer", LEA, {**fields, "verdict": "si"})).status == 400
    assert (await browser.post(f"{path}/answer", LEA, fields)).status == 303
    assert browser.desk.done[-1] == ("more", PLAIN, "gap", "needed", "True")


async def test_a_duplicate_is_merged(browser: Browser) -> None:
    await hold(browser, YOUNG)
    fields = {"into": PLAIN, "reason": "the same evening"}
    assert (await browser.post(f"/cases/{YOUNG}/merge", RENE, fields)).place == f"/cases/{PLAIN}"
    assert ("merge", YOUNG, PLAIN, "the same evening") in browser.desk.done


async def test_blur_and_grey_are_the_reviewers_own_and_kept_in_a_cookie(browser: Browser) -> None:
    page = await browser.post("/wellness/looks", RENE, [("look", "blur"), ("look", "x\r\ny")])
    assert page.headers[b"set-cookie"].startswith(b"halfdoor_looks=blur; ")
    browser.looks = "blur.grey.<b>"
    assert '<body class="blur grey">' in (await browser.get("/queue", RENE)).text


# --- decide ---------------------------------------------------------------------------------------


async def test_a_decision_is_previewed_made_and_taken_back(browser: Browser) -> None:
    await hold(browser)
    fields = {**DECIDE, "measure": "no_media", "days": "7"}
    part = await browser.post(f"/cases/{PLAIN}/preview", RENE, fields, hx_request="true")
    assert "no_media for 7 days" in part.text
    assert "<html" not in part.text
    whole = await browser.post(f"/cases/{PLAIN}/preview", RENE, fields)
    assert "no_media for 7 days" in whole.text
    assert re.search(r'value="no_media"[^>]* checked', whole.text)
    assert (await browser.post(f"/cases/{PLAIN}/decide", RENE, fields)).place == f"/cases/{PLAIN}"
    page = await browser.get(f"/cases/{PLAIN}", RENE)
    assert 'data-undo="10000"' in page.text
    assert (await browser.post(f"/cases/{PLAIN}/undo", RENE)).status == 303
    assert browser.desk.done[-1] == ("undo", PLAIN)
    assert (await browser.post(f"/cases/{PLAIN}/undo", RENE)).status == 409


async def test_several_measures_make_one_decision(browser: Browser) -> None:
    await hold(browser)
    fields = [
        *DECIDE.items(),
        ("measure", "warning"),
        ("measure", "remove_message"),
        ("item", "evd_1"),
    ]
    await browser.post(f"/cases/{PLAIN}/decide", RENE, fields)
    assert browser.desk.done[-1] == ("decide", PLAIN, "warning", "remove_message")
    decided = browser.desk.rows[PLAIN].decided
    assert decided is not None
    assert (decided.items, decided.strike, decided.refer) == (("evd_1",), True, False)


async def test_nothing_is_a_decision_too_but_not_beside_another(browser: Browser) -> None:
    await hold(browser)
    both = [*DECIDE.items(), ("measure", "none"), ("measure", "warning")]
    assert (await browser.post(f"/cases/{PLAIN}/decide", RENE, both)).status == 400
    assert (await browser.post(f"/cases/{PLAIN}/decide", RENE, DECIDE)).status == 400
    none = {**DECIDE, "measure": "none"}
    assert (await browser.post(f"/cases/{PLAIN}/decide", RENE, none)).status == 303
    assert browser.desk.done[-1] == ("decide", PLAIN)


@pytest.mark.parametrize(
    "wrong", [{"reason": "no.rule"}, {"reason": ""}, {"days": "x"}, {"facts": "x" * 2001}]
)
async def test_a_choice_that_is_none_is_refused(browser: Browser, wrong: dict[str, str]) -> None:
    await hold(browser)
    fields = {**DECIDE, "measure": "warning", **wrong}
    assert (await browser.post(f"/cases/{PLAIN}/decide", RENE, fields)).status == 400


async def test_a_report_that_came_since_is_looked_at_first(browser: Browser) -> None:
    await hold(browser)
    fields = {**DECIDE, "measure": "warning", "reports": "0"}
    page = await browser.post(f"/cases/{PLAIN}/decide", RENE, fields)
    assert page.status == 409
    assert "Another report came in" in page.text


async def test_a_severe_decision_is_a_409_and_another_person_confirms_it(browser: Browser) -> None:
    await hold(browser)
    fields = {**DECIDE, "measure": "terminated"}
    page = await browser.post(f"/cases/{PLAIN}/decide", RENE, fields)
    assert page.status == 409
    assert "A second person is needed" in page.text
    assert PLAIN in cases_on((await browser.get("/confirm", SASHA)).text)
    own = await browser.get(f"/confirm/{PLAIN}", RENE)
    assert f"/confirm/{PLAIN}/yes" not in own.text
    assert (await browser.post(f"/confirm/{PLAIN}/yes", RENE)).status == 409
    assert f"/confirm/{PLAIN}/yes" in (await browser.get(f"/confirm/{PLAIN}", SASHA)).text
    stale = {"proposal": "prop-of-before"}
    assert (await browser.post(f"/confirm/{PLAIN}/yes", SASHA, stale)).status == 409
    looked_at = {"proposal": f"prop-{PLAIN}"}
    page = await browser.post(f"/confirm/{PLAIN}/yes", SASHA, looked_at)
    assert page.place == "/confirm"
    assert browser.desk.done[-1] == ("confirm", "sasha", PLAIN)


async def test_a_proposal_is_taken_back_by_who_made_it(browser: Browser) -> None:
    assert f"/cases/{WAITS}/undo" in (await browser.get(f"/confirm/{WAITS}", RENE)).text
    await browser.post(f"/cases/{WAITS}/undo", RENE)
    assert browser.desk.done[-1] == ("withdraw", WAITS)


async def test_a_preview_before_anything_is_chosen_says_so(browser: Browser) -> None:
    path = f"/cases/{PLAIN}/preview"
    part = await browser.post(path, RENE, DECIDE, hx_request="true")
    assert part.status == 200
    assert "Nobody is told anything" in part.text


async def test_a_proposal_is_refused_with_a_reason(browser: Browser) -> None:
    assert (await browser.post(f"/confirm/{WAITS}/no", SASHA)).status == 400
    await browser.post(f"/confirm/{WAITS}/no", SASHA, {"reason": "too much"})
    assert browser.desk.done[-1] == ("refuse", "sasha", WAITS, "too much")
    assert (await browser.get(f"/confirm/{WAITS}", SASHA)).status == 404


async def test_a_lead_reverses_a_decision(browser: Browser) -> None:
    await browser.post(f"/cases/{PLAIN}/reverse", LEA, {"reason": "wrong person"})
    assert browser.desk.done[-1] == ("reverse", "lea", PLAIN, "wrong person")


# --- appeals --------------------------------------------------------------------------------------


async def test_the_first_reasons_stay_hidden_until_ones_own_judgement(browser: Browser) -> None:
    path = f"/appeals/{CONTESTED}"
    assert CONTESTED in cases_on((await browser.get("/appeals", LEA)).text)
    before = await browser.get(path, LEA)
    assert "hurt anybody" not in before.text
    claimed = await browser.post(f"/cases/{CONTESTED}/claim", LEA, {"back": "appeals"})
    assert claimed.place == path
    before = await browser.get(path, LEA)
    assert "hurt anybody" in before.text
    assert "original-reasons" not in before.text
    assert "No media, 7 days" not in before.text
    fields = {"verdict": "overturn", "facts": "No intent."}
    assert (await browser.post(f"{path}/answer", LEA, fields)).status == 409
    own = {**DECIDE, "measure": "warning", "facts": "A misunderstanding."}
    await browser.post(f"{path}/judge", LEA, own)
    assert "original-reasons" in (await browser.get(path, LEA)).text
    assert "original-reasons" not in (await browser.get(path, SASHA)).text
    wrong = {**fields, "verdict": "maybe"}
    assert (await browser.post(f"{path}/answer", LEA, wrong)).status == 400
    assert (await browser.post(f"{path}/answer", LEA, fields)).place == "/appeals"
    assert browser.desk.done[-1] == ("answer", CONTESTED, "False", "No intent.")


async def test_who_decided_first_does_not_answer(browser: Browser) -> None:
    page = await browser.get(f"/appeals/{CONTESTED}", RENE)
    assert "/judge" not in page.text
    fields = {**DECIDE, "measure": "warning"}
    assert (await browser.post(f"/appeals/{CONTESTED}/judge", RENE, fields)).status == 409


# --- wellness, board, admin -----------------------------------------------------------------------


async def test_opting_out_hides_cases_at_once(browser: Browser) -> None:
    await browser.post("/wellness/opt-out", RENE, [("group", "violence"), ("group", "made-up")])
    assert browser.desk.opted["rene"] == {"violence"}
    assert LATE not in (await browser.get("/queue", RENE)).text
    assert LATE in (await browser.get("/queue", SASHA)).text


async def test_averages_are_of_five_people_and_more_and_for_leads(browser: Browser) -> None:
    assert "87.2" in (await browser.get("/wellness", LEA)).text
    assert "87.2" not in (await browser.get("/wellness", RENE)).text
    browser.desk.team_size = 4
    assert "87.2" not in (await browser.get("/wellness", LEA)).text


async def test_every_picture_on_the_board_has_its_numbers_in_a_table(browser: Browser) -> None:
    page = await browser.get("/board", LEA)
    tags = [tag for tag, _ in read(page).elements]
    assert tags.count("table") == 3
    assert page.text.count('role="img"') == 3
    assert "8 min late" in page.text


async def test_the_admin_sees_no_content_anywhere(browser: Browser) -> None:
    text = ""
    for path in (
        *("/", "/board", "/admin", "/admin/house", "/queue"),
        *(f"/cases/{PLAIN}", f"/confirm/{WAITS}"),
    ):
        text += (await browser.get(path, ADA)).text
    for words in (CANARY, "@subject", "@reporter", "named weapon", "original-reasons"):
        assert words not in text


async def test_an_invitation_is_shown_once(browser: Browser) -> None:
    fields = [("name", "Noor"), ("place", "fr"), ("role", "reviewer"), ("role", "lead")]
    page = await browser.post("/admin/invite", ADA, fields)
    assert "/join/one-time-secret" in page.text
    assert browser.desk.done == [("invite", "ada", "Noor", "lead,reviewer", "FR")]
    assert "one-time-secret" not in (await browser.get("/admin", ADA)).text


@pytest.mark.parametrize(
    "wrong", [{"role": "owner"}, {"role": ""}, {"place": "D"}, {"place": "12"}, {"name": ""}]
)
async def test_an_invitation_needs_name_place_and_known_roles(
    browser: Browser, wrong: dict[str, str]
) -> None:
    fields = {"name": "Noor", "place": "FR", "role": "reviewer", **wrong}
    assert (await browser.post("/admin/invite", ADA, fields)).status == 400
    assert browser.desk.done == []


async def test_an_account_is_looked_up_by_its_whole_id_in_no_address(browser: Browser) -> None:
    page = await browser.post("/admin/people", ADA, {"user": "@ben:example.org"})
    assert browser.desk.done == [("look_up", "ada", "@ben:example.org")]
    for said in ("suspended", "No media until", "No contact with minors", "2 devices", "1 more"):
        assert said in page.text
    assert (await browser.post("/admin/people", ADA, {"user": ""})).status == 400
    assert (await browser.get("/admin/people", ADA)).status in {404, 405}
    page = await browser.post("/admin/people", ADA, {"user": "@nobody:example.org"})
    assert "no such account" in page.text


async def test_the_house_says_what_it_runs_and_who_could_open_what(browser: Browser) -> None:
    text = (await browser.get("/admin/house", ADA)).text
    for said in (
        "2 of 3</strong> are needed",
        "2 of 3 work for the operator",
        "<bdi>example</bdi> are enough by themselves",
        "1 row to come",
        "1 row other than the default",
        "1 file not as installed",
        "number 7",
        "67.8 MB",
        "not whole",
        "10000 and more accounts",
        "look at this",
    ):
        assert said in text
    assert "Court <b>" not in text
    await browser.post("/admin/house/examine", ADA)
    assert browser.desk.done == [("examine", "ada")]


async def test_sessions_and_accounts_are_ended(browser: Browser) -> None:
    await browser.post("/admin/sessions/end", ADA, {"session": "ses_2"})
    await browser.post("/admin/members/end", ADA, {"member": "sasha"})
    assert browser.desk.done == [("end_session", "ses_2"), ("end_member", "sasha")]


# --- of all pages ---------------------------------------------------------------------------------


async def test_no_page_has_inline_script_style_or_a_field_that_hides_its_form(
    browser: Browser,
) -> None:
    await hold(browser)
    browser.gate.links["x"] = "sasha"
    browser.desk.shown["evd_1"] = Shown(id="evd_1", text="x", proven=True)
    for path, who in (
        ("/queue", LEA),
        (f"/cases/{PLAIN}", RENE),
        (f"/cases/{PLAIN}/decide", RENE),
        ("/confirm", LEA),
        (f"/confirm/{WAITS}", LEA),
        ("/appeals", LEA),
        (f"/appeals/{CONTESTED}", LEA),
        ("/wellness", LEA),
        ("/board", LEA),
        ("/admin", ADA),
        ("/admin/house", ADA),
        ("/account", ADA),
        ("/sign-in", None),
        ("/join/x", None),
        ("/demo/x", None),
    ):
        page = await browser.get(path, who)
        assert page.status == 200
        for tag, given in read(page).elements:
            assert tag != "style"
            assert not any(name == "style" or name.startswith("on") for name in given), path
            if tag == "script":
                assert str(given["src"]).startswith("/static/")
            if tag in {"input", "select", "textarea", "button"}:
                assert given.get("name") not in TRAPS - {"name"}
        forms = [given for tag, given in read(page).elements if tag == "form"]
        marks = page.text.count('name="csrf"')
        posts = [one for one in forms if one.get("method") == "post"]
        if who:
            assert marks == len(posts), path
