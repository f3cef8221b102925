"""What an entity decides about reports, cases, staff and measures; part of the policy's schema."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A section of a policy: a value that refuses keys it does not know."""


Key = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?\Z")]
Minutes = Annotated[int, Meta(ge=1, le=525_600)]


class Reason(Part, frozen=True):
    """One leaf of the guideline tree: what a person can report, and what follows."""

    key: Annotated[Key, Meta(description="Its name: group and leaf, such as harassment.targeted.")]
    title: Annotated[str, Meta(max_length=80, description="How it is called in a list.")]
    words: Annotated[
        str, Meta(max_length=300, description="What it means, in words a 13-year-old understands.")
    ]
    queue: Annotated[str, Meta(description="The queue its cases go to.")]
    rank: Annotated[int, Meta(ge=0, le=3, description="Severity: 0 is the worst, 3 the least.")]
    claim_minutes: Annotated[Minutes, Meta(description="Within which a case must be claimed.")]
    decide_minutes: Annotated[Minutes, Meta(description="Within which, once claimed, decided.")]
    child_safety: Annotated[
        bool, Meta(description="Whether it belongs to the vault: own queue, role and key.")
    ] = False
    danger: Annotated[
        bool, Meta(description="Whether somebody may be in danger: measures are never delayed.")
    ] = False
    category: Annotated[
        str, Meta(description="Category of the statement of reasons (DSA database).")
    ] = "STATEMENT_CATEGORY_OTHER_VIOLATION_TC"
    keyword: Annotated[str, Meta(description="Its keyword there.")] = "KEYWORD_OTHER"
    help: Annotated[
        tuple[str, ...], Meta(description="Which help lines are shown, by their keys in help.")
    ] = ()


class Help(Part, frozen=True):
    """A help line, shown before and after a report."""

    key: Annotated[str, Meta(description="Its name, which reasons refer to.")]
    region: Annotated[
        str,
        Meta(
            pattern=r"^(\*|[A-Z]{2})\Z",
            description="ISO 3166-1 code of two letters, or * for anywhere.",
        ),
    ]
    title: Annotated[str, Meta(max_length=120, description="Who answers.")]
    contact: Annotated[str, Meta(max_length=200, description="Number or address.")]


class Intake(Part, frozen=True):
    """How reports are taken."""

    neighbours: Annotated[
        int, Meta(ge=0, le=5, description="How many messages around may be ticked as context.")
    ] = 5
    events: Annotated[
        int, Meta(ge=1, le=200, description="How many messages one report may choose.")
    ] = 50
    note_chars: Annotated[
        int, Meta(ge=0, le=5000, description="How many characters a note may have.")
    ] = 2000
    per_hour: Annotated[
        int,
        Meta(ge=1, le=1000, description="Reports of one person within an hour; further ones wait."),
    ] = 20
    repeat_hours: Annotated[
        int,
        Meta(ge=1, le=720, description="For how long the same report again joins the first one."),
    ] = 24
    false_reports: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            description="After how many reports in a row that did not hold a person is warned, and"
            " theirs count less. None is dropped.",
        ),
    ] = 5
    least_weight_percent: Annotated[
        int,
        Meta(ge=5, le=100, description="The least that a report counts, in hundredths."),
    ] = 20
    plain_reason: Annotated[
        str,
        Meta(description="The reason of a report from an app that names none; empty: refused."),
    ] = ""


class Desk(Part, frozen=True):
    """How cases are worked on."""

    lease_minutes: Annotated[
        Minutes, Meta(description="How long a claim lasts without a sign.")
    ] = 10
    undo_seconds: Annotated[
        int, Meta(ge=0, le=60, description="Within which a decision may be taken back.")
    ] = 10
    appeal_days: Annotated[
        int, Meta(ge=180, le=3650, description="For how long a decision may be contested.")
    ] = 183
    appeal_decide_days: Annotated[
        int, Meta(ge=1, le=60, description="Within which an appeal is decided.")
    ] = 7
    jitter_hours: Annotated[
        int,
        Meta(
            ge=0,
            le=72,
            description="In a conversation of two, a measure begins at a random moment within so"
            " many hours, unless somebody is in danger: its hour must not name the reporter.",
        ),
    ] = 12
    freeze_days: Annotated[
        int,
        Meta(
            ge=365,
            le=3650,
            description="For how long a child-safety report keeps a conversation from deletion.",
        ),
    ] = 365


class Strikes(Part, frozen=True):
    """How long a strike counts, by severity."""

    days: Annotated[int, Meta(ge=1, le=3650, description="How long an ordinary one counts.")] = 90
    severe_days: Annotated[int, Meta(ge=1, le=3650, description="A severe one (rank 0 or 1).")] = (
        365
    )
    suspend_at: Annotated[
        int, Meta(ge=2, le=100, description="From so many on, the desk proposes to suspend.")
    ] = 3


class Wellness(Part, frozen=True):
    """What protects reviewers: mostly that less is shown to them."""

    reveals_a_day: Annotated[
        int, Meta(ge=1, le=10_000, description="Messages one person may reveal a day.")
    ] = 300
    severe_reveals_a_day: Annotated[
        int, Meta(ge=1, le=10_000, description="Of those, messages of cases of rank 0.")
    ] = 60
    severe_in_a_row: Annotated[
        int, Meta(ge=1, le=100, description="Then the next case is one of another queue.")
    ] = 3


Role = Literal["reviewer", "child_safety", "lead", "auditor", "admin"]


class Staff(Part, frozen=True):
    """Accounts of staff."""

    invite_hours: Annotated[
        int, Meta(ge=1, le=168, description="How long an invitation link works, once.")
    ] = 24
    session_minutes: Annotated[
        int, Meta(ge=5, le=720, description="After which one signs in anew.")
    ] = 480
    idle_minutes: Annotated[
        int, Meta(ge=1, le=120, description="After which, without a sign, one signs in anew.")
    ] = 20


class Queue(Part, frozen=True):
    """A queue, and which role works on it."""

    name: Annotated[str, Meta(description="Its name, which reasons refer to.")]
    title: Annotated[str, Meta(max_length=80, description="How it is called.")]
    role: Annotated[
        Role,
        Meta(
            description="Who may see and claim its cases; a lead always may,"
            " except those of the vault."
        ),
    ] = "reviewer"


Viewer = Literal["nobody", "child_safety"]


class VaultRegion(Part, frozen=True):
    """Who may view what lies in the vault, where the law of one place says something else."""

    region: Annotated[
        str, Meta(pattern=r"^[A-Z]{2}\Z", description="ISO 3166-1 code of two letters.")
    ]
    media: Annotated[Viewer, Meta(description="Who may view pictures, sound and video.")]
    text: Annotated[Viewer, Meta(description="Who may view what was written.")] = "child_safety"


class Vault(Part, frozen=True):
    """What holds for apparent sexual abuse of children, apart from all else (SAFETY §5.11)."""

    media: Annotated[
        Viewer,
        Meta(
            description="Who may view pictures, sound and video where no region says otherwise:"
            " nobody, or those with the role child_safety."
        ),
    ] = "nobody"
    text: Annotated[
        Viewer, Meta(description="Who may view what was written, where no region says otherwise.")
    ] = "child_safety"
    regions: Annotated[
        tuple[VaultRegion, ...],
        Meta(
            description="Exceptions by place. Of the place of the case and the place where the"
            " reviewer works the stricter one holds."
        ),
    ] = ()
    hold_days: Annotated[
        int,
        Meta(
            ge=365,
            le=3650,
            description="How long after the decision evidence and referrals are kept (18 USC"
            " 2258A(h): one year). Then they are destroyed, which the log proves.",
        ),
    ] = 365


class Review(Part, frozen=True):
    """Reports, cases, measures and staff."""

    intake: Annotated[Intake, Meta(description="How reports are taken.")] = Intake()
    desk: Annotated[Desk, Meta(description="How cases are worked on.")] = Desk()
    strikes: Annotated[Strikes, Meta(description="Strikes.")] = Strikes()
    wellness: Annotated[Wellness, Meta(description="The protection of reviewers.")] = Wellness()
    staff: Annotated[Staff, Meta(description="Accounts of staff.")] = Staff()
    queues: Annotated[tuple[Queue, ...], Meta(description="The queues that cases wait in.")] = ()
    reasons: Annotated[
        tuple[Reason, ...], Meta(description="What can be reported: the guideline tree.")
    ] = ()
    help: Annotated[tuple[Help, ...], Meta(description="Help lines, by country.")] = ()
    vault: Annotated[
        Vault, Meta(description="What holds for apparent sexual abuse of children.")
    ] = Vault()

    def reason(self, key: str) -> Reason | None:
        """Return the reason called *key*, None where there is none."""
        return next((one for one in self.reasons if one.key == key), None)

    def queue(self, name: str) -> Queue | None:
        """Return the queue called *name*, None where there is none."""
        return next((one for one in self.queues if one.name == name), None)
