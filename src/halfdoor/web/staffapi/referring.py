"""Referrals to an authority by API; only those with the role of the vault get past the door."""

from typing import Final

from halfdoor.readers.review.referral_events import Referral
from halfdoor.web.staffapi.bodies import FiledBody, ReferralBody, Why
from halfdoor.web.staffapi.desk import ReviewDesk
from halfdoor.web.staffapi.operations import Asked, Operation
from halfdoor.web.staffapi.shapes import Nothing, PackageShown, ReferralsShown, package_shown

_VAULT: Final = frozenset({"child_safety"})


class Referring:
    """The operations of the vault."""

    def __init__(self, desk: ReviewDesk) -> None:
        self._desk = desk

    def operations(self) -> list[Operation]:
        """Return them."""
        return [
            Operation(
                method="GET",
                path="/cases/{id}/referrals",
                summary="The referrals of a case.",
                handler=self._list,
                answer=ReferralsShown,
                roles=_VAULT,
            ),
            Operation(
                method="POST",
                path="/cases/{id}/referrals",
                summary="Propose to refer a decided case; a second person confirms it, unless two"
                " people decided so already.",
                handler=self._propose,
                answer=Referral,
                body=ReferralBody,
                roles=_VAULT,
            ),
            Operation(
                method="POST",
                path="/cases/{id}/referrals/confirm",
                summary="Agree: the report is made, checked against NCMEC's schema, and sealed.",
                handler=self._confirm,
                answer=Referral,
                roles=_VAULT,
            ),
            Operation(
                method="POST",
                path="/cases/{id}/referrals/refuse",
                summary="Disagree: the proposal is dropped.",
                handler=self._refuse,
                answer=Nothing,
                body=Why,
                roles=_VAULT,
            ),
            Operation(
                method="POST",
                path="/cases/{id}/referrals/{referral}/export",
                summary="The report and its files, to be filed by hand. The log has it first.",
                handler=self._export,
                answer=PackageShown,
                body=Why,
                roles=_VAULT,
            ),
            Operation(
                method="POST",
                path="/cases/{id}/referrals/{referral}/filed",
                summary="Note the number under which it was filed by hand.",
                handler=self._filed,
                answer=Nothing,
                body=FiledBody,
                roles=_VAULT,
            ),
        ]

    async def _list(self, asked: Asked) -> ReferralsShown:
        return ReferralsShown(referrals=await self._desk.referrals.of(asked.staff, asked.id))

    async def _propose(self, asked: Asked) -> Referral:
        request = (await asked.request.json_as(ReferralBody)).request()
        return await self._desk.referrals.propose(asked.staff, asked.id, request)

    async def _confirm(self, asked: Asked) -> Referral:
        return await self._desk.referrals.confirm(asked.staff, asked.id)

    async def _refuse(self, asked: Asked) -> Nothing:
        body = await asked.request.json_as(Why)
        await self._desk.referrals.refuse(asked.staff, asked.id, body.reason)
        return Nothing()

    async def _export(self, asked: Asked) -> PackageShown:
        body = await asked.request.json_as(Why)
        package = await self._desk.referrals.export(
            asked.staff, asked.id, asked.request.params["referral"], body.reason
        )
        return package_shown(package)

    async def _filed(self, asked: Asked) -> Nothing:
        body = await asked.request.json_as(FiledBody)
        await self._desk.referrals.filed(
            asked.staff, asked.id, asked.request.params["referral"], body.report
        )
        return Nothing()
