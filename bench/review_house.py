"""A house with a review desk and its staff, in this process, for measuring; its clock goes."""

import asyncio
import contextlib
import json
import random
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from halfdoor.accounts.records import PersonRecord
from halfdoor.accounts.staff_member import StaffMember
from halfdoor.apps.caller import Caller
from halfdoor.apps.demo_people import demo_escrow_set
from halfdoor.apps.doors import build_apps
from halfdoor.apps.hardening import harden
from halfdoor.apps.house import House
from halfdoor.apps.setting import Setting
from halfdoor.apps.stores import DatabasePlace
from halfdoor.clock import SystemClock
from halfdoor.config.model import Config
from halfdoor.policy.load import load
from halfdoor.readers.review.choices import Action, Choice
from halfdoor.readers.review.records import Case, CaseKind, CaseState
from halfdoor.readers.review.store import DeskChange, QueuePage
from halfdoor.safety.measures import Kind
from halfdoor.store.outerkey import outer_key_file
from halfdoor.web.logs import configure
from halfdoor.web.metrics import Metrics

V3 = "/_matrix/client/v3"
# How many messages each measured report hands over.
SENT = 5
_PASSWORD = "bench-otter-cedar-93"  # of accounts that live for seconds
_AT_ONCE = 500
_REASON = "harassment.targeted"
# As often as a server looks for work.
_OFTEN_SECONDS = 1.0
# How often it is asked whether a decision binds, and for how long.
_LOOK_SECONDS = 0.005
_TRIES = 20_000


class Office:
    """A house, people who report, and staff."""

    def __init__(self, house: House, app: Any) -> None:
        self.house = house
        self.filing: list[float] = []
        self._app = app
        self._staff = 0
        self._chance = random.Random(6)

    def reviewer(self) -> StaffMember:
        """Return somebody else each time: what one person may be shown in a day is limited."""
        self._staff += 1
        name = f"staff_{self._staff}"
        return StaffMember(id=name, name=name, roles=frozenset({"reviewer"}), place="DE")

    async def fill(self, cases: int) -> None:
        """Put so many open cases into the queues of reviewers."""
        policy, now = self.house.setting.policy.review, int(time.time() * 1000)
        reasons = [one for one in policy.reasons if not one.child_safety]
        for start in range(0, cases, _AT_ONCE):
            made = []
            for number in range(start, min(cases, start + _AT_ONCE)):
                reason = self._chance.choice(reasons)
                made.append(
                    Case(
                        id=f"case_{secrets.token_urlsafe(16)}",
                        kind=CaseKind.REPORT,
                        subject=f"@s{number}:localhost",
                        reason=reason.key,
                        queue=reason.queue,
                        rank=reason.rank,
                        state=CaseState.OPEN,
                        opened=now,
                        due=now + self._chance.randrange(86_400_000),
                        minor=self._chance.random() < 0.2,
                        language=self._chance.choice(("de", "en", None)),
                        victims=(f"@v{number}:localhost",),
                        key_public=bytes(33),
                        key_sealed=bytes(60),
                    )
                )
            await self.house.store.desk.commit(DeskChange(cases=tuple(made)))

    async def pages(self, count: int) -> tuple[list[float], list[float]]:
        """Return how long the first page took, time after time, and *count* pages in a row; ms."""
        cases, staff = self.house.desk.cases, self.reviewer()
        first, deep, after = list[float](), list[float](), None
        for _ in range(count):
            begun = time.perf_counter()
            await cases.queue(staff, QueuePage(queues=()))
            first.append(_ms_since(begun))
        for _ in range(count):
            begun = time.perf_counter()
            found = await cases.queue(staff, QueuePage(queues=(), after=after))
            deep.append(_ms_since(begun))
            after = found[-1].id if found else None
        return first, deep

    async def file(self, count: int) -> list[str]:
        """Let people report messages of as many others; return the cases."""
        for number in range(count):
            writer, reader = await self._person(f"w{number}"), await self._person(f"r{number}")
            now = self.house.clock.now_ms()
            await self.house.people.connect(writer.user, reader.user, "platform", now)
            room = await writer.room_with(reader)
            events = [await writer.say(room, f"message {text}") for text in range(SENT)]
            body = {"org.halfdoor.report": {"reason": _REASON, "events": events}}
            begun = time.perf_counter()
            await reader.ask("POST", f"{V3}/rooms/{quote(room)}/report", body)
            self.filing.append(_ms_since(begun))
        users = [f"@w{number}:localhost" for number in range(count)]
        found = [await self.house.store.desk.cases_about(user) for user in users]
        return [cases[0].id for cases in found]

    async def review(self, case: str) -> dict[str, float]:
        """Take a case from its claim to the decision; return the ms of each step."""
        desk, staff, took = self.house.desk, self.reviewer(), dict[str, float]()
        begun = time.perf_counter()
        await desk.cases.claim(staff, case)
        took["claim"], begun = _ms_since(begun), time.perf_counter()
        view = await desk.cases.view(staff, case)
        took["page"], begun = _ms_since(begun), time.perf_counter()
        for line in view.evidence:
            await desk.reveals.reveal(staff, case, line.id, "to judge what was reported")
        took["reveals"], begun = _ms_since(begun), time.perf_counter()
        await desk.decisions.decide(staff, case, Choice(reason=_REASON, actions=(_WARNING,)))
        took["decision"] = _ms_since(begun)
        if len(view.evidence) != SENT:
            raise RuntimeError(f"the case has {len(view.evidence)} messages")
        return took

    async def enforced(self, count: int) -> list[float]:
        """Decide *count* cases about people, spread over a second; return ms until each binds."""
        sweeping = asyncio.create_task(self._sweep())
        try:
            return list(await asyncio.gather(*(self._enforced(n) for n in range(count))))
        finally:
            sweeping.cancel()

    async def _enforced(self, number: int) -> float:
        user, now = f"@e{number}:localhost", self.house.clock.now_ms()
        await self.house.people.put([PersonRecord(user=user, age_band="adult")])
        case = Case(
            id=f"case_{secrets.token_urlsafe(16)}",
            kind=CaseKind.REPORT,
            subject=user,
            reason=_REASON,
            queue="harassment",
            rank=2,
            state=CaseState.OPEN,
            opened=now,
            due=now + 3_600_000,
        )
        await self.house.store.desk.commit(DeskChange(cases=(case,)))
        staff, desk = self.reviewer(), self.house.desk
        await asyncio.sleep(self._chance.random())
        await desk.cases.claim(staff, case.id)
        await desk.decisions.decide(staff, case.id, Choice(reason=_REASON, actions=(_LIMIT,)))
        story = await desk.decisions.story(case.id)
        acts_at = story.decision.acts_at if story.decision is not None else now
        for _ in range(_TRIES):
            if (await self.house.people.person(user)).measures:
                return time.time() * 1000 - acts_at
            await asyncio.sleep(_LOOK_SECONDS)
        raise RuntimeError("a decision does not come to hold")

    async def _sweep(self) -> None:
        """Go on with work as a server does."""
        while True:
            await self.house.work.pause(_OFTEN_SECONDS)
            await self.house.sweep_work()

    async def _person(self, name: str) -> "_Resident":
        facts = PersonRecord(user=f"@{name}:localhost", age_band="adult", age_source="bench")
        now = self.house.clock.now_ms()
        user = await self.house.register.make(name, _PASSWORD, facts, now)
        resident = _Resident(self._app, user)
        identifier = {"type": "m.id.user", "user": user}
        body = {"type": "m.login.password", "identifier": identifier, "password": _PASSWORD}
        resident.caller.token = (await resident.ask("POST", f"{V3}/login", body))["access_token"]
        return resident


class _Resident:
    """One signed-in device."""

    def __init__(self, app: Any, user: str) -> None:
        self.user = user
        self.caller = Caller(app)
        self._sent = 0

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask, insist on a 200, and decode the answer."""
        status, raw = await self.caller.call(method, path, body)
        if status != 200:  # HTTP names it
            raise RuntimeError(f"{method} {path} answered {status}: {raw[:200]!r}")
        return json.loads(raw)

    async def room_with(self, other: "_Resident") -> str:
        """Make a conversation with *other*, who accepts."""
        body = {"preset": "trusted_private_chat", "is_direct": True, "invite": [other.user]}
        room: str = (await self.ask("POST", f"{V3}/createRoom", body))["room_id"]
        await other.ask("POST", f"{V3}/rooms/{quote(room)}/join", {})
        return room

    async def say(self, room: str, text: str) -> str:
        """Send a message and return its event id."""
        self._sent += 1
        path = f"{V3}/rooms/{quote(room)}/send/m.room.message/t{self._sent}"
        event: str = (await self.ask("PUT", path, {"msgtype": "m.text", "body": text}))["event_id"]
        return event


_WARNING = Action(kind=Kind.WARNING)
_LIMIT = Action(kind=Kind.NO_NEW_CONVERSATIONS, days=7)


@contextlib.asynccontextmanager
async def open_office(folder: Path, dsn: str | None) -> AsyncIterator[Office]:
    """Open a house in *folder*, over the database at *dsn* where one is named."""
    harden()
    policy, data = load(None), folder / "data"
    setting = Setting(
        server_name="localhost",
        policy=policy,
        escrow=[demo_escrow_set(folder / "escrow-set.json", policy.entity.name)],
        data_dir=data,
        outer_key=outer_key_file(folder / "outer.key", data, make=True),
        development=True,
        database=None if dsn is None else DatabasePlace(url=dsn),
    )
    house = await House.open(setting, SystemClock())
    app = build_apps(
        house,
        Config(development=True),
        base_url=lambda: "http://localhost",
        draining=lambda: False,
        platform=None,
        metrics=Metrics(),
        metrics_token=None,
        log=configure("error"),
    )[0]
    try:
        yield Office(house, app)
    finally:
        await house.close()


def _ms_since(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000
