"""A house over HTTP in which somebody was reported, and reviewers decided."""

from typing import Any

from tests.web.house_fixture import DAY, OWN, WholeHouse, good

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.apps.long_work import desk_workers
from halfdoor.apps.work import Work
from halfdoor.readers.review.choices import Action, Choice
from halfdoor.readers.review.errors import SecondPersonError
from halfdoor.safety.measures import Kind
from halfdoor.store.jobs import Job

ROLES = frozenset({"reviewer", "lead"})
RUTH = StaffMember(id="stf_ruth", name="Ruth", roles=ROLES, place="FI")
SAM = StaffMember(id="stf_sam", name="Sam", roles=ROLES, place="FI")
HARASSED = "harassment.targeted"
WORDS = {"text": "I did not write that"}
LIMIT = Choice(reason=HARASSED, actions=(Action(kind=Kind.NO_NEW_CONVERSATIONS, days=7),))


class NobodyListens:
    """Takes webhooks, and nothing comes of them."""

    def __init__(self, house: WholeHouse) -> None:
        self._jobs = house.house.store.jobs

    async def step(self, job: Job, now: int) -> None:
        await self._jobs.end(job)


async def signed_in(house: WholeHouse, name: str) -> str:
    await house.person(name)
    token: str = (await house.sign_in(name))["access_token"]
    return token


async def work(house: WholeHouse, ms: int) -> None:
    """Let time pass, and do the work of it."""
    house.clock.now += ms
    inside = house.house
    workers = {**desk_workers(inside), "webhook": NobodyListens(house)}
    await Work(inside.store.jobs, workers, house.clock).go_on(20.0)


async def decided(house: WholeHouse, choice: Choice = LIMIT) -> tuple[str, str, str]:
    """Let ada report bob, and a reviewer decide; return both tokens and the report's id."""
    ada, bob = await signed_in(house, "ada"), await signed_in(house, "bob")
    filed = good(
        await house.ask(
            "POST",
            "/users/@bob:a.example/report",
            {"org.halfdoor.report": {"reason": HARASSED}},
            token=ada,
        )
    )
    desk = house.house.desk
    case = (await desk.store.cases_about("@bob:a.example"))[0]
    await desk.cases.claim(RUTH, case.id)
    try:
        await desk.decisions.decide(RUTH, case.id, choice)
    except SecondPersonError:
        await desk.decisions.confirm(SAM, case.id)
    await work(house, DAY)
    return ada, bob, filed["org.halfdoor.report"]["id"]


async def notices(house: WholeHouse, token: str, path: str = f"{OWN}/notices") -> list[Any]:
    listed: list[Any] = good(await house.ask("GET", path, token=token))["notices"]
    return listed
