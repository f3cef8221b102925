"""Ben writes to Ada in an encrypted conversation of a real house, and Robin works at its desk."""

from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.apps.console_house import Browser, ConsoleHouse
from tests.apps.opened_house import Person, make
from tests.messaging.encrypted_rooms import BOTH, ENCRYPTION
from tests.readers.review.franking_client import b64
from tests.readers.review.megolm import Talk

from halfdoor.policy.load import policy_from
from halfdoor.readers.review.records import Evidence

REASON = {"org.halfdoor.report": {"reason": "harassment.targeted"}}


class Scene:
    """Ben writes to Ada in an encrypted conversation."""

    ada: Person
    ben: Person
    room: str
    talk: Talk

    def __init__(self, folder: Path) -> None:
        policy = policy_from({"posture": {"allowed": list(BOTH)}}, "test")
        self.at = ConsoleHouse(folder, policy=policy)
        self.sent = 0

    async def begin(self, **room: Any) -> None:
        house, now = self.at.house, self.at.clock.now_ms()
        for name in ("ada", "ben"):
            await make(house, name, "adult")
        self.ada, self.ben = Person(house, "ada"), Person(house, "ben")
        await house.people.connect(self.ada.user, self.ben.user, "platform", now)
        for one in (self.ada, self.ben):
            await one.sign_in()
        self.room = await self.ben.room_with(
            [self.ada.user], **(room or {"initial_state": [ENCRYPTION]})
        )
        await self.ada.must("POST", f"/rooms/{quote(self.room)}/join")
        self.talk = Talk(self.room)

    async def send(self, content: dict[str, Any], kind: str = "m.room.encrypted") -> str:
        self.sent += 1
        path = f"/rooms/{quote(self.room)}/send/{kind}/{self.sent}"
        return str((await self.ben.must("PUT", path, content))["event_id"])

    async def seen(self, event: str) -> dict[str, Any]:
        """Return *event* as Ada's client syncs it."""
        answer = await self.ada.must("GET", "/sync")
        events = answer["rooms"]["join"][self.room]["timeline"]["events"]
        found: dict[str, Any] = next(one for one in events if one["event_id"] == event)
        return found

    async def report(self, event: str, *evidence: dict[str, Any]) -> tuple[int, Any]:
        path = f"/rooms/{quote(self.room)}/report/{quote(event)}"
        return await self.ada.call(
            "POST", path, {**REASON, "org.halfdoor.evidence": list(evidence)}
        )

    async def claimed(self) -> tuple[Browser, Evidence]:
        """Return a reviewer who holds the next case, and the one message in it."""
        browser = await self.at.staff("Robin", "reviewer")
        await browser.post("/queue/next")
        (case,) = await self.at.house.desk.store.cases_about(self.ben.user)
        (item,) = await self.at.house.desk.store.evidence(case.id)
        return browser, item

    async def page(self) -> str:
        """Return what a reviewer reads when they reveal the one message of the next case."""
        browser, item = await self.claimed()
        path = f"/cases/{item.case}/items/{item.id}/reveal"
        status, page = await browser.post(path, why="judge")
        assert status == 200, page
        return unescape(page)


def message_key(event: str, key: bytes, kind: str = "message_key") -> dict[str, Any]:
    return {"event_id": event, "kind": kind, "key": b64(key)}
