"""R3: deciding. Rule, action, duration; every text that people will get stands beside the form."""

from typing import Final

from halfdoor.policy.review import Review
from halfdoor.readers.review.errors import SecondPersonError
from halfdoor.web.console.console import REVIEWERS, SECONDS, Doors
from halfdoor.web.console.form import Form
from halfdoor.web.console.pages import see
from halfdoor.web.console.values import Choice
from halfdoor.web.console.visit import Visit
from halfdoor.web.errors import InvalidParamError
from halfdoor.web.response import Response
from halfdoor.web.router import Route

FACTS_CHARS: Final = 2000
NOTHING: Final = "none"


def choice_of(form: Form, policy: Review) -> Choice:
    """What a form chose; InvalidParamError for a rule there is not, or where nothing is chosen."""
    reason = form.need("reason", 80)
    if policy.reason(reason) is None:
        raise InvalidParamError("reason", "is none of the rules")
    # A field of the name `action` would hide the form's own address from scripts.
    chosen = tuple(form.all("measure"))
    if not chosen:
        raise InvalidParamError("measure", "is needed: choose what is done, or that nothing is")
    if NOTHING in chosen and len(chosen) > 1:
        raise InvalidParamError("measure", "cannot be nothing and something")
    return Choice(
        reason=reason,
        measures=() if NOTHING in chosen else chosen,
        days=form.number("days"),
        label=form.text("label", 40),
        items=tuple(form.all("item")),
        facts=form.text("facts", FACTS_CHARS),
        strike=form.text("strike") == "yes",
        refer=form.text("refer") == "yes",
        reports=form.number("reports"),
    )


def routes(doors: Doors) -> list[Route]:
    """`/cases/{case}/decide`, its preview, undo and reversal."""
    decisions, policy = doors.desk.decisions, doors.desk.policy

    async def show(visit: Visit, choice: Choice | None = None) -> Response:
        page = await doors.desk.cases.view(visit.staff, visit.case)
        letters = () if choice is None else await decisions.preview(visit.staff, visit.case, choice)
        return doors.pages.page(
            "decide.html",
            visit=visit,
            page=page,
            case=page.case,
            choice=choice,
            letters=letters,
            actions=await decisions.actions(visit.staff, visit.case),
            reasons=policy.reasons,
            facts_chars=FACTS_CHARS,
            # Only whoever works in the vault reports to the authorities.
            may_refer=page.case.child_safety and visit.staff.may("child_safety"),
        )

    async def look(visit: Visit) -> Response:
        return await show(visit)

    async def preview(visit: Visit) -> Response:
        if visit.fragment and not visit.form.all("measure"):
            # Asked while somebody still chooses: there is nothing to tell anybody yet.
            return doors.pages.page("letters_part.html", letters=())
        choice = choice_of(visit.form, policy)
        if not visit.fragment:
            return await show(visit, choice)
        letters = await decisions.preview(visit.staff, visit.case, choice)
        return doors.pages.page("letters_part.html", letters=letters)

    async def decide(visit: Visit) -> Response:
        choice = choice_of(visit.form, policy)
        try:
            await decisions.decide(visit.staff, visit.case, choice)
        except SecondPersonError:
            page = await doors.desk.cases.view(visit.staff, visit.case)
            return doors.pages.page("second.html", 409, visit=visit, case=page.case)
        return see(f"/cases/{visit.case}")

    async def undo(visit: Visit) -> Response:
        await decisions.undo(visit.staff, visit.case)
        return see(f"/cases/{visit.case}")

    async def reverse(visit: Visit) -> Response:
        await decisions.reverse(visit.staff, visit.case, visit.form.line("reason"))
        return see(f"/cases/{visit.case}")

    return [
        doors.get("/cases/{case}/decide", REVIEWERS, look),
        doors.post("/cases/{case}/preview", REVIEWERS, preview),
        doors.post("/cases/{case}/decide", REVIEWERS, decide),
        doors.post("/cases/{case}/undo", REVIEWERS, undo),
        doors.post("/cases/{case}/reverse", SECONDS, reverse),
    ]
