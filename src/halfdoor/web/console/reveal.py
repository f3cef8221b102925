"""R2: opening one thing at a time. The room behind writes its log before it returns a byte."""

from halfdoor.web.console.case import WHY, show_case
from halfdoor.web.console.console import REVIEWERS, SECONDS, Doors
from halfdoor.web.console.form import Form
from halfdoor.web.console.pages import see
from halfdoor.web.console.visit import Visit
from halfdoor.web.errors import InvalidParamError
from halfdoor.web.response import Response
from halfdoor.web.router import Route


def routes(doors: Doors) -> list[Route]:
    """Reveal, unmask, ask for more: forms only, so that no link and no prefetch opens anything."""
    reveals = doors.desk.reveals

    async def reveal(visit: Visit) -> Response:
        item, why = visit.request.params["item"], why_of(visit.form)
        shown = await reveals.reveal(visit.staff, visit.case, item, why)
        if not visit.fragment:
            # Without script: the same page, with this one thing open on it.
            return await show_case(doors, visit, shown=shown)
        page = await doors.desk.cases.view(visit.staff, visit.case)
        opened = next((each for each in page.items if each.id == item), None)
        return doors.pages.page(
            "item_part.html", item=opened, shown=shown, case=page.case, mine=True, number=0
        )

    async def unmask(visit: Visit) -> Response:
        label, reason = visit.form.need("label", 40), visit.form.line("reason")
        person = await reveals.unmask(visit.staff, visit.case, label, reason)
        if visit.fragment:
            return doors.pages.page("person_part.html", person=person, mine=False, case=None)
        return see(f"/cases/{visit.case}")

    async def more(visit: Visit) -> Response:
        await reveals.ask_for_more(visit.staff, visit.case, visit.form.line("reason"))
        return see(f"/cases/{visit.case}")

    async def answer_more(visit: Visit) -> Response:
        verdict = visit.form.need("verdict", 10)
        if verdict not in {"yes", "no"}:
            raise InvalidParamError("verdict", "is neither yes nor no")
        await reveals.answer_more(
            visit.staff, visit.case, visit.form.line("reason"), approve=verdict == "yes"
        )
        return see(f"/cases/{visit.case}")

    return [
        doors.post("/cases/{case}/items/{item}/reveal", REVIEWERS, reveal),
        doors.post("/cases/{case}/unmask", REVIEWERS, unmask),
        doors.post("/cases/{case}/more", REVIEWERS, more),
        doors.post("/cases/{case}/more/answer", SECONDS, answer_more),
    ]


def why_of(form: Form) -> str:
    """Return why somebody looks, one of the words that the log keeps."""
    why = form.need("why", 40)
    if why not in WHY:
        raise InvalidParamError("why", "is none of the reasons")
    return why
