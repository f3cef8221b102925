"""What the staff interface asks of the review rooms: the same services as the console's pages.

Stated here, joined in `apps/`. Every method refuses with an error of `readers/review/errors.py`, or
with `Denied` for evidence that is not what was stored.
"""

from collections.abc import Sequence
from typing import Protocol

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.policy.review import Review
from halfdoor.readers.review.case_view import CaseSummary, CaseView
from halfdoor.readers.review.choices import Choice, Decision, Proposal
from halfdoor.readers.review.contests import Contest
from halfdoor.readers.review.decisions import Options
from halfdoor.readers.review.records import Case, ModerationEvent, StaffEntry
from halfdoor.readers.review.referral_events import Referral, ReferralRequest
from halfdoor.readers.review.reveal import Revealed
from halfdoor.readers.review.sealed_files import Package
from halfdoor.readers.review.store import QueuePage


class Entered(Protocol):
    """A session of staff for the length of one request."""

    @property
    def staff(self) -> StaffMember:
        """Who it is."""


class StaffDoor(Protocol):
    """Sessions of staff (`web.console.desk.StaffGate` has the same)."""

    async def admit(self, token: str) -> Entered | None:
        """Return the session of *token*; None where there is none, or it has ended."""

    async def begin(self) -> bytes:
        """Return options for `navigator.credentials.get`, as JSON."""

    async def finish(self, answer: bytes) -> str:
        """Return the token of a new session for the browser's *answer*."""

    async def leave(self, token: str) -> None:
        """End the session of *token*."""


class Cases(Protocol):
    """Queues, leases, and what is known of a case unopened (`readers.review.cases.Cases`)."""

    async def queue(
        self,
        staff: StaffMember,
        page: QueuePage,
        group: str | None = None,
        posture: str | None = None,
    ) -> list[CaseSummary]:
        """Return one page of the cases that *staff* may claim."""

    async def held(self, staff: StaffMember) -> list[CaseSummary]:
        """Return the cases that *staff* holds now."""

    async def next(self, staff: StaffMember) -> Case | None:
        """Claim the case that should be next."""

    async def claim(self, staff: StaffMember, id: str) -> Case:
        """Hold a case, or hold it longer."""

    async def heartbeat(self, staff: StaffMember, id: str) -> Case:
        """Keep the lease while somebody looks."""

    async def release(self, staff: StaffMember, id: str) -> Case:
        """Give a case back."""

    async def escalate(self, staff: StaffMember, id: str, reason: str, to: str = "lead") -> Case:
        """Hand a case to a lead, or to child safety."""

    async def merge(self, staff: StaffMember, id: str, into: str, reason: str) -> Case:
        """Close a case as a duplicate."""

    async def view(self, staff: StaffMember, id: str) -> CaseView:
        """Return all that is known of a case without opening anything."""


class Reveals(Protocol):
    """Opens one thing at a time; the log has it first (`readers.review.reveal.Reveals`)."""

    async def reveal(self, staff: StaffMember, case: str, evidence: str, reason: str) -> Revealed:
        """Open one thing."""

    async def unmask(self, staff: StaffMember, case: str, label: str, reason: str) -> str:
        """Return who a label stands for."""

    async def ask_for_more(self, staff: StaffMember, case: str, reason: str) -> Case:
        """Ask a second person whether more may be asked for."""

    async def answer_more(
        self, staff: StaffMember, case: str, reason: str, *, approve: bool
    ) -> Case:
        """Answer that wish."""


class Decisions(Protocol):
    """What is done about a case (`readers.review.decisions.Decisions`)."""

    async def options(self, staff: StaffMember, case: str) -> Options:
        """Return what may be chosen."""

    async def preview(self, staff: StaffMember, case: str, choice: Choice) -> Decision:
        """Return a choice as the decision that it would be; nothing is kept."""

    async def proposal(self, staff: StaffMember, case: str) -> Proposal:
        """Return the choice that waits for a second person."""

    async def decide(self, staff: StaffMember, case: str, choice: Choice) -> Case:
        """Decide; SecondPersonError once the proposal is kept."""

    async def confirm(self, staff: StaffMember, case: str, proposal: str | None = None) -> Case:
        """Agree with a proposal."""

    async def refuse(self, staff: StaffMember, case: str, reason: str) -> Case:
        """Disagree with it."""

    async def undo(self, staff: StaffMember, case: str) -> Case:
        """Take one's own decision back."""

    async def reverse(self, staff: StaffMember, case: str, reason: str) -> Case:
        """End all that a wrong decision did."""


class Appeals(Protocol):
    """Decisions that somebody contests (`readers.review.appeals.Appeals`)."""

    async def waiting(self, staff: StaffMember) -> list[Contest]:
        """Return what waits for an answer."""

    async def look(self, staff: StaffMember, case: str) -> Contest:
        """Return one of them."""

    async def judge(self, staff: StaffMember, case: str, choice: Choice) -> Contest:
        """Keep one's own first judgement."""

    async def answer(self, staff: StaffMember, case: str, uphold: bool, reason: str) -> Case:
        """Uphold or overturn."""


class Silences(Protocol):
    """What an authority demands (`readers.review.silences.Silences`)."""

    async def demand(self, staff: StaffMember, case: str, until: int, order: str) -> Case:
        """Tell the subject nothing until then."""


class Referrals(Protocol):
    """Referral to an authority (`readers.review.referrals.Referrals`)."""

    async def of(self, staff: StaffMember, case_id: str) -> list[Referral]:
        """Return the referrals of a case."""

    async def propose(self, staff: StaffMember, case_id: str, request: ReferralRequest) -> Referral:
        """Keep a proposal for a second person."""

    async def confirm(self, staff: StaffMember, case_id: str) -> Referral:
        """Make the report that was proposed."""

    async def refuse(self, staff: StaffMember, case_id: str, reason: str) -> None:
        """Drop the proposal."""

    async def export(self, staff: StaffMember, case_id: str, referral: str, reason: str) -> Package:
        """Return the report and its files."""

    async def filed(self, staff: StaffMember, case_id: str, referral: str, report: int) -> None:
        """Note that it was filed by hand."""


class Records(Protocol):
    """The staff log and what happened (`readers.review.store.DeskStore`)."""

    async def case(self, id: str) -> Case | None:
        """Return a case."""

    async def events_after(self, number: int, limit: int) -> list[ModerationEvent]:
        """Return what happened behind a number."""

    async def staff_log(self, after: int, limit: int) -> Sequence[StaffEntry]:
        """Return lines of the staff log behind a number, each checked against its chain."""


class ReviewDesk(Protocol):
    """All of it, joined by hand in `apps/`."""

    @property
    def review(self) -> Review:
        """What the entity decided about reports."""

    @property
    def cases(self) -> Cases:
        """Queues and leases."""

    @property
    def reveals(self) -> Reveals:
        """Opening."""

    @property
    def decisions(self) -> Decisions:
        """Deciding."""

    @property
    def appeals(self) -> Appeals:
        """Contested decisions."""

    @property
    def silences(self) -> Silences:
        """What an authority demands."""

    @property
    def referrals(self) -> Referrals:
        """Referral to an authority."""

    @property
    def store(self) -> Records:
        """The staff log, and what happened."""
