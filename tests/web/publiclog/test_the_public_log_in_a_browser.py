"""The page of the public log in Debian's Chromium: it checks by itself, and cheats turn it red.

Needs `/usr/bin/chromium` (Debian package `chromium`) and axe-core of the journeys' lock.
"""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from tests.transparency.log_fakes import KEYS, LOG, policy_of
from tests.transparency.public_log import PublicLog
from tests.web.publiclog.public_house import Running, grown_log, policy_file, running

from halfdoor.merkle.checkpoint import Checkpoint, Head, parse_checkpoint
from halfdoor.merkle.note import Note
from halfdoor.merkle.signing import SigningKey
from halfdoor.transparency.source import CHECKPOINT

CHROMIUM = "/usr/bin/chromium"
AXE = Path(__file__).parents[2] / "journeys/js/node_modules/axe-core/axe.min.js"
SMALL = """() => [...document.querySelectorAll("button, .button, summary, input, .lines a")]
  .filter(each => each.checkVisibility() && each.getBoundingClientRect().height < 43.5)
  .map(each => each.outerHTML.slice(0, 90))"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


def apart(work: Callable[[], Any]) -> Any:
    """Run a coroutine function in a loop of its own, in a thread: Playwright has this one's."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(work())).result(20)


@pytest.fixture
def house() -> Iterator[Running]:
    with running(apart(grown_log)) as found:
        yield found


class Visit:
    """A browser that was never here, with the time of the log, and all that it complains about."""

    def __init__(self, house: Running, chromium: Browser, **how: Any) -> None:
        self.house = house
        self.context: BrowserContext = chromium.new_context(**how)
        self.context.clock.set_fixed_time(house.log.clock.now / 1000)
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.context.on("console", self._hear)
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.context.on("request", lambda request: self.asked.append(request.url))

    def _hear(self, message: Any) -> None:
        # Chromium writes a line for each day that has no checkpoint.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def page(self, path: str = "/") -> Page:
        page = self.context.new_page()
        page.goto(self.house.url + path)
        return page

    def check(self, page: Page, entry: str = "") -> list[tuple[str, str]]:
        """Press the button; return each check's outcome and words."""
        page.get_by_label("Entry to look for").fill(entry)
        page.get_by_role("button", name="Check now").click()
        expect(page.locator("#news")).not_to_contain_text("Checking")
        lines = page.locator("#checks li").all()
        return [(one.locator(".chip").inner_text(), one.locator("p").inner_text()) for one in lines]

    def fails(self, page: Page, entry: str = "") -> str:
        """What fails, in one line."""
        found = self.check(page, entry)
        return " | ".join(said for kind, said in found if kind == "fails")


def tampered(log: PublicLog, path: str, old: bytes, new: bytes) -> None:
    data = log.files.files[path]
    assert old in data
    assert len(old) == len(new)
    log.shown[path] = data.replace(old, new, 1)


def signed(head: Head, log: PublicLog, keys: list[SigningKey]) -> bytes:
    """A checkpoint of another tree, which these witnesses signed nevertheless."""
    note = LOG.sign(head).note
    lines = [key.cosign(note.text, log.clock.now // 1000) for key in keys]
    return str(Checkpoint(head, Note(note.text, (*note.signatures, *lines)))).encode()


def test_an_honest_log_holds_and_the_next_visit_goes_on_from_it(
    house: Running, chromium: Browser
) -> None:
    visit = Visit(house, chromium)
    page = visit.page()
    found = visit.check(page)
    assert {kind for kind, _ in found} == {"holds"}
    text = " | ".join(said for _, said in found)
    assert "Signed by example.com/access" in text
    assert "of 4 witnesses, a quorum, by 2024-10-07 00:00 UTC" in text
    assert "It goes on from the 11 entries of 2024-10-06" in text
    assert "Entry 11 is in the tree" in text
    expect(page.locator("#news")).to_have_text("Every check holds.")
    expect(page.locator("#found")).to_contain_text('"type":"HEARTBEAT"')
    # More days, and more than one tile of entries.
    house.log.clock.now += 1000
    many = [house.log.grant(f"{n:042d}A=") for n in range(300)]
    apart(lambda: house.log.append(*many))
    for entry in ("0", "255", "256", "311"):
        found = visit.check(page, entry)
        assert {kind for kind, _ in found} == {"holds"}, found
        assert f"Entry {entry} is in the tree" in found[-1][1]
    assert visit.complaints == []
    assert all(url.startswith(house.url) for url in visit.asked)
    visit.context.close()


def test_a_number_that_no_entry_has_is_said_to_be_none(house: Running, chromium: Browser) -> None:
    visit = Visit(house, chromium)
    page = visit.page()
    assert "the log has 12 entries" in visit.fails(page, "12")
    visit.context.close()


def test_a_changed_entry_is_not_in_the_tree(house: Running, chromium: Browser) -> None:
    tampered(house.log, "tile/entries/000.p/12", b'"epochs":4', b'"epochs":1')
    visit = Visit(house, chromium)
    page = visit.page()
    assert "Entry 2 is in the tree: it leads to another head" in visit.fails(page, "2")
    expect(page.locator("#news")).to_have_text("One check fails.")
    visit.context.close()


def test_a_changed_tile_leads_nowhere(house: Running, chromium: Browser) -> None:
    data = bytearray(house.log.files.files["tile/0/000.p/12"])
    data[-1] ^= 1
    house.log.shown["tile/0/000.p/12"] = bytes(data)
    visit = Visit(house, chromium)
    assert "it is not the log that had 11 entries" in visit.fails(visit.page(), "2")
    house.log.shown["tile/0/000.p/12"] = b"short"
    assert "is missing or malformed" in visit.fails(visit.page(), "3")
    visit.context.close()


def test_forged_signatures_and_too_few_witnesses_are_told(
    house: Running, chromium: Browser
) -> None:
    visit = Visit(house, chromium)
    page = visit.page()
    honest = parse_checkpoint(house.log.store.days[house.log.day])
    head = honest.head._replace(size=honest.head.size + 1)
    forged = Checkpoint(head, Note(head.text, honest.note.signatures))
    house.log.shown[CHECKPOINT] = str(forged).encode()
    said = visit.fails(page)
    assert "the signature of example.com/access is wrong" in said
    assert "is wrong" in said.partition("quorum")[2]
    house.log.shown[CHECKPOINT] = signed(honest.head, house.log, list(KEYS.values())[:2])
    assert "2 of 4 witnesses cosigned it: too few" in visit.fails(page)
    house.log.shown[CHECKPOINT] = b"garbage"
    assert "no signed note" in visit.fails(page)
    house.log.shown[CHECKPOINT] = None
    assert "no signed note" in visit.fails(page)
    visit.context.close()


def test_a_log_that_shrank_or_was_replaced_is_told_with_both_heads(
    house: Running, chromium: Browser
) -> None:
    visit = Visit(house, chromium)
    page = visit.page()
    assert visit.fails(page) == ""
    head = parse_checkpoint(house.log.store.days[house.log.day]).head
    everybody = list(KEYS.values())
    shorter = parse_checkpoint(house.log.store.days[house.log.day - 1]).head
    house.log.shown[CHECKPOINT] = signed(shorter, house.log, everybody)
    assert "it had 12 entries and has 11 now" in visit.fails(page)
    expect(page.locator("#found pre")).to_have_count(3)
    other = head._replace(root=bytes(32))
    house.log.shown[CHECKPOINT] = signed(other, house.log, everybody)
    assert "it is not the log that had 12 entries" in visit.fails(page)
    # What was shown falsely is not what the next visit goes on from.
    del house.log.shown[CHECKPOINT]
    assert visit.fails(page) == ""
    visit.context.close()


def test_other_keys_than_at_the_last_visit_are_told(house: Running, chromium: Browser) -> None:
    visit = Visit(house, chromium)
    page = visit.page()
    assert visit.fails(page) == ""
    others = {n: SigningKey.of_witness(n, bytes([9, n[1].encode()[0]]) * 16) for n in KEYS}
    weak = policy_file(policy_of({n: key.public for n, key in others.items()}, 1))
    page.route("**/policy", lambda route: route.fulfill(status=200, body=weak))
    head = parse_checkpoint(house.log.store.days[house.log.day]).head
    house.log.shown[CHECKPOINT] = signed(head, house.log, list(others.values())[:1])
    assert "The keys are not those that this browser saw" in visit.fails(page)
    page.route("**/policy", lambda route: route.fulfill(status=200, body=b"log x+00000000+AA=="))
    assert "The keys are well-formed" in visit.fails(page)
    visit.context.close()


def test_a_log_that_stands_still_is_told(house: Running, chromium: Browser) -> None:
    visit = Visit(house, chromium)
    visit.context.clock.set_fixed_time(house.log.clock.now / 1000 + 1000)
    assert "the log stands still" in visit.fails(visit.page())
    visit.context.clock.set_fixed_time(house.log.clock.now / 1000 - 1000)
    assert "in the future" in visit.fails(visit.page())
    visit.context.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    house: Running, chromium: Browser, width: int
) -> None:
    visit = Visit(
        house,
        chromium,
        viewport={"width": width, "height": 800},
        color_scheme="light",
        reduced_motion="reduce",
    )
    visit.context.add_init_script(path=AXE)
    for path in ("/", "/?entry=2", "/?entry=99"):
        page = visit.page(path)
        page.locator("summary").first.click()
        visit.check(page, "2")
        assert _violations(page) == [], path
        assert page.evaluate(SMALL) == [], path
        assert page.evaluate("() => document.scrollingElement.scrollWidth - innerWidth") <= 0, path
        # In the dark nothing changes but colours.
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        assert _violations(page, "color-contrast") == [], path
    assert visit.complaints == []
    visit.context.close()


def test_a_page_in_red_is_read_as_well_as_one_in_green(house: Running, chromium: Browser) -> None:
    house.log.shown[CHECKPOINT] = b"garbage"
    house.renew()
    visit = Visit(house, chromium, viewport={"width": 360, "height": 800}, color_scheme="dark")
    visit.context.add_init_script(path=AXE)
    page = visit.page()
    expect(page.locator("#failed")).to_contain_text("1 check fails")
    assert visit.fails(page)
    assert _violations(page) == []
    visit.context.close()


def test_without_script_the_page_is_text_and_says_how_to_check(
    house: Running, chromium: Browser
) -> None:
    visit = Visit(house, chromium, java_script_enabled=False)
    page = visit.page()
    expect(page.locator("#verify")).to_be_hidden()
    expect(page.locator("#check .no-script")).to_contain_text("keys of log and witnesses in a file")
    expect(page.locator("#check code")).to_have_text("halfdoor verify URL --policy FILE")
    expect(page.locator("#report table").first).to_contain_text("proved")
    page.locator("#entries input").fill("2")
    page.get_by_role("button", name="Show it").click()
    expect(page.locator("#entry h2")).to_have_text("Entry 2: GRANT")
    page.get_by_role("link", name="Its proof").click()
    expect(page.locator("body")).to_contain_text("c2sp.org/tlog-proof@v1")
    visit.context.close()


def test_no_script_from_elsewhere_and_no_markup_runs_in_the_page(
    house: Running, chromium: Browser
) -> None:
    visit = Visit(house, chromium)
    page = visit.page()
    blocked = page.evaluate(
        """() => {
          try { document.body.innerHTML = "<b>x</b>"; return false; } catch { return true; }
        }"""
    )
    assert blocked
    visit.context.close()


def _violations(page: Page, only: str = "") -> list[tuple[str, str]]:
    """What axe finds, by rule and first place; of one rule where *only* names it."""
    options = {"resultTypes": ["violations"], **({"runOnly": [only]} if only else {})}
    found = page.evaluate("options => axe.run(options)", options)
    return [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]]
