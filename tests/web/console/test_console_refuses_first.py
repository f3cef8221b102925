"""Who may come through which door, and what a refusal looks like."""

import pytest
from tests.web.console.conftest import ORIGIN, Browser, console_app, read
from tests.web.console.console_fakes import (
    ADA,
    AUDREY,
    CANARY,
    CONTESTED,
    LEA,
    PLAIN,
    RENE,
    SASHA,
    WAITS,
    FakeDesk,
    FakeGate,
)

from halfdoor.accounts.staff_member import StaffMember

READ = {
    "/queue": "work",
    f"/cases/{PLAIN}": "work",
    f"/cases/{PLAIN}/decide": "work",
    "/confirm": "work",
    f"/confirm/{WAITS}": "work",
    "/appeals": "work",
    f"/appeals/{CONTESTED}": "work",
    "/wellness": "work",
    "/board": "board",
    "/admin": "admin",
    "/admin/house": "admin",
}
ALLOWED = {"work": {"rene", "lea"}, "board": {"lea", "ada", "audrey"}, "admin": {"ada"}}
FORMS = [
    "/queue/next",
    f"/cases/{PLAIN}/claim",
    f"/cases/{PLAIN}/heartbeat",
    f"/cases/{PLAIN}/release",
    f"/cases/{PLAIN}/escalate",
    f"/cases/{PLAIN}/merge",
    f"/cases/{PLAIN}/items/evd_1/reveal",
    f"/cases/{PLAIN}/unmask",
    f"/cases/{PLAIN}/more",
    f"/cases/{PLAIN}/more/answer",
    f"/cases/{PLAIN}/preview",
    f"/cases/{PLAIN}/decide",
    f"/cases/{PLAIN}/undo",
    f"/cases/{PLAIN}/reverse",
    f"/confirm/{WAITS}/yes",
    f"/confirm/{WAITS}/no",
    f"/appeals/{CONTESTED}/judge",
    f"/appeals/{CONTESTED}/answer",
    "/wellness/opt-out",
    "/wellness/looks",
    "/admin/invite",
    "/admin/people",
    "/admin/house/examine",
    "/admin/sessions/end",
    "/admin/members/end",
    "/sign-out",
]


@pytest.mark.parametrize("path", [*READ, "/"])
async def test_a_page_is_for_who_is_signed_in(browser: Browser, path: str) -> None:
    page = await browser.get(path)
    assert (page.status, page.place) == (303, "/sign-in")


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_is_for_who_is_signed_in(browser: Browser, path: str) -> None:
    page = await browser.post(path, None, {"csrf": "csrf-rene"})
    assert page.status == 401
    assert browser.desk.done == []


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_of_another_site_does_nothing(browser: Browser, path: str) -> None:
    who = ADA if path.startswith("/admin") else LEA
    before = len(browser.gate.sessions)
    for headers in (
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
        {"sec_fetch_site": "same-origin", "origin": "https://evil.example"},
        {"sec_fetch_site": "", "origin": "https://evil.example"},
        {"sec_fetch_site": "", "origin": "null"},
        {"sec_fetch_site": ""},
    ):
        page = await browser.post(path, who, headers=headers)
        assert page.status == 403, headers
    assert browser.desk.done == []
    assert len(browser.gate.sessions) == before


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_without_the_sessions_own_word_does_nothing(
    browser: Browser, path: str
) -> None:
    who = ADA if path.startswith("/admin") else LEA
    for word in ("-", "csrf-rene", "csrf-ada" if who is LEA else "csrf-lea", "c\u00e9"):
        page = await browser.post(path, who, csrf=word)
        assert page.status == 403, word
    assert browser.desk.done == []


@pytest.mark.parametrize("path", FORMS)
async def test_only_forms_are_read(browser: Browser, path: str) -> None:
    who = ADA if path.startswith("/admin") else LEA
    page = await browser.post(path, who, content_type="text/plain")
    assert page.status == 415
    assert browser.desk.done == []


@pytest.mark.parametrize("who", [RENE, LEA, ADA, AUDREY], ids=lambda one: str(one.id))
@pytest.mark.parametrize("path", READ)
async def test_a_page_is_for_its_roles_alone(browser: Browser, path: str, who: object) -> None:
    member = next(one for one in (RENE, LEA, ADA, AUDREY) if one is who)
    page = await browser.get(path, member)
    assert page.status == (200 if member.id in ALLOWED[READ[path]] else 403)


@pytest.mark.parametrize("path", [one for one in FORMS if one.startswith(("/cases", "/conf"))])
async def test_who_has_no_content_role_opens_and_decides_nothing(
    browser: Browser, path: str
) -> None:
    for who in (ADA, AUDREY):
        page = await browser.post(path, who, {"why": "judge", "reason": "x", "label": "Person A"})
        assert page.status == 403
        assert CANARY not in page.text
    assert browser.desk.done == []


async def test_a_reviewer_reverses_nothing(browser: Browser) -> None:
    page = await browser.post(f"/cases/{PLAIN}/reverse", RENE, {"reason": "mine"})
    assert page.status == 403
    assert browser.desk.done == []


async def test_no_link_and_no_look_reveals_anything(browser: Browser) -> None:
    for path in (f"/cases/{PLAIN}/items/evd_1/reveal", f"/cases/{PLAIN}/unmask"):
        assert (await browser.get(path, RENE)).status == 405
    assert browser.desk.done == []


async def test_what_nobody_foresaw_is_told_to_the_log_and_to_nobody_else(browser: Browser) -> None:
    browser.desk.broken = True
    for headers in ({}, {"hx_request": "true"}):
        page = await browser.get("/queue", RENE, **headers)
        assert page.status == 500
        assert "Something broke" in page.text
        assert CANARY not in page.text
    assert "builtins.RuntimeError" in browser.log.getvalue()
    assert CANARY not in browser.log.getvalue()


@pytest.mark.parametrize(
    ("path", "status"),
    [("/nope", 404), ("/cases/case_none", 404), ("/cases/a%00b", 400), ("/queue?state=all", 400)],
)
async def test_a_refusal_is_a_page_with_its_number(
    browser: Browser, path: str, status: int
) -> None:
    page = await browser.get(path, RENE)
    assert page.status == status
    assert "<h1>" in page.text
    assert page.headers[b"content-type"] == b"text/html; charset=utf-8"


async def test_htmx_is_told_a_refusal_where_it_is_read_aloud(browser: Browser) -> None:
    path = f"/cases/{PLAIN}/items/evd_1/reveal"
    page = await browser.post(path, RENE, {"why": "judge"}, hx_request="true")
    assert page.status == 409
    assert page.headers[b"hx-retarget"] == b"#news"
    assert "<html" not in page.text
    assert "Claim the case first." in page.text


async def test_htmx_is_sent_to_sign_in_when_the_session_has_ended(browser: Browser) -> None:
    page = await browser.post("/queue/next", None, hx_request="true")
    assert (page.status, page.headers[b"hx-redirect"]) == (401, b"/sign-in")


async def test_a_form_that_is_too_long_is_refused(browser: Browser) -> None:
    page = await browser.post(f"/cases/{PLAIN}/escalate", RENE, {"reason": "x" * 70_000})
    assert page.status == 413
    page = await browser.post(f"/cases/{PLAIN}/escalate", RENE, {"reason": "x" * 501})
    assert page.status == 400


async def test_every_answer_forbids_the_browser_everything_else(browser: Browser) -> None:
    answers = [
        await browser.get("/queue", RENE),
        await browser.get("/nope"),
        await browser.get("/sign-in"),
        await browser.get("/queue", RENE, hx_request="true"),
        await browser.post("/queue/next", RENE),
        await browser.post("/sign-in/begin", None),
    ]
    for page in answers:
        policy = page.headers[b"content-security-policy"].decode()
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "require-trusted-types-for 'script'" in policy
        assert page.headers[b"cache-control"] == b"no-store"
        assert page.headers[b"x-content-type-options"] == b"nosniff"
        assert page.headers[b"referrer-policy"] == b"no-referrer"
        assert page.headers[b"cross-origin-opener-policy"] == b"same-origin"
        assert b"access-control-allow-origin" not in page.headers


@pytest.mark.parametrize("path", [*READ, "/sign-in", "/join/x", "/nope"])
async def test_in_a_demo_every_page_says_so(path: str) -> None:
    desk, gate = FakeDesk(), FakeGate()
    app, log = console_app(desk, gate, lambda: ORIGIN, demo=True)
    browser = Browser(desk, gate, app, log)
    who = ADA if path == "/admin" else LEA
    for page in (await browser.get(path, who), await browser.get(path, who)):
        assert "".join(read(page).words).count("Demo.") == 1


async def test_a_session_by_a_demo_link_is_told_so_on_every_page(browser: Browser) -> None:
    browser.gate.links["one-time"] = "rene"
    assert (await browser.get("/demo/one-time")).status == 200
    assert (await browser.post("/demo/one-time")).place == "/"
    assert (await browser.post("/demo/one-time")).status == 403
    for path in ("/queue", "/nope-case", "/cases/none"):
        page = await browser.get(path, RENE)
        assert ("Demo." in page.text) == (path != "/nope-case")
    assert "Demo." not in (await browser.get("/queue", SASHA)).text


async def test_signing_in_sets_a_cookie_that_no_script_and_no_other_site_sees(
    browser: Browser,
) -> None:
    page = await browser.post(
        "/sign-in/finish", body=b'{"id": "rene"}', content_type="application/json"
    )
    cookie = page.headers[b"set-cookie"].decode()
    assert cookie.startswith("halfdoor_staff=rene; Path=/")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    page = await browser.post(
        "/sign-in/finish", body=b'{"id": "eve"}', content_type="application/json"
    )
    assert page.status == 403
    assert b"set-cookie" not in page.headers


async def test_an_invitation_works_once(browser: Browser) -> None:
    browser.gate.links["link"] = "sasha"
    kind = "application/json"
    assert (await browser.get("/join/link")).status == 200
    assert (await browser.post("/join/link/begin")).status == 200
    first = await browser.post("/join/link/finish", body=b"{}", content_type=kind)
    assert first.headers[b"set-cookie"].startswith(b"halfdoor_staff=sasha")
    for path in ("/join/link/begin", "/join/link/finish"):
        assert (await browser.post(path, body=b"{}", content_type=kind)).status == 410


async def test_a_link_that_was_used_says_so_before_anything_is_made(browser: Browser) -> None:
    for path in ("/join/used", "/demo/used"):
        page = await browser.get(path)
        assert page.status == 410
        assert "This link is used up" in page.text
        assert "Welcome" not in page.text


async def test_a_passkey_is_added_by_ones_own_page_alone(browser: Browser) -> None:
    async def send(path: str, who: StaffMember | None, **headers: str) -> int:
        given = {"content_type": "application/json", **headers}
        return (await browser.post(path, who, body=b'{"id": "key"}', headers=given)).status

    paths = ("/account/passkeys/begin", "/account/passkeys/finish")
    for path in paths:
        assert await send(path, None) == 401
        assert await send(path, RENE) == 403
        assert await send(path, RENE, x_csrf="csrf-lea") == 403
        assert await send(path, RENE, x_csrf="csrf-rene", sec_fetch_site="cross-site") == 403
    assert browser.gate.keys == {}
    for path in paths:
        assert await send(path, RENE, x_csrf="csrf-rene") == 200
    assert browser.gate.keys == {"key": "rene"}
    assert "key" in (await browser.get("/account", RENE)).text


async def test_a_page_behind_a_case_that_can_be_none_is_refused_in_words(browser: Browser) -> None:
    for wrong in ("garbage", "case_", f"{PLAIN}x", "%2e%2e%2f"):
        page = await browser.get(f"/queue?after={wrong}", LEA)
        assert page.status == 400
        assert "After is no case that this queue could go on behind." in page.text
    assert (await browser.get(f"/queue?after={PLAIN}", LEA)).status == 200
    assert (await browser.get("/queue?posture=secret", LEA)).status == 400


async def test_signing_out_ends_the_session(browser: Browser) -> None:
    page = await browser.post("/sign-out", RENE)
    assert page.place == "/sign-in"
    assert b"Max-Age=0" in page.headers[b"set-cookie"]
    assert (await browser.get("/queue", RENE)).place == "/sign-in"


@pytest.mark.parametrize(
    "path",
    ["/sign-in/begin", "/sign-in/finish", "/join/link/begin", "/join/link/finish", "/demo/x"],
)
async def test_another_site_signs_nobody_in(browser: Browser, path: str) -> None:
    browser.gate.links |= {"link": "sasha", "x": "rene"}
    page = await browser.post(path, None, body=b'{"id": "rene"}', sec_fetch_site="cross-site")
    assert page.status == 403
    assert b"set-cookie" not in page.headers
    assert browser.gate.links == {"link": "sasha", "x": "rene"}


async def test_a_field_that_is_needed_or_a_number_is_nothing_else(browser: Browser) -> None:
    await browser.post(f"/cases/{PLAIN}/claim", RENE)
    deeds = list(browser.desk.done)
    for reason in ("", " \n "):
        page = await browser.post(f"/cases/{PLAIN}/escalate", RENE, {"reason": reason})
        assert page.status == 400
    choice = {"reason": "harassment.targeted", "measure": "no_media", "reports": "1"}
    for days in ("x", "-1", "1.5", "٣", "9" * 20):
        page = await browser.post(f"/cases/{PLAIN}/decide", RENE, {**choice, "days": days})
        assert page.status == 400
    assert browser.desk.done == deeds
