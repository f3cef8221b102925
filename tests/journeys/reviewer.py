"""Somebody at the review desk, whichever way they reach the console."""

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any, Protocol

import httpx
from tests.web.software_authenticator import SoftwareAuthenticator

_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_ITEM = re.compile(r'id="item-([^"]+)"')
_WORDS = re.compile(r"<blockquote[^>]*>(.*?)</blockquote>", re.DOTALL)
_WAITS = re.compile(r'href="/cases/([^"]+)"')
_APPEAL = re.compile(r'href="/appeals/([^"]+)"')
RULE = "harassment.targeted"


@dataclass(frozen=True)
class Heard:
    """One answer of the console: to what, with which status, and all of it."""

    asked: str
    status: int
    said: str = field(repr=False)


class Reviewer(Protocol):
    """What every reviewer does, from the invitation on."""

    @property
    def heard(self) -> list[Heard]:
        """Every answer that the console gave, as far as it was text."""

    async def join(self, link: str) -> None:
        """Make a passkey by the link of an invitation, leave, and come in by the passkey."""

    async def claim_next(self) -> str:
        """Take the case that should be next; return its id."""

    async def reveal_all(self, case: str) -> list[str]:
        """Open what the case has to open, one after the other; return the words."""

    async def decide(self, case: str, measure: str) -> None:
        """Decide that *measure* is taken, for a week where it lasts."""

    async def overturn(self, appeal: str) -> None:
        """Claim an appeal, judge for oneself that nothing was to be done, and restore."""

    async def close(self) -> None:
        """Go home."""


class HttpReviewer:
    """A browser without script: forms, a cookie, and an authenticator in software."""

    def __init__(self, console_url: str) -> None:
        self.heard: list[Heard] = []
        self._word = ""
        self.keys = SoftwareAuthenticator(console_url)
        self.http = httpx.AsyncClient(
            base_url=console_url,
            headers={"origin": console_url, "sec-fetch-site": "same-origin"},
            timeout=30,
        )

    @property
    def token(self) -> str:
        """The session, as the cookie holds it."""
        return str(self.http.cookies["halfdoor_staff"])

    async def join(self, link: str) -> None:
        place = httpx.URL(link).path
        asked = await self._json(f"{place}/begin", {})
        await self._json(f"{place}/finish", self.keys.create(asked))
        await self.must("/sign-out")
        self.http.cookies.clear()
        await self.sign_in()

    async def sign_in(self) -> None:
        """Come in by the passkey."""
        asked = await self._json("/sign-in/begin", {})
        await self._json("/sign-in/finish", self.keys.get(asked))
        self._word = ""

    async def claim_next(self) -> str:
        answer = await self.must("/queue/next")
        found = re.fullmatch(r"/cases/(\w.*)", answer.headers["location"])
        assert found is not None, answer.headers["location"]
        return found[1]

    async def reveal_all(self, case: str) -> list[str]:
        page = await self.get(f"/cases/{case}")
        assert _WORDS.findall(page.text) == []
        words = []
        for item in _ITEM.findall(page.text):
            answer = await self.reveal(case, item)
            assert answer.status_code == 200, answer.text
            words += [unescape(one).strip() for one in _WORDS.findall(answer.text)]
        return words

    async def queue(self) -> list[str]:
        """Return the ids of the cases that wait."""
        return _WAITS.findall((await self.get("/queue")).text)

    async def items(self, case: str) -> list[str]:
        """Return the ids of what the case has to open."""
        return _ITEM.findall((await self.get(f"/cases/{case}")).text)

    async def reveal(self, case: str, item: str) -> httpx.Response:
        """Ask for one thing."""
        return await self.post(f"/cases/{case}/items/{item}/reveal", why="judge")

    async def decide(self, case: str, measure: str) -> None:
        choice = {"reason": RULE, "measure": measure, "days": "7", "facts": "seen and judged"}
        preview = await self.post(f"/cases/{case}/preview", **choice)
        assert preview.status_code == 200, preview.text
        assert "was reported" in preview.text
        await self.must(f"/cases/{case}/decide", **choice)

    async def appeals(self) -> list[str]:
        """Return the ids of what is contested and waits."""
        return _APPEAL.findall((await self.get("/appeals")).text)

    async def overturn(self, appeal: str) -> None:
        await self.must(f"/cases/{appeal}/claim", back="appeals")
        judged = {"reason": RULE, "measure": "none", "facts": "a joke among friends"}
        await self.must(f"/appeals/{appeal}/judge", **judged)
        await self.must(f"/appeals/{appeal}/answer", verdict="overturn", facts="no insult")

    async def log(self) -> list[dict[str, Any]]:
        """Return the staff log, as an auditor reads it by the interface for platforms."""
        answer = await self.http.get(
            "/_halfdoor/review/v1/log",
            params={"after": "0", "limit": "500"},
            headers={"authorization": f"Bearer {self.token}"},
        )
        assert answer.status_code == 200, answer.text
        return list(answer.json()["lines"])

    async def get(self, path: str) -> httpx.Response:
        """Read a page."""
        return self._note(await self.http.get(path))

    async def must(self, path: str, **fields: str) -> httpx.Response:
        """Send a form that has to be taken."""
        answer = await self.post(path, **fields)
        assert answer.status_code == 303, f"{path}: {answer.status_code} {answer.text}"
        return answer

    async def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form with the word that every form of the session carries."""
        if not self._word:
            # Which pages somebody may see is a matter of their roles.
            pages = [(await self.get(place)).text for place in ("/wellness", "/admin", "/board")]
            self._word = next(found[1] for found in map(_CSRF.search, pages) if found)
        return self._note(await self.http.post(path, data={**fields, "csrf": self._word}))

    async def _json(self, path: str, content: Any) -> Any:
        answer = self._note(await self.http.post(path, json=content))
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def _note(self, answer: httpx.Response) -> httpx.Response:
        self.heard.append(Heard(answer.request.url.path, answer.status_code, answer.text))
        return answer

    async def close(self) -> None:
        await self.http.aclose()
