"""Queues and cases by API: the same services, leases and log as on the console's pages."""

from typing import Final, Literal

import msgspec

from halfdoor.readers.review.case_view import CaseView
from halfdoor.readers.review.cases import ALL
from halfdoor.readers.review.records import CaseState
from halfdoor.readers.review.store import QueuePage
from halfdoor.web.errors import InvalidParamError
from halfdoor.web.query import Query
from halfdoor.web.staffapi.bodies import Escalation, Merge, MoreAnswer, RevealBody, UnmaskBody, Why
from halfdoor.web.staffapi.desk import ReviewDesk
from halfdoor.web.staffapi.operations import EVERYBODY, Asked, Operation
from halfdoor.web.staffapi.shapes import (
    CaseShown,
    Myself,
    NextCase,
    QueueShown,
    RevealedShown,
    Unmasked,
    case_shown,
    revealed_shown,
)

_STATES: Final = {
    "waiting": ALL.states,
    "open": (CaseState.OPEN,),
    "escalated": (CaseState.ESCALATED,),
    "second": (CaseState.SECOND,),
}
_MOST: Final = 200
_QUERY: Final = {
    "queue": "Only this queue.",
    "group": "Only this group of reasons, such as harassment.",
    "posture": "standard or e2ee: only cases about messages of such conversations.",
    "language": "Only cases in this language.",
    "minor": "true or false: only cases about a minor, or none.",
    "state": "waiting (all of them), open, escalated, second, or mine.",
    "after": "The last case of the page before.",
    "limit": "At most so many, 1 to 200.",
}


class Casework:
    """The operations of reviewers."""

    def __init__(self, desk: ReviewDesk) -> None:
        self._desk = desk

    def operations(self) -> list[Operation]:
        """Return them."""
        return [
            Operation(
                method="GET",
                path="/me",
                summary="Who you are.",
                handler=self._me,
                answer=Myself,
                roles=EVERYBODY,
            ),
            Operation(
                method="GET",
                path="/queue",
                summary="Cases you may claim, least time left first; nothing is opened.",
                handler=self._queue,
                answer=QueueShown,
                query=_QUERY,
            ),
            Operation(
                method="POST",
                path="/next",
                summary="Claim the case that should be next for you.",
                handler=self._next,
                answer=NextCase,
            ),
            Operation(
                method="GET",
                path="/cases/{id}",
                summary="All that is known of a case without opening anything.",
                handler=self._view,
                answer=CaseView,
            ),
            *(self._step(verb, summary) for verb, summary in _STEPS.items()),
            Operation(
                method="POST",
                path="/cases/{id}/escalate",
                summary="Hand a case that you hold to a lead, or to child safety.",
                handler=self._escalate,
                answer=CaseShown,
                body=Escalation,
            ),
            Operation(
                method="POST",
                path="/cases/{id}/merge",
                summary="Close a case that you hold as a duplicate of another one.",
                handler=self._merge,
                answer=CaseShown,
                body=Merge,
            ),
            Operation(
                method="POST",
                path="/cases/{id}/reveal",
                summary="Open one reported message of a case that you hold. The log has it first.",
                handler=self._reveal,
                answer=RevealedShown,
                body=RevealBody,
            ),
            Operation(
                method="POST",
                path="/cases/{id}/unmask",
                summary="Say who a label stands for. The log has it first.",
                handler=self._unmask,
                answer=Unmasked,
                body=UnmaskBody,
            ),
            Operation(
                method="POST",
                path="/cases/{id}/more",
                summary="Ask a lead whether reporters may be asked for more.",
                handler=self._more,
                answer=CaseShown,
                body=Why,
            ),
            Operation(
                method="POST",
                path="/cases/{id}/more/answer",
                summary="Answer somebody else's wish to ask for more.",
                handler=self._answer_more,
                answer=CaseShown,
                body=MoreAnswer,
            ),
        ]

    def _step(self, verb: Literal["claim", "heartbeat", "release"], summary: str) -> Operation:
        # Bound by name: each is a method of the same form.
        async def handler(asked: Asked) -> msgspec.Struct:
            cases = self._desk.cases
            steps = {"claim": cases.claim, "heartbeat": cases.heartbeat, "release": cases.release}
            return case_shown(await steps[verb](asked.staff, asked.id))

        return Operation(
            method="POST",
            path=f"/cases/{{id}}/{verb}",
            summary=summary,
            handler=handler,
            answer=CaseShown,
        )

    async def _me(self, asked: Asked) -> Myself:
        staff = asked.staff
        return Myself(
            id=staff.id,
            name=staff.name,
            roles=sorted(staff.roles),
            place=staff.place,
            opted_out=sorted(staff.opted_out),
        )

    async def _queue(self, asked: Asked) -> QueueShown:
        query = asked.request.query
        if query.get("state") == "mine":
            return QueueShown(cases=await self._desk.cases.held(asked.staff))
        page = _page(query)
        posture = query.get("posture")
        if posture not in (None, "standard", "e2ee"):
            raise InvalidParamError("posture", "is none that a conversation has")
        group = query.get("group")
        cases = await self._desk.cases.queue(asked.staff, page, group, posture)
        return QueueShown(cases=cases)

    async def _next(self, asked: Asked) -> NextCase:
        case = await self._desk.cases.next(asked.staff)
        return NextCase(case=case_shown(case) if case is not None else None)

    async def _view(self, asked: Asked) -> CaseView:
        return await self._desk.cases.view(asked.staff, asked.id)

    async def _escalate(self, asked: Asked) -> CaseShown:
        body = await asked.request.json_as(Escalation)
        case = await self._desk.cases.escalate(asked.staff, asked.id, body.reason, body.to)
        return case_shown(case)

    async def _merge(self, asked: Asked) -> CaseShown:
        body = await asked.request.json_as(Merge)
        case = await self._desk.cases.merge(asked.staff, asked.id, body.into, body.reason)
        return case_shown(case)

    async def _reveal(self, asked: Asked) -> RevealedShown:
        body = await asked.request.json_as(RevealBody)
        shown = await self._desk.reveals.reveal(asked.staff, asked.id, body.item, body.reason)
        return revealed_shown(shown)

    async def _unmask(self, asked: Asked) -> Unmasked:
        body = await asked.request.json_as(UnmaskBody)
        user = await self._desk.reveals.unmask(asked.staff, asked.id, body.label, body.reason)
        return Unmasked(label=body.label, user=user)

    async def _more(self, asked: Asked) -> CaseShown:
        body = await asked.request.json_as(Why)
        return case_shown(await self._desk.reveals.ask_for_more(asked.staff, asked.id, body.reason))

    async def _answer_more(self, asked: Asked) -> CaseShown:
        body = await asked.request.json_as(MoreAnswer)
        case = await self._desk.reveals.answer_more(
            asked.staff, asked.id, body.reason, approve=body.approve
        )
        return case_shown(case)


_STEPS: Final[dict[Literal["claim", "heartbeat", "release"], str]] = {
    "claim": "Hold a case; whoever holds it already holds it longer.",
    "heartbeat": "Keep a case while you look at it; send it more often than the lease lasts.",
    "release": "Give a case back, undecided.",
}


def _page(query: Query) -> QueuePage:
    state = query.get("state") or "waiting"
    if state not in _STATES:
        raise InvalidParamError("state", "has a value that is not allowed")
    minor = query.get("minor")
    if minor not in {None, "true", "false"}:
        raise InvalidParamError("minor", "is true or false")
    queue = query.get("queue")
    return QueuePage(
        queues=(queue,) if queue else (),
        states=_STATES[state],
        minor=None if minor is None else minor == "true",
        language=query.get("language"),
        after=query.get("after"),
        limit=query.integer("limit", 50, least=1, most=_MOST),
    )
