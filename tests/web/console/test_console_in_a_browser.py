"""The console in Debian's Chromium: by keys alone, without script, and nothing for axe to find.

Needs `/usr/bin/chromium` (Debian package `chromium`) and axe-core of the journeys' lock.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from tests.web.console.console_fakes import (
    CANARY,
    CONTESTED,
    LATE,
    PLAIN,
    WAITS,
    YOUNG,
    Held,
    case_id,
    summary,
)
from tests.web.console.console_server import Running, running

from halfdoor.web.console.values import Shown

CHROMIUM = "/usr/bin/chromium"
AXE = Path(__file__).parents[2] / "journeys/js/node_modules/axe-core/axe.min.js"

PAGES = {
    "queue": ("lea", "/queue"),
    "empty queue": ("lea", "/queue?language=xx"),
    "case": ("rene", f"/cases/{YOUNG}"),
    "unclaimed case": ("lea", f"/cases/{PLAIN}"),
    "decide": ("rene", f"/cases/{YOUNG}/decide"),
    "confirm": ("lea", "/confirm"),
    "proposal": ("lea", f"/confirm/{WAITS}"),
    "appeals": ("lea", "/appeals"),
    "appeal": ("lea", f"/appeals/{CONTESTED}"),
    "wellness": ("lea", "/wellness"),
    "board": ("lea", "/board"),
    "admin": ("ada", "/admin"),
    "house": ("ada", "/admin/house"),
    "account": ("lea", "/account"),
    "sign in": (None, "/sign-in"),
    "join": (None, "/join/link"),
    "demo": (None, "/demo/link"),
    "nothing here": ("lea", "/cases/case_none"),
}

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
}

# What somebody taps must be large enough to be hit (WCAG 2.2, 2.5.5).
SMALL = """() => [...document.querySelectorAll("button, .button, select, summary, .pill,"
  + " .choice, textarea, input:not([type=hidden], [type=radio], [type=checkbox]), nav a, .cover")]
  .filter(each => each.checkVisibility() && !each.closest(".who > .quiet"))
  .map(each => [each.outerHTML.slice(0, 90),
    (each.matches(".cover") ? each.closest("li") : each).getBoundingClientRect()])
  .filter(([, box]) => box.height < 43.5 && box.height > 1).map(([html]) => html)"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def house() -> Iterator[Running]:
    with running() as found:
        yield found


class Watched:
    """A context that remembers every complaint of the browser, whatever page it came from."""

    def __init__(self, house: Running, context: BrowserContext) -> None:
        self.house = house
        self.context = context
        self.complaints: list[str] = []
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))

    def _hear(self, message: Any) -> None:
        # Chromium writes a line for each refusal that a test asks for.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def page(self, who: str | None, path: str) -> Page:
        self.context.clear_cookies()
        if who:
            self.context.add_cookies(
                [{"name": "halfdoor_staff", "value": who, "url": self.house.url}]
            )
        page = self.context.new_page()
        page.goto(self.house.url + path)
        return page


def watch(house: Running, chromium: Browser, **how: Any) -> Watched:
    return Watched(house, chromium.new_context(**how))


def violations(page: Page, only: str = "") -> list[tuple[str, str]]:
    """What axe finds, by rule and first place; of one rule where *only* names it."""
    options = {"resultTypes": ["violations"], **({"runOnly": [only]} if only else {})}
    found = page.evaluate("options => axe.run(options)", options)
    return [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]]


@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_on_any_page(house: Running, chromium: Browser, width: int) -> None:
    desk = house.desk
    desk.rows[YOUNG].holder, desk.rows[CONTESTED].holder = "rene", "lea"
    house.gate.links["link"] = "sasha"
    watched = watch(
        house,
        chromium,
        viewport={"width": width, "height": 800},
        color_scheme="light",
        reduced_motion="reduce",
    )
    watched.context.add_init_script(path=AXE)
    for name, (who, path) in PAGES.items():
        page = watched.page(who, path)
        if name == "case":
            page.locator("[data-reveal]").first.click()
            expect(page.locator(".said")).to_be_visible()
            page.locator(".person summary").first.click()
        if name == "decide":
            page.locator("input[value=no_media]").check()
            expect(page.locator(".letter")).to_have_count(2)
        if name == "board":
            page.locator("summary").first.click()
        assert violations(page) == [], name
        assert page.evaluate(SMALL) == [], name
        wide = page.evaluate("() => document.scrollingElement.scrollWidth - innerWidth")
        assert wide <= 0, name
        # In the dark nothing changes but colours.
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        assert violations(page, "color-contrast") == [], name
        page.close()
    assert watched.complaints == []
    watched.context.close()


def test_a_reviewer_needs_no_mouse(house: Running, chromium: Browser) -> None:
    watched = watch(house, chromium)
    page = watched.page("rene", "/queue")
    keys = page.keyboard
    # Down, down, up: the first case, which is the most urgent.
    for key in ("j", "j", "k", "Enter"):
        keys.press(key)
    page.wait_for_url(f"**/cases/{LATE}")
    assert page.locator("[data-reveal]").count() == 0
    keys.press("c")
    expect(page.locator("#lease")).to_be_visible()
    # The first message opens, and the keys stay where they were.
    keys.press("j")
    keys.press("Enter")
    expect(page.locator(".said")).to_have_count(1)
    expect(page.locator("blockquote")).to_contain_text(CANARY)
    expect(page.locator("#item-evd_1")).to_be_focused()
    keys.press("j")
    expect(page.locator("#item-evd_2")).to_be_focused()
    keys.press("Enter")
    expect(page.locator(".said")).to_have_count(2)
    expect(page.locator(".unproven")).to_contain_text("not proven")
    revealed = [one for one in house.desk.done if one[0] == "reveal"]
    assert [one[3] for one in revealed] == ["evd_1", "evd_2"]
    # Decide by numbers: the texts are there before anything is sent.
    keys.press("d")
    page.wait_for_url("**/decide")
    expect(page.locator(".days")).to_be_hidden()
    keys.press("5")
    expect(page.locator(".days")).to_be_visible()
    expect(page.locator(".letter")).to_have_count(2)
    expect(page.locator("#letters")).to_contain_text("no_media for 7 days")
    # Nothing and something exclude each other.
    keys.press("1")
    expect(page.locator("input[value=no_media]")).not_to_be_checked()
    keys.press("5")
    expect(page.locator("input[value=none]")).not_to_be_checked()
    keys.press("Enter")
    page.wait_for_url(f"**/cases/{LATE}")
    expect(page.locator(".undo")).to_be_visible()
    assert ("decide", LATE, "no_media") in house.desk.done
    keys.press("z")
    expect(page.locator(".undo")).to_have_count(0)
    assert "undo" in [one[0] for one in house.desk.done]
    assert watched.complaints == []
    watched.context.close()


def test_keys_for_help_for_pages_and_to_escalate(house: Running, chromium: Browser) -> None:
    house.desk.rows[LATE].holder = "rene"
    watched = watch(house, chromium)
    page = watched.page("rene", f"/cases/{LATE}")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    expect(page.locator("#escalate")).to_be_visible()
    # A dialog holds the keys: nothing behind it is pressed.
    page.keyboard.press("d")
    page.locator("#escalate textarea").fill("needs a lead")
    page.locator("#escalate").get_by_role("button", name="Escalate").press("Enter")
    page.wait_for_url("**/queue")
    assert house.desk.done[-1] == ("escalate", LATE, "needs a lead", "lead")
    page.keyboard.press("Control+k")
    page.keyboard.type("well")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/wellness")
    assert watched.complaints == []
    watched.context.close()


def test_a_severe_decision_needs_another_person(house: Running, chromium: Browser) -> None:
    house.desk.rows[LATE].holder = "rene"
    watched = watch(house, chromium)
    page = watched.page("rene", f"/cases/{LATE}/decide")
    page.locator("input[value=terminated]").check()
    with page.expect_navigation() as navigated:
        page.get_by_role("button", name="Decide").click()
    assert navigated.value is not None
    assert navigated.value.status == 409
    expect(page.locator("h1")).to_have_text("A second person is needed")
    page = watched.page("lea", f"/confirm/{LATE}")
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/confirm")
    assert house.desk.done[-1] == ("confirm", "lea", LATE)
    assert watched.complaints == []
    watched.context.close()


def test_a_refusal_is_told_in_the_page(house: Running, chromium: Browser) -> None:
    house.desk.rows[LATE].holder = "rene"
    watched = watch(house, chromium)
    page = watched.page("rene", f"/cases/{LATE}")
    house.desk.spent = True
    page.locator("[data-reveal]").first.click()
    expect(page.locator("#news")).to_contain_text("Time for a break")
    assert page.locator(".said").count() == 0
    house.desk.spent = False
    page.locator("[data-reveal]").first.click()
    expect(page.locator(".said")).to_have_count(1)
    expect(page.locator("#news")).to_be_empty()
    assert watched.complaints == []
    watched.context.close()


def test_everything_works_without_script(house: Running, chromium: Browser) -> None:
    watched = watch(house, chromium, java_script_enabled=False)
    page = watched.page("rene", "/queue")
    page.locator("select[name=minor]").select_option("yes")
    page.get_by_role("button", name="Show").click()
    page.locator(".cover").click()
    page.get_by_role("button", name="Claim").click()
    expect(page.locator("#lease")).to_be_visible()
    page.locator("[data-reveal]").first.click()
    expect(page.locator("blockquote")).to_contain_text(CANARY)
    page.locator(".person summary").first.click()
    page.locator(".person textarea").first.fill("known from elsewhere?")
    page.get_by_role("button", name="Unmask Person A").click()
    expect(page.locator(".person .name")).to_have_text("@subject:example.org")
    page.get_by_role("link", name="Decide").click()
    page.get_by_label("No media").check()
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".letter")).to_have_count(2)
    page.get_by_role("button", name="Decide").click()
    expect(page.locator(".undo")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    assert house.desk.done[-1] == ("undo", YOUNG)
    for who, path in PAGES.values():
        if path not in {"/demo/link", "/join/link"}:
            expect(watched.page(who, path).locator("h1")).to_be_visible()
    watched.context.close()


def test_hostile_words_do_nothing_in_a_real_browser(house: Running, chromium: Browser) -> None:
    house.desk.rows[LATE].holder = "rene"
    house.desk.shown["evd_1"] = Shown(
        id="evd_1",
        text=(
            "</blockquote></li></ol><script>document.title='owned'</script>"
            "<img src=x onerror=\"document.title='owned'\">"
            "<hx-partial hx-get=/admin hx-trigger=load>"
            "<a href=\"javascript:document.title='owned'\">tap</a>"
            " https://evil.example \u202egpj.exe"
        ),
        file="<svg/onload=alert(1)>\u202egpj.exe",
        proven=True,
    )
    watched = watch(house, chromium)
    asked: list[str] = []
    watched.context.on("request", lambda request: asked.append(request.url))
    page = watched.page("rene", f"/cases/{LATE}")
    title = page.title()
    page.locator("[data-reveal]").first.click()
    expect(page.locator("blockquote")).to_contain_text("<script>document.title")
    expect(page.locator("blockquote .mark")).to_have_text("U+202E")
    assert page.locator("blockquote a, blockquote img, blockquote script, main script").count() == 0
    assert page.locator("#item-evd_2 [data-reveal]").count() == 1
    assert page.title() == title
    assert all(url.startswith(house.url) for url in asked)
    assert not any(url.endswith("/admin") for url in asked)
    assert watched.complaints == []
    watched.context.close()


def test_markup_from_an_answer_with_a_script_is_refused_by_the_page(
    house: Running, chromium: Browser
) -> None:
    house.desk.rows[LATE].holder = "rene"
    watched = watch(house, chromium)
    page = watched.page("rene", f"/cases/{LATE}")
    page.route(
        "**/reveal",
        lambda route: route.fulfill(
            status=200,
            content_type="text/html",
            body="<li><script>document.title='owned'</script></li>",
        ),
    )
    title = page.title()
    with page.expect_response("**/reveal"):
        page.locator("[data-reveal]").first.click()
    expect(page.locator("[data-reveal]")).to_have_count(4)
    assert page.title() == title
    assert any("holds a script" in one for one in watched.complaints)
    watched.context.close()


def test_a_passkey_is_made_and_signs_in(house: Running, chromium: Browser) -> None:
    house.gate.links["link"] = "sasha"
    watched = watch(house, chromium)
    page = watched.page(None, "/join/link")
    devtools = watched.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    page.get_by_role("button", name="Make my passkey").click()
    page.wait_for_url("**/queue")
    watched.context.clear_cookies()
    page.goto(f"{house.url}/queue")
    page.wait_for_url("**/sign-in")
    page.get_by_role("button", name="Use my passkey").click()
    page.wait_for_url("**/queue")
    assert watched.complaints == []
    # A passkey that the house does not know is refused in words.
    house.gate.keys.clear()
    watched.context.clear_cookies()
    page.goto(f"{house.url}/sign-in")
    page.get_by_role("button", name="Use my passkey").click()
    expect(page.locator("#news")).to_contain_text("not accepted")
    watched.context.close()


def test_an_invitation_that_is_used_up_says_so(house: Running, chromium: Browser) -> None:
    watched = watch(house, chromium)
    page = watched.page(None, "/join/spent")
    expect(page.locator("h1")).to_have_text("This link is used up")
    # Also where somebody else was quicker meanwhile.
    house.gate.links["link"] = "sasha"
    page = watched.page(None, "/join/link")
    house.gate.links.clear()
    page.get_by_role("button", name="Make my passkey").click()
    expect(page.locator("#news")).to_contain_text("Ask for another one")
    watched.context.close()


def test_a_second_passkey_is_added_from_ones_own_page(house: Running, chromium: Browser) -> None:
    watched = watch(house, chromium)
    page = watched.page("sasha", "/queue")
    page.get_by_role("link", name="Your account").click()
    devtools = watched.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator("main .lines li")).to_have_count(1)
    assert list(house.gate.keys.values()) == ["sasha"]
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator("main .lines li")).to_have_count(2)
    assert watched.complaints == []
    watched.context.close()


def test_the_numbers_of_a_picture_can_be_read_on_a_phone(house: Running, chromium: Browser) -> None:
    watched = watch(house, chromium, viewport={"width": 360, "height": 800})
    page = watched.page("lea", "/board")
    tall = page.locator(".tick").evaluate_all(
        "all => Math.min(...all.map(one => one.getBoundingClientRect().height))"
    )
    assert tall >= 9
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    watched.context.close()


def test_each_place_is_named_once_and_without_its_key(house: Running, chromium: Browser) -> None:
    house.desk.rows[LATE].holder = "rene"
    watched = watch(house, chromium)
    page = watched.page("rene", f"/cases/{LATE}")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-list a").first).to_be_visible()
    names = page.locator("#palette-list a").all_inner_texts()
    assert "Decide" in names
    assert names.count("Queue") == 1
    watched.context.close()


def test_blur_and_less_motion_are_obeyed(house: Running, chromium: Browser) -> None:
    house.desk.rows[LATE].holder = "rene"
    watched = watch(house, chromium, reduced_motion="reduce")
    page = watched.page("rene", "/wellness")
    page.get_by_label("Blur what is revealed").check()
    page.get_by_label("Blur what is revealed").locator("xpath=ancestor::form").get_by_role(
        "button", name="Keep"
    ).click()
    page.goto(f"{house.url}/cases/{LATE}")
    page.locator("[data-reveal]").first.click()
    words = page.locator("blockquote")
    expect(words).to_have_css("filter", "blur(7px)")
    words.hover()
    expect(words).to_have_css("filter", "none")
    moving = page.evaluate("() => document.getAnimations().length")
    assert moving == 0
    watched.context.close()


def test_further_pages_of_a_long_queue_are_reached_by_keys(
    house: Running, chromium: Browser
) -> None:
    for number in range(60):
        case = case_id(f"z{number:02}")
        house.desk.rows[case] = Held(summary(case, due=house.desk.now + 10**8 + number))
    watched = watch(house, chromium)
    page = watched.page("rene", "/queue")
    page.keyboard.press("Control+k")
    page.keyboard.type("further")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**after=*")
    expect(page.locator(".row")).to_have_count(15)
    watched.context.close()


def test_a_reported_picture_is_asked_for_by_one_click_and_shows_blurred_and_grey(
    house: Running, chromium: Browser
) -> None:
    house.desk.rows[LATE].holder = "rene"
    house.desk.shown["evd_1"] = Shown(
        id="evd_1",
        text="holiday.png",
        proven=True,
        unproven=("who held the device",),
        files=1,
    )
    watched = watch(house, chromium)
    asked: list[str] = []
    watched.context.on("request", lambda request: asked.append(request.url))
    page = watched.page("rene", f"/cases/{LATE}")
    page.locator("[data-reveal]").first.click()
    button = page.get_by_role("button", name="Reveal file 1")
    expect(button).to_be_visible()
    expect(page.locator(".verdict").first).to_contain_text("proven")
    expect(page.get_by_text("who held the device")).to_be_visible()
    button.hover()
    assert not any("/files/" in url for url in asked)
    button.click()
    picture = page.get_by_role("img", name="The reported picture")
    expect(picture).to_be_visible()
    assert house.desk.done[-1] == ("reveal_file", "rene", LATE, "evd_1", "0", "judge")
    look = "one => getComputedStyle(one).filter"
    assert picture.evaluate(look) == "blur(24px) grayscale(1)"
    page.get_by_label("Sharp").check()
    assert picture.evaluate(look) == "grayscale(1)"
    page.get_by_label("In colour").check()
    assert picture.evaluate(look) == "none"
    assert picture.evaluate("one => one.naturalWidth") == 1
    assert watched.complaints == []
    watched.context.close()
