"""What taking a report asks of the rooms around: messages, keys, people, and what to tell them."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from halfdoor.readers.review.filing import Reportable, Reporter
from halfdoor.readers.review.records import Report
from halfdoor.readers.review.telling import Told
from halfdoor.safety.people import Person
from halfdoor.sealing.chain import Link
from halfdoor.sealing.envelope import EventFields
from halfdoor.sealing.suites import PublicKey


class Sights(Protocol):
    """What of conversations a reporter can see (messaging/reportable.py)."""

    async def seen(self, reporter: Reporter, room: str, events: Sequence[str]) -> list[Reportable]:
        """Return these events of *room* in this order, their epochs open in the keyring.

        Raises `UnseenError` where the reporter cannot see one of them.
        """

    async def counterpart(self, user: str, room: str) -> str | None:
        """Return whom a report of the whole *room* is about; None where there is nobody."""


class Witness(NamedTuple):
    """What a conversation itself holds of one of its events, also once its body is destroyed.

    `hh` is its epoch; `link` binds its place, id, sender, device, time, type and H(body).
    """

    hh: bytes
    link: Link


class StoredEvents(Protocol):
    """What conversations say of what was reported (the store)."""

    async def witness(self, room: str, seq: int) -> Witness | None:
        """Return what *room* holds at *seq*; None where retention has ended that day.

        `Denied` where there is no such event though nobody ended it, where its row does not open
        in its place, and where the chain from the beginning of its epoch to the last event does
        not hold. A course too long to be gone over while somebody waits is left to `halfdoor
        doctor --chains`.
        """


class ReporterKeys(Protocol):
    """The reporter's own session, which alone can hand over a key (readers/participants)."""

    def seal_for_case(
        self,
        session: str,
        user: str,
        hh: bytes,
        fields: EventFields,
        body: bytes,
        *,
        case: str,
        public: PublicKey,
    ) -> bytes:
        """Return the key of this one event, sealed to *case* for this reporter.

        `Denied` where the session has not the epoch *hh* open, or its key is not that of *body*.
        """


class ReportedFile(Protocol):
    """One file that a reported event names, its key open to the reporter's session."""

    @property
    def media_id(self) -> str:
        """Its id."""

    @property
    def digest(self) -> bytes:
        """SHA-256 of the sealed file."""

    @property
    def stored(self) -> int:
        """Length of the sealed file in bytes."""

    @property
    def facts(self) -> bytes:
        """Its name and type, sealed with its own key."""

    def seal(self, case: str, reporter: str, public: PublicKey) -> bytes:
        """Return its key sealed to *case* for this reporter."""


class ReportedFiles(Protocol):
    """The files of reported messages (messaging/reported_files.py)."""

    async def named(
        self, reporter: Reporter, message: Reportable, said: bytes | None
    ) -> Sequence[ReportedFile]:
        """Return the files that *message* names and the reporter's session has the keys of.

        *said* is the content (JSON) of an encrypted one, None where nobody disclosed it: then
        nobody can tell which files it names.
        """

    async def keep(self, case: str, file: ReportedFile, now: int) -> bool:
        """Copy the sealed *file* under *case*, durably, unless it lies there already.

        False where it is gone, or is not what was uploaded: the report is taken without it.
        """


class Facts(Protocol):
    """What is known of people."""

    async def person(self, user: str) -> Person:
        """Return what is known of *user*; an unknown age where nothing is."""


class Blocks(Protocol):
    """Whom people block."""

    async def block(self, user: str, peer: str, now: int) -> None:
        """Let *user* see nothing more of *peer*, who is not told."""


class Receipts(Protocol):
    """What is told to whoever filed a report (telling.py)."""

    async def receipt(self, report: Report) -> Told:
        """Return what belongs into the change that files *report*."""
