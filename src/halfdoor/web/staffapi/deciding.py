"""Decisions, second persons and appeals by API."""

from halfdoor.readers.review.decisions import Options
from halfdoor.web.staffapi.bodies import (
    AppealAnswer,
    ChoiceBody,
    Confirmation,
    SilenceBody,
    Why,
)
from halfdoor.web.staffapi.desk import ReviewDesk
from halfdoor.web.staffapi.operations import Asked, Operation
from halfdoor.web.staffapi.shapes import (
    CaseShown,
    Contests,
    ContestShown,
    DecisionShown,
    ProposalShown,
    case_shown,
    contest_shown,
    decision_shown,
    proposal_shown,
)


class Deciding:
    """The operations by which cases end."""

    def __init__(self, desk: ReviewDesk) -> None:
        self._desk = desk

    def operations(self) -> list[Operation]:
        """Return them."""
        return [
            Operation(
                method="GET",
                path="/cases/{id}/options",
                summary="What may be chosen, and what the ladder suggests.",
                handler=self._options,
                answer=Options,
            ),
            Operation(
                method="POST",
                path="/cases/{id}/preview",
                summary="A choice as the decision that it would be; nothing is kept.",
                handler=self._preview,
                answer=DecisionShown,
                body=ChoiceBody,
            ),
            Operation(
                method="POST",
                path="/cases/{id}/decide",
                summary="Decide a case that you hold. What is severe waits for a second person:"
                " 409 ORG.HALFDOOR.SECOND_PERSON says that it is kept for them.",
                handler=self._decide,
                answer=CaseShown,
                body=ChoiceBody,
            ),
            Operation(
                method="GET",
                path="/cases/{id}/proposal",
                summary="What waits for a second person.",
                handler=self._proposal,
                answer=ProposalShown,
            ),
            Operation(
                method="POST",
                path="/cases/{id}/confirm",
                summary="Agree with what another person proposed.",
                handler=self._confirm,
                answer=CaseShown,
                body=Confirmation,
            ),
            Operation(
                method="POST",
                path="/cases/{id}/refuse",
                summary="Disagree with it: the case is open again.",
                handler=self._refuse,
                answer=CaseShown,
                body=Why,
            ),
            Operation(
                method="POST",
                path="/cases/{id}/undo",
                summary="Take your own decision back, within the seconds of the policy.",
                handler=self._undo,
                answer=CaseShown,
            ),
            Operation(
                method="POST",
                path="/cases/{id}/reverse",
                summary="End all that another person's decision did, because it was wrong.",
                handler=self._reverse,
                answer=CaseShown,
                body=Why,
            ),
            Operation(
                method="POST",
                path="/cases/{id}/silence",
                summary="Tell the subject nothing until a time, because an authority demands it.",
                handler=self._silence,
                answer=CaseShown,
                body=SilenceBody,
            ),
            Operation(
                method="GET",
                path="/appeals",
                summary="Appeals and complaints that wait for an answer.",
                handler=self._appeals,
                answer=Contests,
            ),
            Operation(
                method="GET",
                path="/appeals/{id}",
                summary="One of them; its words for whoever holds it.",
                handler=self._appeal,
                answer=ContestShown,
            ),
            Operation(
                method="POST",
                path="/appeals/{id}/judge",
                summary="Say what you would have decided; then you are shown the first reasons.",
                handler=self._judge,
                answer=ContestShown,
                body=ChoiceBody,
            ),
            Operation(
                method="POST",
                path="/appeals/{id}/answer",
                summary="Let the decision stand, or overturn it.",
                handler=self._answer,
                answer=CaseShown,
                body=AppealAnswer,
            ),
        ]

    async def _options(self, asked: Asked) -> Options:
        return await self._desk.decisions.options(asked.staff, asked.id)

    async def _preview(self, asked: Asked) -> DecisionShown:
        choice = (await asked.request.json_as(ChoiceBody)).choice()
        return decision_shown(await self._desk.decisions.preview(asked.staff, asked.id, choice))

    async def _decide(self, asked: Asked) -> CaseShown:
        choice = (await asked.request.json_as(ChoiceBody)).choice()
        return case_shown(await self._desk.decisions.decide(asked.staff, asked.id, choice))

    async def _proposal(self, asked: Asked) -> ProposalShown:
        return proposal_shown(await self._desk.decisions.proposal(asked.staff, asked.id))

    async def _confirm(self, asked: Asked) -> CaseShown:
        body = await asked.request.json_as(Confirmation)
        case = await self._desk.decisions.confirm(asked.staff, asked.id, body.proposal)
        return case_shown(case)

    async def _refuse(self, asked: Asked) -> CaseShown:
        body = await asked.request.json_as(Why)
        return case_shown(await self._desk.decisions.refuse(asked.staff, asked.id, body.reason))

    async def _undo(self, asked: Asked) -> CaseShown:
        return case_shown(await self._desk.decisions.undo(asked.staff, asked.id))

    async def _reverse(self, asked: Asked) -> CaseShown:
        body = await asked.request.json_as(Why)
        return case_shown(await self._desk.decisions.reverse(asked.staff, asked.id, body.reason))

    async def _silence(self, asked: Asked) -> CaseShown:
        body = await asked.request.json_as(SilenceBody)
        silenced = self._desk.silences.demand(asked.staff, asked.id, body.until, body.order)
        return case_shown(await silenced)

    async def _appeals(self, asked: Asked) -> Contests:
        waiting = await self._desk.appeals.waiting(asked.staff)
        return Contests(appeals=[contest_shown(one) for one in waiting])

    async def _appeal(self, asked: Asked) -> ContestShown:
        return contest_shown(await self._desk.appeals.look(asked.staff, asked.id))

    async def _judge(self, asked: Asked) -> ContestShown:
        choice = (await asked.request.json_as(ChoiceBody)).choice()
        return contest_shown(await self._desk.appeals.judge(asked.staff, asked.id, choice))

    async def _answer(self, asked: Asked) -> CaseShown:
        body = await asked.request.json_as(AppealAnswer)
        case = await self._desk.appeals.answer(asked.staff, asked.id, body.uphold, body.reason)
        return case_shown(case)
