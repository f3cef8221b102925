"""The values that pages show, and what forms choose. Times are int ms since 1970.

Nothing here holds a word that was reported but `Shown`, which one logged reveal returns, and the
words of a `Contest`, which are shown to whoever holds it.
"""

from collections.abc import AsyncGenerator
from typing import Literal

import msgspec

from halfdoor.readers.review.case_view import CaseSummary

State = Literal["open", "mine", "second", "escalated"]


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """What a reviewer narrows a queue to; None takes all. `after` is the last case of a page."""

    group: str | None = None
    language: str | None = None
    minor: bool | None = None
    posture: str | None = None
    state: State = "open"
    after: str | None = None


class QueueView(msgspec.Struct, frozen=True, kw_only=True):
    """One page of cases, in the order of the desk; `more` tells that others follow."""

    cases: tuple[CaseSummary, ...]
    more: bool = False


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody in a case: "Person A" until unmasked; then `name` is their user id."""

    label: str
    part: str
    name: str | None = None
    facts: tuple[str, ...] = ()


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be revealed; of itself it tells who and when, and nothing of what."""

    id: str
    by: str
    at: int
    kind: Literal["message", "note"] = "message"
    context: bool = False
    redacted: bool = False
    unverified: bool = False


class Filed(msgspec.Struct, frozen=True, kw_only=True):
    """One report of a case, without its note."""

    id: str
    by: str
    at: int
    reason: str
    source: str = "user"
    held: str = ""
    unverified: bool = False
    hidden: bool = False


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a history: when, what happened, and who did it."""

    at: int
    what: str
    who: str = ""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks to see more than was reported; another person answers."""

    by: str
    at: int
    reason: str
    own: bool = False


class CasePage(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a case without opening anything.

    `undo_until` is until when the asker may take back what they decided here, 0 for never.
    """

    case: CaseSummary
    people: tuple[Person, ...] = ()
    items: tuple[Item, ...] = ()
    reports: tuple[Filed, ...] = ()
    measures: tuple[Past, ...] = ()
    history: tuple[Past, ...] = ()
    duplicates: tuple[CaseSummary, ...] = ()
    strikes: int = 0
    wish: Wish | None = None
    undo_until: int = 0


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What one reveal opened. `proven` is None where nothing could be checked; `because` says why.

    `kind` is the event's type, `file` the name of an attachment as its sender gave it. `unproven`
    is what nothing proves although the message itself is proven. `files` is how many files of it
    can be opened, each by itself.
    """

    id: str
    text: str
    kind: str = "m.room.message"
    file: str | None = None
    proven: bool | None = None
    because: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    files: int = 0

    def __repr__(self) -> str:
        return f"Shown({self.id!r}, proven={self.proven})"


class ShownFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that one reveal opened: `ticket` fetches it for some minutes, for one person.

    `way` says how it may be shown: as a picture, as sound or video, or not at all.
    """

    ticket: str
    type: str
    size: int
    way: Literal["image", "audio", "video", "none"]

    def __repr__(self) -> str:
        return f"ShownFile({self.way}, {self.size} bytes)"


class FileBytes(msgspec.Struct, frozen=True):
    """What a ticket fetches: exactly `size` bytes of what its sender called `type`."""

    type: str
    size: int
    pieces: AsyncGenerator[bytes, None]

    def __repr__(self) -> str:
        return f"FileBytes({self.size})"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What a reviewer decides: the rule, what is done (nothing: the report did not hold), and why.

    `measures` are keys of the ladder. `days` is for those of them that last, `label` the name of a
    label, `items` the messages to remove. `reports` is how many there were when they looked.
    """

    reason: str
    measures: tuple[str, ...] = ()
    days: int | None = None
    label: str = ""
    items: tuple[str, ...] = ()
    facts: str = ""
    strike: bool = True
    refer: bool = False
    reports: int | None = None

    def __repr__(self) -> str:
        return f"Choice({self.reason!r}, {self.measures!r}, days={self.days})"


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One action of the ladder, as the form offers it. `severe` ones need a second person."""

    key: str
    title: str
    words: str
    timed: bool = False
    severe: bool = False


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One text that somebody will get, exactly as they will read it."""

    to: str
    title: str
    text: str
    note: str = ""


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that waits for a second person; `done` is what it does, in words.

    `id` is what is confirmed: another proposal that came since is another one.
    """

    id: str = ""
    case: CaseSummary
    choice: Choice
    done: str
    by: str
    at: int
    own: bool = False


class Contest(msgspec.Struct, frozen=True, kw_only=True):
    """An appeal or a complaint. `original` is there only once the asker judged for themselves.

    `done` is what the first decision did, in words.
    """

    case: CaseSummary
    kind: Literal["appeal", "complaint"]
    at: int
    by: str
    words: str | None = None
    judged: str | None = None
    original: Choice | None = None
    done: str = ""
    own: bool = False

    def __repr__(self) -> str:
        return f"Contest({self.case.id!r}, {self.kind!r})"


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """How much a person may still reveal today; shown to them, and to nobody else."""

    title: str
    used: int
    most: int


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What protects one person: budgets, how many severe cases came in a row, what is hidden."""

    budgets: tuple[Budget, ...]
    streak: int
    longest: int
    opted_out: frozenset[str]


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """Averages over at least five people; fewer have no averages, so there is no such value."""

    people: int
    reveals: float
    severe: float


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """How long cases of one severity took, in minutes; None where there were none."""

    rank: int
    cases: int
    claim_median: float | None = None
    claim_p90: float | None = None
    decide_median: float | None = None
    decide_p90: float | None = None


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """How many cases of a queue wait, and how many of them are past their time."""

    queue: str
    waiting: int
    worked: int
    oldest_due: int | None = None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The board: what came in each day, what waits, and how long it took."""

    days: tuple[str, ...]
    opened: tuple[int, ...]
    decided: tuple[int, ...]
    backlog: tuple[Backlog, ...]
    spread: tuple[Spread, ...]


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A member of staff as an administrator sees them: nothing of what they looked at."""

    id: str
    name: str
    roles: tuple[str, ...]
    place: str
    active: bool = True
    sessions: int = 0


class Sitting(msgspec.Struct, frozen=True, kw_only=True):
    """A session of staff: whose, and since when."""

    id: str
    name: str
    since: int
    seen: int
    own: bool = False


class Passkey(msgspec.Struct, frozen=True, kw_only=True):
    """One passkey of the asker's own: what lists call it, when it was made and last used."""

    name: str
    made: int
    used: int


class Invite(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation that was not used yet. Its link is shown once, when it is made."""

    id: str
    name: str
    roles: tuple[str, ...]
    until: int


class Office(msgspec.Struct, frozen=True, kw_only=True):
    """The accounts of staff, as an administrator works with them."""

    members: tuple[Member, ...]
    invites: tuple[Invite, ...]
    sessions: tuple[Sitting, ...]
