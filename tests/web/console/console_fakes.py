"""A review desk in memory for the console's tests: small, but it refuses what the real one does."""

import json
from base64 import b64decode
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from halfdoor.accounts.staff_errors import InvitationSpentError, SignInRefusedError
from halfdoor.accounts.staff_member import StaffMember
from halfdoor.policy.review import Queue, Reason, Review
from halfdoor.readers.review.case_view import CaseSummary
from halfdoor.readers.review.errors import (
    BreakError,
    HeldError,
    NotHeldError,
    RoleError,
    SecondPersonError,
    StaleCaseError,
    UnknownCaseError,
)
from halfdoor.readers.review.records import Case, CaseKind, CaseState
from halfdoor.web.console.house_values import (
    Account,
    BackupState,
    Circle,
    CustodyState,
    DrillState,
    Examination,
    Finding,
    Holder,
    HouseState,
    PolicyRow,
    PolicyState,
    ReleaseState,
)
from halfdoor.web.console.values import (
    Action,
    Backlog,
    Budget,
    CasePage,
    Choice,
    Contest,
    Figures,
    FileBytes,
    Filed,
    Filters,
    Health,
    Invite,
    Item,
    Letter,
    Member,
    Office,
    Passkey,
    Past,
    Person,
    Proposal,
    QueueView,
    Shown,
    ShownFile,
    Sitting,
    Spread,
    Team,
    Wish,
)

MINUTE = 60_000
NOW = 1_795_000_000_000
CANARY = "canary-words-of-a-message"

POLICY = Review(
    queues=(
        Queue(name="harassment", title="Harassment"),
        Queue(name="threats", title="Threats to life"),
        Queue(name="vault", title="Child safety", role="child_safety"),
    ),
    reasons=tuple(
        Reason(
            key=key,
            title=title,
            words=f"About {title.lower()}.",
            queue=queue,
            rank=rank,
            claim_minutes=60,
            decide_minutes=60,
        )
        for key, title, queue, rank in (
            ("harassment.targeted", "Targeted harassment", "harassment", 2),
            ("harassment.bullying", "Bullying", "harassment", 2),
            ("violence.threat", "Threat of violence", "threats", 0),
            ("scam.money", "Asking for money", "harassment", 3),
        )
    ),
)


def member(id: str, *roles: str, name: str | None = None) -> StaffMember:
    return StaffMember(id=id, name=name or id.title(), roles=frozenset(roles), place="DE")


RENE = member("rene", "reviewer")
SASHA = member("sasha", "reviewer")
LEA = member("lea", "lead", "reviewer")
ADA = member("ada", "admin")
AUDREY = member("audrey", "auditor")
EVERYBODY = (RENE, SASHA, LEA, ADA, AUDREY)


def summary(id: str, reason: str = "harassment.targeted", **more: object) -> CaseSummary:
    one = POLICY.reason(reason)
    assert one is not None
    due = NOW + 42 * MINUTE
    values = {
        "id": id,
        "kind": CaseKind.REPORT,
        "reason": reason,
        "queue": one.queue,
        "rank": one.rank,
        "state": CaseState.OPEN,
        "opened": NOW - 50 * MINUTE,
        "due": due,
        "left_ms": 0,
        "stage": "claim",
        "minor": False,
        "child_safety": False,
        "language": "en",
        "region": "DE",
        "reports": 1,
        "weight": 1.0,
        "held": False,
        "mine": False,
        "lease_until": 0,
        "revision": 1,
    }
    made = CaseSummary(**{**values, **more})  # type: ignore[arg-type]
    return replace(made, left_ms=made.due - NOW)


def case_id(name: str) -> str:
    return f"case_{name}".ljust(27, "0")


PLAIN, YOUNG, LATE, WAITS, CONTESTED = map(case_id, ("plain", "young", "late", "waits", "contest"))

# A picture of one pixel.
PIXEL = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)

MESSAGES = {
    "evd_1": Shown(
        id="evd_1",
        text=f"You should not have said that. {CANARY}",
        proven=True,
        because=("matches what was stored",),
    ),
    "evd_2": Shown(id="evd_2", text="See http://example.org/win now", proven=False),
    "evd_3": Shown(id="evd_3", text="Please look at this quickly, I am afraid.", proven=None),
}


@dataclass
class Held:
    summary: CaseSummary
    holder: str | None = None
    items: tuple[Item, ...] = ()
    unmasked: set[str] = field(default_factory=set)
    decided: Choice | None = None
    decided_by: str | None = None
    proposed_by: str | None = None
    judged: dict[str, Choice] = field(default_factory=dict)
    wish: Wish | None = None


@dataclass
class FakeDesk:
    """All of the desk's rooms in one: `rows` by case id, `done` the deeds in their order."""

    policy: Review = POLICY
    now: int = NOW
    done: list[tuple[str, ...]] = field(default_factory=list)
    shown: dict[str, Shown] = field(default_factory=lambda: dict(MESSAGES))
    spent: bool = False
    broken: bool = False
    team_size: int = 6
    opted: dict[str, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        items = (
            Item(id="evd_1", by="Person A", at=NOW - 90 * MINUTE),
            Item(id="evd_2", by="Person A", at=NOW - 80 * MINUTE, redacted=True),
            Item(id="evd_0", by="Person B", at=NOW - 85 * MINUTE, context=True),
            Item(id="evd_3", by="Person B", at=NOW - 70 * MINUTE, kind="note", unverified=True),
        )
        self.shown["evd_0"] = Shown(id="evd_0", text="Leave me alone, please.", proven=True)
        self.rows = {
            one.summary.id: one
            for one in (
                Held(
                    summary(LATE, "violence.threat", due=NOW - 8 * MINUTE, reports=3), items=items
                ),
                Held(summary(YOUNG, minor=True, due=NOW + 12 * MINUTE, language="de"), items=items),
                Held(summary(PLAIN), items=items),
                Held(
                    summary(case_id("money"), "scam.money", due=NOW + 3000 * MINUTE, language=None)
                ),
                Held(
                    summary(WAITS, "violence.threat", state=CaseState.SECOND),
                    items=items,
                    decided=Choice(
                        reason="violence.threat",
                        measures=("terminated",),
                        facts="Threatened twice with a named weapon.",
                    ),
                    proposed_by="rene",
                ),
                Held(
                    summary(CONTESTED, "harassment.bullying", kind=CaseKind.APPEAL),
                    decided=Choice(
                        reason="harassment.bullying",
                        measures=("no_media",),
                        days=7,
                        facts="original-reasons",
                    ),
                    decided_by="rene",
                ),
            )
        }

    @property
    def cases(self) -> "FakeCases":
        return FakeCases(self)

    @property
    def reveals(self) -> "FakeReveals":
        return FakeReveals(self)

    @property
    def decisions(self) -> "FakeDecisions":
        return FakeDecisions(self)

    @property
    def appeals(self) -> "FakeAppeals":
        return FakeAppeals(self)

    @property
    def wellness(self) -> "FakeWellness":
        return FakeWellness(self)

    @property
    def boards(self) -> "FakeBoards":
        return FakeBoards(self)

    @property
    def offices(self) -> "FakeOffices":
        return FakeOffices(self)

    @property
    def houses(self) -> "FakeHouses":
        return FakeHouses(self)

    def row(self, case: str) -> Held:
        if self.broken:
            raise RuntimeError(CANARY)
        found = self.rows.get(case)
        if found is None:
            raise UnknownCaseError("There is no such case.")
        return found

    def seen(self, row: Held, staff: StaffMember) -> CaseSummary:
        return replace(
            row.summary,
            held=row.holder is not None,
            mine=row.holder == staff.id,
            lease_until=self.now + 10 * MINUTE if row.holder else 0,
        )

    def check_held(self, row: Held, staff: StaffMember) -> None:
        if row.holder != staff.id:
            raise NotHeldError("Claim the case first.")

    def note(self, *deed: str) -> None:
        self.done.append(deed)

    def case(self, row: Held) -> Case:
        one = row.summary
        return Case(
            id=one.id,
            kind=one.kind,
            subject="@subject:example.org",
            reason=one.reason,
            queue=one.queue,
            rank=one.rank,
            state=one.state,
            opened=one.opened,
            due=one.due,
            holder=row.holder,
            lease_until=self.now + 10 * MINUTE,
        )


@dataclass
class FakeCases:
    desk: FakeDesk

    async def queue(self, staff: StaffMember, filters: Filters) -> QueueView:
        if self.desk.broken:
            raise RuntimeError(CANARY)
        states = {"second": CaseState.SECOND, "escalated": CaseState.ESCALATED}
        found = []
        for row in self.desk.rows.values():
            one = row.summary
            if filters.state == "mine":
                fits = row.holder == staff.id
            else:
                fits = one.state is states.get(filters.state, CaseState.OPEN)
            group = one.reason.partition(".")[0]
            fits = fits and filters.group in {None, group} and filters.minor in {None, one.minor}
            fits = fits and filters.language in {None, one.language}
            fits = fits and group not in self.desk.opted.get(staff.id, frozenset())
            if fits:
                found.append(self.desk.seen(row, staff))
        found.sort(key=lambda one: one.due)
        ids = [one.id for one in found]
        start = ids.index(filters.after) + 1 if filters.after in ids else 0
        return QueueView(cases=tuple(found[start : start + 50]), more=len(found) > start + 50)

    async def next(self, staff: StaffMember) -> Case | None:
        if self.desk.spent:
            raise BreakError("You have seen as much as one day may hold.")
        view = await self.queue(staff, Filters())
        return None if not view.cases else await self.claim(staff, view.cases[0].id)

    async def claim(self, staff: StaffMember, case: str) -> Case:
        row = self.desk.row(case)
        if row.holder not in {None, staff.id}:
            raise HeldError("Another person holds this case.")
        row.holder = staff.id
        self.desk.note("claim", staff.id, case)
        return self.desk.case(row)

    async def heartbeat(self, staff: StaffMember, case: str) -> Case:
        row = self.desk.row(case)
        self.desk.check_held(row, staff)
        self.desk.note("heartbeat", staff.id, case)
        return self.desk.case(row)

    async def release(self, staff: StaffMember, case: str) -> Case:
        row = self.desk.row(case)
        self.desk.check_held(row, staff)
        row.holder = None
        return self.desk.case(row)

    async def escalate(self, staff: StaffMember, case: str, reason: str, to: str = "lead") -> Case:
        row = self.desk.row(case)
        self.desk.check_held(row, staff)
        row.holder, row.summary = None, replace(row.summary, state=CaseState.ESCALATED)
        self.desk.note("escalate", case, reason, to)
        return self.desk.case(row)

    async def merge(self, staff: StaffMember, case: str, into: str, reason: str) -> Case:
        self.desk.check_held(self.desk.row(case), staff)
        del self.desk.rows[case]
        self.desk.note("merge", case, into, reason)
        return self.desk.case(self.desk.row(into))

    async def view(self, staff: StaffMember, case: str) -> CasePage:
        row = self.desk.row(case)
        one = self.desk.seen(row, staff)
        names = {label: self._name(label) for label in row.unmasked}
        return CasePage(
            case=one,
            people=(
                Person(
                    label="Person A",
                    part="is reported",
                    name=names.get("Person A"),
                    facts=("Account of 3 weeks", "First reported today"),
                ),
                Person(
                    label="Person B",
                    part="reports",
                    name=names.get("Person B"),
                    facts=("4 of 5 earlier reports held",),
                ),
            ),
            items=row.items,
            reports=(
                Filed(
                    id="rep_1",
                    by="Person B",
                    at=NOW - 60 * MINUTE,
                    reason=one.reason,
                    held="counts fully",
                    hidden=one.minor,
                ),
            ),
            measures=(Past(at=NOW - 9000 * MINUTE, what="warning", who="review"),),
            history=(
                Past(at=NOW - 60 * MINUTE, what="reported", who="Person B"),
                Past(at=NOW - 5 * MINUTE, what="claimed", who="rene"),
            ),
            duplicates=(self.desk.rows[PLAIN].summary,) if case == YOUNG else (),
            strikes=1,
            wish=row.wish and replace(row.wish, own=row.wish.by == staff.id),
            undo_until=NOW + 10_000 if row.decided_by == staff.id and case != CONTESTED else 0,
        )

    def _name(self, label: str) -> str:
        return {"Person A": "@subject:example.org", "Person B": "@reporter:example.org"}[label]


@dataclass
class FakeReveals:
    desk: FakeDesk

    async def reveal(self, staff: StaffMember, case: str, item: str, reason: str) -> Shown:
        row = self.desk.row(case)
        self.desk.check_held(row, staff)
        if self.desk.spent:
            raise BreakError("You have seen as much as one day may hold.")
        if item not in {one.id for one in row.items}:
            raise UnknownCaseError("This is not part of the case.")
        self.desk.note("reveal", staff.id, case, item, reason)
        return self.desk.shown[item]

    async def reveal_file(
        self, staff: StaffMember, case: str, item: str, number: int, reason: str
    ) -> ShownFile:
        self.desk.check_held(self.desk.row(case), staff)
        if number >= self.desk.shown[item].files:
            raise UnknownCaseError("There is no such file in this case.")
        self.desk.note("reveal_file", staff.id, case, item, str(number), reason)
        return ShownFile(ticket="ticket", type="image/png", size=len(PIXEL), way="image")

    async def fetch_file(self, staff: StaffMember, ticket: str) -> FileBytes | None:
        async def pieces() -> AsyncGenerator[bytes, None]:
            yield PIXEL

        return FileBytes("image/png", len(PIXEL), pieces()) if ticket == "ticket" else None

    async def unmask(self, staff: StaffMember, case: str, label: str, reason: str) -> Person:
        row = self.desk.row(case)
        self.desk.check_held(row, staff)
        row.unmasked.add(label)
        self.desk.note("unmask", staff.id, case, label, reason)
        page = await self.desk.cases.view(staff, case)
        return next(one for one in page.people if one.label == label)

    async def ask_for_more(self, staff: StaffMember, case: str, reason: str) -> None:
        self.desk.check_held(self.desk.row(case), staff)
        self.desk.row(case).wish = Wish(by=staff.id, at=NOW, reason=reason)

    async def answer_more(
        self, staff: StaffMember, case: str, reason: str, *, approve: bool
    ) -> None:
        wish = self.desk.row(case).wish
        if wish is None:
            raise UnknownCaseError("Nobody asks for more here.")
        if wish.by == staff.id:
            raise SecondPersonError("Another person answers.")
        self.desk.row(case).wish = None
        self.desk.note("more", case, wish.reason, reason, str(approve))


@dataclass
class FakeDecisions:
    desk: FakeDesk

    async def actions(self, _staff: StaffMember, case: str) -> Sequence[Action]:
        self.desk.row(case)
        return (
            Action(key="warning", title="Warn", words="They are told which rule it is about."),
            Action(
                key="remove_message", title="Remove messages", words="For everybody who had them."
            ),
            Action(
                key="no_new_conversations",
                title="No new conversations",
                words="Chats that exist go on.",
                timed=True,
            ),
            Action(key="no_media", title="No media", words="Words only.", timed=True),
            Action(
                key="no_minors",
                title="No contact with minors",
                words="Existing chats with minors are cut too.",
                timed=True,
            ),
            Action(key="label", title="Label", words="A mark for the desk alone."),
            Action(
                key="terminated",
                title="End the account",
                words="For good.",
                severe=True,
            ),
        )

    async def preview(self, _staff: StaffMember, case: str, choice: Choice) -> Sequence[Letter]:
        self.desk.row(case)
        letters = [
            Letter(
                to="Person B, who reported",
                title="We looked at your report",
                text="You were right to tell us. It breaks our rules, and we did something.",
                note="At once, in the app. Language for under 18.",
            )
        ]
        if choice.measures:
            days = f" for {choice.days} days" if choice.days else ""
            letters.append(
                Letter(
                    to="Person A, who was reported",
                    title="A decision about your account",
                    text=f"Measure: {', '.join(choice.measures)}{days}.\nYou can contest it.",
                    note="After a delay, so that the hour names nobody.",
                )
            )
        return letters

    async def decide(self, staff: StaffMember, case: str, choice: Choice) -> Case:
        row = self.desk.row(case)
        self.desk.check_held(row, staff)
        if choice.reports != row.summary.reports:
            raise StaleCaseError("Another report came in since you looked.")
        row.decided, row.holder = choice, None
        if "terminated" in choice.measures:
            row.proposed_by = staff.id
            row.summary = replace(row.summary, state=CaseState.SECOND)
            raise SecondPersonError("This needs a second person.")
        row.decided_by = staff.id
        row.summary = replace(row.summary, state=CaseState.DECIDED)
        self.desk.note("decide", case, *choice.measures)
        return self.desk.case(row)

    async def proposals(self, staff: StaffMember) -> Sequence[Proposal]:
        return [
            await self.proposal(staff, row.summary.id)
            for row in self.desk.rows.values()
            if row.proposed_by
        ]

    async def proposal(self, staff: StaffMember, case: str) -> Proposal:
        row = self.desk.row(case)
        if row.proposed_by is None or row.decided is None:
            raise UnknownCaseError("Nothing waits here.")
        return Proposal(
            id=f"prop-{case}",
            case=row.summary,
            choice=row.decided,
            done="End the account",
            by=row.proposed_by,
            at=NOW - MINUTE,
            own=row.proposed_by == staff.id,
        )

    async def confirm(self, staff: StaffMember, case: str, proposal: str | None = None) -> Case:
        row = self.desk.row(case)
        if proposal not in {None, f"prop-{case}"}:
            raise StaleCaseError("Another decision was proposed meanwhile.")
        if row.proposed_by == staff.id:
            raise SecondPersonError("Another person has to confirm it.")
        row.proposed_by = None
        row.summary = replace(row.summary, state=CaseState.DECIDED)
        self.desk.note("confirm", staff.id, case)
        return self.desk.case(row)

    async def refuse(self, staff: StaffMember, case: str, reason: str) -> Case:
        row = self.desk.row(case)
        row.proposed_by, row.decided = None, None
        self.desk.note("refuse", staff.id, case, reason)
        return self.desk.case(row)

    async def undo(self, staff: StaffMember, case: str) -> Case:
        row = self.desk.row(case)
        if row.proposed_by == staff.id:
            row.proposed_by = None
            self.desk.note("withdraw", case)
            return self.desk.case(row)
        if row.decided_by != staff.id or self.desk.now > NOW + 10_000:
            raise StaleCaseError("The time to take it back is over.")
        row.decided = row.decided_by = None
        row.summary = replace(row.summary, state=CaseState.OPEN)
        self.desk.note("undo", case)
        return self.desk.case(row)

    async def reverse(self, staff: StaffMember, case: str, reason: str) -> Case:
        self.desk.note("reverse", staff.id, case, reason)
        return self.desk.case(self.desk.row(case))


@dataclass
class FakeAppeals:
    desk: FakeDesk

    async def waiting(self, staff: StaffMember) -> Sequence[Contest]:
        return [await self.look(staff, CONTESTED)]

    async def look(self, staff: StaffMember, case: str) -> Contest:
        row = self.desk.row(case)
        if row.summary.kind is not CaseKind.APPEAL:
            raise UnknownCaseError("Nobody contests this.")
        judged = row.judged.get(staff.id)
        return Contest(
            case=self.desk.seen(row, staff),
            kind="appeal",
            at=NOW - 100 * MINUTE,
            by="Person A",
            words="I never wrote this to hurt anybody." if row.holder == staff.id else None,
            judged=None if judged is None else "Warn",
            original=row.decided if judged is not None else None,
            done="No media, 7 days",
            own=row.decided_by == staff.id,
        )

    async def judge(self, staff: StaffMember, case: str, choice: Choice) -> Contest:
        row = self.desk.row(case)
        if row.decided_by == staff.id:
            raise SecondPersonError("You decided this the first time.")
        self.desk.check_held(row, staff)
        row.judged[staff.id] = choice
        return await self.look(staff, case)

    async def answer(self, staff: StaffMember, case: str, uphold: bool, reason: str) -> Case:
        row = self.desk.row(case)
        if staff.id not in row.judged:
            raise StaleCaseError("Judge for yourself first.")
        self.desk.note("answer", case, str(uphold), reason)
        return self.desk.case(row)


@dataclass
class FakeWellness:
    desk: FakeDesk

    async def mine(self, staff: StaffMember) -> Health:
        return Health(
            budgets=(
                Budget(title="Messages revealed", used=211, most=300),
                Budget(title="Of the most severe cases", used=12, most=60),
            ),
            streak=2,
            longest=3,
            opted_out=self.desk.opted.get(staff.id, frozenset()),
        )

    async def opt_out(self, staff: StaffMember, groups: frozenset[str]) -> None:
        self.desk.opted[staff.id] = groups

    async def team(self, staff: StaffMember) -> Team | None:
        if not staff.may("lead"):
            raise RoleError("Only a lead sees the team.")
        return Team(people=self.desk.team_size, reveals=87.25, severe=6.5)


@dataclass
class FakeBoards:
    desk: FakeDesk

    async def figures(self, _staff: StaffMember) -> Figures:
        days = tuple(f"2026-11-{day:02}" for day in range(10, 24))
        opened = (31, 28, 45, 39, 22, 18, 35, 41, 52, 38, 33, 20, 17, 29)
        decided = (29, 30, 40, 41, 20, 15, 37, 42, 45, 44, 30, 22, 19, 21)
        return Figures(
            days=days,
            opened=opened,
            decided=decided,
            backlog=(
                Backlog(queue="vault", waiting=0, worked=1),
                Backlog(queue="threats", waiting=2, worked=3, oldest_due=NOW - 8 * MINUTE),
                Backlog(queue="harassment", waiting=61, worked=7, oldest_due=NOW + 12 * MINUTE),
            ),
            spread=(
                Spread(
                    rank=0,
                    cases=12,
                    claim_median=4.0,
                    claim_p90=11.0,
                    decide_median=31.0,
                    decide_p90=55.0,
                ),
                Spread(
                    rank=2,
                    cases=301,
                    claim_median=48.0,
                    claim_p90=200.0,
                    decide_median=64.0,
                    decide_p90=190.0,
                ),
                Spread(rank=3, cases=0),
            ),
        )


@dataclass
class FakeOffices:
    desk: FakeDesk

    async def office(self, _staff: StaffMember) -> Office:
        return Office(
            members=tuple(
                Member(
                    id=one.id,
                    name=one.name,
                    roles=tuple(sorted(one.roles)),
                    place=one.place,
                    sessions=1,
                    active=one is not SASHA,
                )
                for one in EVERYBODY
            ),
            invites=(
                Invite(id="inv_1", name="Noor", roles=("child_safety",), until=NOW + 900 * MINUTE),
            ),
            sessions=(
                Sitting(id="ses_1", name="Ada", since=NOW - 30 * MINUTE, seen=NOW, own=True),
                Sitting(id="ses_2", name="Rene", since=NOW - 90 * MINUTE, seen=NOW),
            ),
        )

    async def invite(self, staff: StaffMember, name: str, roles: frozenset[str], place: str) -> str:
        self.desk.note("invite", staff.id, name, ",".join(sorted(roles)), place)
        return "http://localhost/join/one-time-secret"

    async def end_session(self, _staff: StaffMember, session: str) -> None:
        self.desk.note("end_session", session)

    async def end_member(self, _staff: StaffMember, member: str) -> None:
        self.desk.note("end_member", member)


@dataclass
class FakeHouses:
    """A house in which something of everything is to be told."""

    desk: FakeDesk

    async def state(self, _staff: StaffMember) -> HouseState:
        holders = tuple(
            Holder(name=name, organisation=place, employer=place, inside=place == "example")
            for name, place in (("Imre", "example"), ("Sol", "example"), ("Mina", "Court <b>"))
        )
        return HouseState(
            policy=PolicyState(
                entity="example",
                digest="6f1c0ab27d" * 6 + "beef",
                file="/etc/halfdoor/policy.toml",
                own=(PolicyRow(key="retention.days", here="90", there="365"),),
                pending=(PolicyRow(key="review.desk.undo_seconds", here="10", there="<20>"),),
            ),
            release=ReleaseState(version="0.9", digest="ab" * 32, files=4, changed=("cli/up.py",)),
            custody=(
                CustodyState(
                    kind="escrow",
                    digest="cd" * 32,
                    circles=(Circle(needed=2, holders=holders),),
                    alone="example",
                ),
            ),
            backup=BackupState(
                folder="/mnt/" + "long/" * 20,
                number=7,
                made=NOW - 900 * MINUTE,
                store="sqlite",
                rows=12_345,
                size=67_800_000,
            ),
            drills=(
                DrillState(at=NOW - 800 * MINUTE, number=None, whole=False),
                DrillState(at=NOW - 900 * MINUTE, number=7, whole=True),
            ),
            examined=Examination(
                at=NOW - MINUTE,
                findings=(
                    Finding(title="staff log", result="ok", said="4,201 lines."),
                    Finding(title="TLS", result="advice", said="9 days are left.", todo="Renew."),
                    Finding(title="release", result="failed", said="1 file is another."),
                ),
                accounts=10_000,
                suspended=3,
                limited=1,
                many=True,
            ),
        )

    async def examine(self, staff: StaffMember) -> None:
        self.desk.note("examine", staff.id)

    async def look_up(self, staff: StaffMember, user: str) -> Account:
        self.desk.note("look_up", staff.id, user)
        return Account(
            user=user,
            known=user != "@nobody:example.org",
            created=NOW,
            suspended=True,
            limits=(("No media", NOW + 900 * MINUTE), ("No contact with minors", None)),
            devices=2,
            waiting=1,
        )


NEW_PASSKEY = {
    "challenge": "AAAA",
    "rp": {"id": "localhost", "name": "Halfdoor"},
    "user": {"id": "AAAB", "name": "Sasha", "displayName": "Sasha"},
    "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in (-7, -257)],
    "authenticatorSelection": {"residentKey": "required", "userVerification": "required"},
}


@dataclass
class Session:
    staff: StaffMember
    csrf: str
    demo: bool = False


@dataclass
class FakeGate:
    """Everybody's token is their id; a passkey's answer names who it is."""

    sessions: dict[str, Session] = field(
        default_factory=lambda: {one.id: Session(one, f"csrf-{one.id}") for one in EVERYBODY}
    )
    links: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    async def admit(self, token: str) -> Session | None:
        return self.sessions.get(token)

    async def begin(self) -> bytes:
        return b'{"challenge": "AAAA"}'

    async def finish(self, answer: bytes) -> str:
        credential = str(json.loads(answer).get("id"))
        who = self.keys.get(credential, credential)
        if who not in self.sessions:
            raise SignInRefusedError
        return who

    async def check_link(self, link: str) -> None:
        if link not in self.links:
            raise InvitationSpentError

    async def passkeys(self, staff: StaffMember) -> Sequence[Passkey]:
        mine = [key for key, who in self.keys.items() if who == staff.id]
        return [Passkey(name=key[:12], made=NOW, used=NOW) for key in mine]

    async def begin_adding(self, token: str) -> bytes:
        return json.dumps({**NEW_PASSKEY, "challenge": "AAAC", "for": token}).encode()

    async def finish_adding(self, token: str, answer: bytes) -> None:
        self.keys[str(json.loads(answer).get("id"))] = token

    async def begin_joining(self, link: str) -> bytes:
        if link not in self.links:
            raise InvitationSpentError
        return json.dumps(NEW_PASSKEY).encode()

    async def finish_joining(self, link: str, answer: bytes) -> str:
        if link not in self.links:
            raise InvitationSpentError
        who = self.links.pop(link)
        self.keys[str(json.loads(answer).get("id"))] = who
        return who

    async def demo(self, link: str) -> str:
        if link not in self.links:
            raise SignInRefusedError
        who = self.links.pop(link)
        self.sessions[who].demo = True
        return who

    async def leave(self, token: str) -> None:
        self.sessions.pop(token, None)
