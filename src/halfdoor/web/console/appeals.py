"""R6: contested decisions. The first reasons stay hidden until whoever looks judged too."""

from halfdoor.web.console.console import REVIEWERS, Doors
from halfdoor.web.console.decide import choice_of
from halfdoor.web.console.pages import see
from halfdoor.web.console.visit import Visit
from halfdoor.web.errors import InvalidParamError
from halfdoor.web.response import Response
from halfdoor.web.router import Route


def routes(doors: Doors) -> list[Route]:
    """`/appeals`, one of them, the first judgement, the answer."""
    appeals, policy = doors.desk.appeals, doors.desk.policy
    titles = {one.key: one.title for one in policy.reasons}

    async def waiting(visit: Visit) -> Response:
        contests = await appeals.waiting(visit.staff)
        return doors.pages.page("appeals.html", visit=visit, contests=contests, reasons=titles)

    async def look(visit: Visit) -> Response:
        contest = await appeals.look(visit.staff, visit.case)
        return doors.pages.page(
            "appeal.html",
            visit=visit,
            contest=contest,
            case=contest.case,
            titles=titles,
            reasons=policy.reasons,
            actions=await doors.desk.decisions.actions(visit.staff, visit.case),
        )

    async def judge(visit: Visit) -> Response:
        await appeals.judge(visit.staff, visit.case, choice_of(visit.form, policy))
        return see(f"/appeals/{visit.case}")

    async def answer(visit: Visit) -> Response:
        verdict = visit.form.need("verdict", 10)
        if verdict not in {"uphold", "overturn"}:
            raise InvalidParamError("verdict", "is neither uphold nor overturn")
        reason = visit.form.line("facts")
        await appeals.answer(visit.staff, visit.case, verdict == "uphold", reason)
        return see("/appeals")

    return [
        doors.get("/appeals", REVIEWERS, waiting),
        doors.get("/appeals/{case}", REVIEWERS, look),
        doors.post("/appeals/{case}/judge", REVIEWERS, judge),
        doors.post("/appeals/{case}/answer", REVIEWERS, answer),
    ]
