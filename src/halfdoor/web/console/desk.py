"""What the console asks of the review rooms: one Protocol for each of them.

Every method refuses with an error of `readers/review/errors.py`. Times are int ms since 1970.
"""

from collections.abc import Sequence
from typing import Protocol

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.policy.review import Review
from halfdoor.readers.review.records import Case
from halfdoor.web.console.house_values import Account, HouseState
from halfdoor.web.console.values import (
    Action,
    CasePage,
    Choice,
    Contest,
    Figures,
    FileBytes,
    Filters,
    Health,
    Letter,
    Office,
    Passkey,
    Person,
    Proposal,
    QueueView,
    Shown,
    ShownFile,
    Team,
)


class SignedIn(Protocol):
    """A session of staff for the length of one request."""

    @property
    def staff(self) -> StaffMember:
        """Who it is."""

    @property
    def csrf(self) -> str:
        """The word that every form of this session repeats."""

    @property
    def demo(self) -> bool:
        """Whether they came by a demo link."""


class StaffGate(Protocol):
    """Sessions, passkeys and links of staff."""

    async def admit(self, token: str) -> SignedIn | None:
        """The session of a cookie's *token*; None where there is none, or it has ended."""

    async def begin(self) -> bytes:
        """Options for `navigator.credentials.get`, as JSON (WebAuthn §5.10.8)."""

    async def finish(self, answer: bytes) -> str:
        """The token of a new session, for the browser's *answer*; RoleError where it is wrong."""

    async def check_link(self, link: str) -> None:
        """Refuse a *link* that was used or is too old, without using it; InvitationSpentError."""

    async def begin_joining(self, link: str) -> bytes:
        """Options for `navigator.credentials.create`; UnknownCaseError for a link that is over."""

    async def finish_joining(self, link: str, answer: bytes) -> str:
        """The token of the first session of whoever was invited."""

    async def demo(self, link: str) -> str:
        """The token of a session by a one-time demo link."""

    async def passkeys(self, staff: StaffMember) -> Sequence[Passkey]:
        """The passkeys of *staff*, which are their own."""

    async def begin_adding(self, token: str) -> bytes:
        """Options for a further passkey of whoever the session *token* is."""

    async def finish_adding(self, token: str, answer: bytes) -> None:
        """Keep what the browser made; RoleError where it is wrong."""

    async def leave(self, token: str) -> None:
        """End the session of *token*."""


class Cases(Protocol):
    """Queues, leases, and what is known of a case without opening it."""

    async def queue(self, staff: StaffMember, filters: Filters) -> QueueView:
        """One page of the cases *staff* may see."""

    async def next(self, staff: StaffMember) -> Case | None:
        """Claim the case that should be next for *staff*; None where none waits."""

    async def claim(self, staff: StaffMember, case: str) -> Case:
        """Hold *case*, or hold it longer."""

    async def heartbeat(self, staff: StaffMember, case: str) -> Case:
        """Keep the lease while somebody looks."""

    async def release(self, staff: StaffMember, case: str) -> Case:
        """Give *case* back."""

    async def escalate(self, staff: StaffMember, case: str, reason: str, to: str = "lead") -> Case:
        """Hand *case* to a lead, or *to* `child_safety`."""

    async def merge(self, staff: StaffMember, case: str, into: str, reason: str) -> Case:
        """Put *case* into another one about the same person."""

    async def view(self, staff: StaffMember, case: str) -> CasePage:
        """What is known of *case*."""


class Reveals(Protocol):
    """Opens one thing at a time; the log has it first."""

    async def reveal(self, staff: StaffMember, case: str, item: str, reason: str) -> Shown:
        """Open *item* of *case*."""

    async def reveal_file(
        self, staff: StaffMember, case: str, item: str, number: int, reason: str
    ) -> ShownFile:
        """Open file *number* of *item*, another reveal."""

    async def fetch_file(self, staff: StaffMember, ticket: str) -> FileBytes | None:
        """Return the bytes that *ticket* is for; None once it is over, or for somebody else."""

    async def unmask(self, staff: StaffMember, case: str, label: str, reason: str) -> Person:
        """Say who a label stands for."""

    async def ask_for_more(self, staff: StaffMember, case: str, reason: str) -> None:
        """Ask a second person whether more may be seen than was reported."""

    async def answer_more(
        self, staff: StaffMember, case: str, reason: str, *, approve: bool
    ) -> object:
        """Answer that wish; SecondPersonError for whoever asked."""


class Decisions(Protocol):
    """What is done about a case."""

    async def actions(self, staff: StaffMember, case: str) -> Sequence[Action]:
        """What may be chosen."""

    async def preview(self, staff: StaffMember, case: str, choice: Choice) -> Sequence[Letter]:
        """Every text that people would get."""

    async def decide(self, staff: StaffMember, case: str, choice: Choice) -> Case:
        """Decide; SecondPersonError once the proposal is kept."""

    async def proposals(self, staff: StaffMember) -> Sequence[Proposal]:
        """What waits for a second person."""

    async def proposal(self, staff: StaffMember, case: str) -> Proposal:
        """One of them; UnknownCaseError where there is none."""

    async def confirm(self, staff: StaffMember, case: str, proposal: str | None = None) -> Case:
        """Agree with the *proposal* that was looked at; StaleCaseError where it is another now."""

    async def refuse(self, staff: StaffMember, case: str, reason: str) -> Case:
        """Disagree with it: the case is open again."""

    async def undo(self, staff: StaffMember, case: str) -> Case:
        """Take one's own decision back, within the policy's seconds."""

    async def reverse(self, staff: StaffMember, case: str, reason: str) -> Case:
        """Undo all of a decision that was wrong."""


class Appeals(Protocol):
    """Decisions that somebody contests."""

    async def waiting(self, staff: StaffMember) -> Sequence[Contest]:
        """What waits for somebody who did not decide it."""

    async def look(self, staff: StaffMember, case: str) -> Contest:
        """One of them."""

    async def judge(self, staff: StaffMember, case: str, choice: Choice) -> Contest:
        """Keep one's own first judgement; the original reasons are shown from then on."""

    async def answer(self, staff: StaffMember, case: str, uphold: bool, reason: str) -> Case:
        """Uphold or overturn."""


class Wellness(Protocol):
    """The protection of reviewers."""

    async def mine(self, staff: StaffMember) -> Health:
        """What *staff* themselves may know."""

    async def opt_out(self, staff: StaffMember, groups: frozenset[str]) -> None:
        """Hide the cases of these groups of reasons from *staff*, at once."""

    async def team(self, staff: StaffMember) -> Team | None:
        """Averages; None for fewer than five people."""


class Boards(Protocol):
    """Numbers over all cases."""

    async def figures(self, staff: StaffMember) -> Figures:
        """The last fourteen days."""


class Offices(Protocol):
    """Accounts of staff."""

    async def office(self, staff: StaffMember) -> Office:
        """Accounts, invitations and sessions."""

    async def invite(self, staff: StaffMember, name: str, roles: frozenset[str], place: str) -> str:
        """Invite somebody; returns the link, once."""

    async def end_session(self, staff: StaffMember, session: str) -> None:
        """End one session."""

    async def end_member(self, staff: StaffMember, member: str) -> None:
        """End an account of staff and all its sessions."""


class Houses(Protocol):
    """The state of the house that the console stands in."""

    async def state(self, staff: StaffMember) -> HouseState:
        """Policy, release, custodians, backups, and what the doctor last found."""

    async def examine(self, staff: StaffMember) -> None:
        """Ask the doctor."""

    async def look_up(self, staff: StaffMember, user: str) -> Account:
        """How one account stands, found by its whole id."""


class Desk(Protocol):
    """All of it, joined by hand in `apps/`."""

    @property
    def policy(self) -> Review:
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
    def wellness(self) -> Wellness:
        """Budgets."""

    @property
    def boards(self) -> Boards:
        """Numbers."""

    @property
    def offices(self) -> Offices:
        """Accounts of staff."""

    @property
    def houses(self) -> Houses:
        """The state of the house."""
