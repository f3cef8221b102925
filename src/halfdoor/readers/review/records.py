"""What the review desk keeps, as values: reports, cases, what happened, what people are told.

The store adds bucket, outer layer and mac (SEALING §2). Times are int ms since 1970. Ids are text:
`rep_…`, `case_…`, `evd_…`, `ntc_…`, with 22 characters of base64url behind. Structs that hold
evidence or words of a person show none of it.
"""

import enum

import msgspec


class Source(enum.Enum):
    """Who made a report (SAFETY, data model)."""

    USER = "user"
    GUARDIAN = "guardian"
    TRUSTED_FLAGGER = "trusted_flagger"
    PUBLIC = "public"


class CaseState(enum.Enum):
    """Where a case stands. Claimed, escalated and waiting ones are still to be decided."""

    OPEN = "open"
    CLAIMED = "claimed"
    ESCALATED = "escalated"
    SECOND = "second"
    DECIDED = "decided"
    CLOSED = "closed"


class CaseKind(enum.Enum):
    """What a case asks for: a judgement, or a new one by another person."""

    REPORT = "report"
    APPEAL = "appeal"
    COMPLAINT = "complaint"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What one person reported at one time. `reason` is a key of the policy's reasons.

    `room` is None for a report about a person. `weight` (0 to 1) says how much the reporter's
    earlier reports held; a light one is never dropped. `unverified` where what is told cannot be
    checked. `hidden` leaves no trace in what the account's screens show ("not safe at home").
    `guardian` stands for the one whom the reporter lets be told of it (`told_guardian.py`).
    """

    id: str
    case: str
    reporter: str
    subject: str
    at: int
    reason: str
    room: str | None = None
    source: Source = Source.USER
    events: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    note: str = ""
    language: str | None = None
    weight: float = 1.0
    unverified: bool = False
    blocked: bool = False
    hidden: bool = False
    guardian: bytes = b""
    receipt: bytes = b""

    def __repr__(self) -> str:
        return f"Report({self.id!r}, case={self.case!r}, reason={self.reason!r})"


class EvidenceFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file that a reported event names (SEALING §6); its sealed copy lies under the case.

    `key` is the file's key sealed to the case (`seal_case_media`), `digest` the SHA-256 and
    `stored` the length of the sealed file, `facts` its name and type, sealed with the file's key.
    """

    media_id: str
    key: bytes
    digest: bytes
    stored: int
    facts: bytes

    def __repr__(self) -> str:
        return f"EvidenceFile({self.media_id!r})"


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One reported event: its key sealed to the case, and a copy of what was stored (SEALING §6).

    `blob` is `seal_case(…)`, `body` the event's sealed body, `header` the epoch's canonical header
    (its hash is `hh`), `fields` the JSON of the event's clear fields (`EventFields`), `seq` and
    `chain` where it stood in the conversation. `context` marks a neighbour that was ticked.
    `redacted` tells that it was deleted for the people in the conversation. `disclosed` is what the
    reporter disclosed of an encrypted one, sealed to the case too (`seal_case_disclosure`);
    `files` are those that it names.
    """

    id: str
    report: str
    case: str
    reporter: str
    room: str
    event_id: str
    sender: str
    ts: int
    seq: int
    hh: bytes
    header: bytes
    fields: bytes
    body: bytes
    blob: bytes
    context: bool = False
    redacted: bool = False
    disclosed: bytes = b""
    files: tuple[EvidenceFile, ...] = ()

    def __repr__(self) -> str:
        return f"Evidence({self.id!r}, case={self.case!r}, event={self.event_id!r})"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A case as its events fold: what is known of it without opening anything.

    `rank` is the severity, 0 the worst. `due` is until when it is to be claimed, and once claimed
    decided. `posture` is that of the conversation it is about, where known: standard or e2ee.
    `holder` is the staff id that holds it until `lease_until`. `key_public` is the case's
    public key (`suite ‖ raw`); `key_sealed` its private key, which the store seals once more.
    `revision` goes up with every change: whoever decided on an older one is refused.
    """

    id: str
    kind: CaseKind
    subject: str
    reason: str
    queue: str
    rank: int
    state: CaseState
    opened: int
    due: int
    minor: bool = False
    child_safety: bool = False
    language: str | None = None
    region: str | None = None
    posture: str | None = None
    reports: int = 0
    victims: tuple[str, ...] = ()
    weight: float = 0.0
    holder: str | None = None
    lease_until: int = 0
    alarmed: bool = False
    decided_by: str | None = None
    decided_at: int | None = None
    origin: str | None = None
    merged_into: str | None = None
    key_public: bytes = b""
    key_sealed: bytes = b""
    revision: int = 0

    def __repr__(self) -> str:
        return f"Case({self.id!r}, {self.state.value}, queue={self.queue!r})"


class ModerationEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened in a case; never changed afterwards. `n` counts from 1 in each case.

    `kind` is a word such as reported, claimed, released, escalated, revealed, proposed, confirmed,
    decided, undone, reversed, appealed, closed, alarm; `actor` a staff id, a user id, or "" for the
    server. `detail` is JSON that belongs to the kind. `number` counts from 1 over all cases, in the
    order in which they became durable: who asks for all behind a number misses none.
    """

    case: str
    n: int
    at: int
    kind: str
    actor: str
    detail: bytes = b"{}"
    number: int = 0

    def __repr__(self) -> str:
        return f"ModerationEvent({self.case!r}, {self.n}, {self.kind!r})"


class StaffEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the staff log: who did what in which case, and why they said they did.

    `what` is a word such as reveal, unmask, claim, decide, sign_in; `about` names the evidence or
    person. The store numbers the lines and chains them: `chain` is SHA-256 over the chain before
    and this line, so that none can be changed or dropped unseen.
    """

    at: int
    staff: str
    what: str
    case: str | None = None
    about: str | None = None
    reason: str = ""
    n: int = 0
    chain: bytes = b""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What one person is told: a receipt, an outcome, a statement of reasons, an answer.

    `kind` is receipt, outcome, statement, appeal_outcome or warning. `body` is JSON for the API, of
    words already made plain. `show_at` holds it back until then (SAFETY §5.10). `hidden` ones show
    only where the reporter asks for them.
    """

    id: str
    user: str
    case: str
    kind: str
    at: int
    show_at: int
    body: bytes
    hidden: bool = False
    read: bool = False

    def __repr__(self) -> str:
        return f"Notice({self.id!r}, {self.kind!r})"


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Work that must follow a change, even where the server dies in between; done at least once."""

    id: str
    queue: str
    run_at: int
    payload: bytes

    def __repr__(self) -> str:
        return f"Task(queue={self.queue!r})"
