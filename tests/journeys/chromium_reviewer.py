"""A reviewer at Debian's Chromium, by keys alone; the passkey is in a virtual authenticator.

Needs `/usr/bin/chromium` (Debian package `chromium`).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from tests.journeys.reviewer import Heard

CHROMIUM = "/usr/bin/chromium"
# WebAuthn Level 3 §11: of this machine, with a finger on it.
_AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
}


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The browser, until the block ends."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        await browser.close()


class ChromiumReviewer:
    """One person at one window."""

    def __init__(self, console_url: str, context: BrowserContext, page: Page) -> None:
        self.heard: list[Heard] = []
        self.complaints: list[str] = []
        self._url = console_url
        self._context = context
        self._page = page
        page.on("console", lambda message: self._hear(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    @classmethod
    async def sit_down(cls, console_url: str, browser: Browser) -> "ChromiumReviewer":
        """Open a window with an authenticator."""
        context = await browser.new_context()
        page = await context.new_page()
        devtools = await context.new_cdp_session(page)
        await devtools.send("WebAuthn.enable")
        await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": _AUTHENTICATOR})
        return cls(console_url, context, page)

    async def join(self, link: str) -> None:
        page = self._page
        await page.goto(link)
        await self._press_on("Make my passkey")
        await page.wait_for_url("**/queue")
        await self._context.clear_cookies()
        await page.goto(f"{self._url}/queue")
        await page.wait_for_url("**/sign-in")
        await self._press_on("Use my passkey")
        await page.wait_for_url("**/queue")

    async def claim_next(self) -> str:
        await self._page.goto(f"{self._url}/queue")
        await self._look()
        await self._page.keyboard.press("c")
        await self._page.wait_for_url("**/cases/*")
        await self._look()
        return self._page.url.rpartition("/")[2]

    async def reveal_all(self, case: str) -> list[str]:
        page = self._page
        await page.goto(f"{self._url}/cases/{case}")
        await expect(page.locator("#lease")).to_be_visible()
        await expect(page.locator("blockquote")).to_have_count(0)
        count = await page.locator("[data-reveal]").count()
        for number in range(1, count + 1):
            await page.keyboard.press("j")
            await page.keyboard.press("Enter")
            await expect(page.locator(".said")).to_have_count(number)
        return [text.strip() for text in await page.locator("blockquote").all_text_contents()]

    async def decide(self, case: str, measure: str) -> None:
        page = self._page
        await page.keyboard.press("d")
        await page.wait_for_url("**/decide")
        number = await page.locator(f"[data-kind={measure}]").get_attribute("data-number")
        assert number is not None
        await page.keyboard.press(number)
        await expect(page.locator(f"[data-kind={measure}]")).to_be_checked()
        # Whoever decides sees first what both will read.
        await expect(page.locator(".letter")).to_have_count(2)
        await self._look()
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/cases/{case}")
        await self._look()

    async def overturn(self, appeal: str) -> None:
        page = self._page
        await page.goto(f"{self._url}/appeals/{appeal}")
        await page.keyboard.press("c")
        await expect(page.locator("blockquote")).to_be_visible()
        await page.keyboard.press("1")
        await page.locator("textarea[name=facts]").fill("a joke among friends")
        await self._press_on("Keep my judgement")
        await page.get_by_label("It is overturned").check()
        await page.locator("textarea[name=facts]").fill("no insult")
        await self._press_on("Answer")
        await page.wait_for_url("**/appeals")

    async def close(self) -> None:
        await self._context.close()

    async def _press_on(self, name: str) -> None:
        button = self._page.get_by_role("button", name=name)
        await button.focus()
        await self._page.keyboard.press("Enter")

    async def _look(self) -> None:
        """Note the page as it stands, with all that scripts put into it."""
        path = self._page.url.removeprefix(self._url)
        self.heard.append(Heard(path, 200, await self._page.content()))

    def _hear(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)
