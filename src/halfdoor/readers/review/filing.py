"""What a person hands over when they report, and what of a conversation can be handed over."""

import msgspec

from halfdoor.readers.review.disclosures import Disclosure
from halfdoor.readers.review.records import Report, Source
from halfdoor.sealing.envelope import EventFields, is_clear


class Reporter(msgspec.Struct, frozen=True):
    """Who reports. `session` names their keyring; None for a request that can open nothing."""

    user: str
    device: str
    session: str | None


class Filing(msgspec.Struct, frozen=True, kw_only=True):
    """A report as it is asked for, before anything of it was checked.

    `subject` is whom it is about where it is about a person; `room` where the events lie, or the
    conversation that is reported as such. `events` are chosen messages, `context` ticked
    neighbours. `reason` is a key of the policy, None from an app that names none. `tell_guardian`
    lets the reporter's guardian be told of this one report. `disclosures` are what is disclosed of
    encrypted ones of both, by event id.
    """

    subject: str | None = None
    room: str | None = None
    events: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    reason: str | None = None
    note: str = ""
    language: str | None = None
    block: bool = False
    hidden: bool = False
    tell_guardian: bool = False
    source: Source = Source.USER
    disclosures: tuple[tuple[str, Disclosure], ...] = ()

    def __repr__(self) -> str:
        return f"Filing(events={len(self.events)}, context={len(self.context)})"


class Reportable(msgspec.Struct, frozen=True, kw_only=True):
    """One event that its reader may report: a copy of what is stored, which opens nothing.

    `header` is the canonical header of its epoch and `hh` its hash. `ciphertext` is the content of
    an event in a conversation whose words the server never had, None everywhere else.
    """

    room: str
    seq: int
    hh: bytes
    header: bytes
    fields: EventFields
    body: bytes
    redacted: bool = False
    ciphertext: bytes | None = None

    @property
    def has_key(self) -> bool:
        """Whether there is a key to hand over: state that the server acts on has none."""
        return not is_clear(self.body)

    def __repr__(self) -> str:
        return f"Reportable({self.fields.event_id!r})"


class Filed(msgspec.Struct, frozen=True, kw_only=True):
    """A report that was taken; `repeat` where it joined an earlier one that said the same."""

    report: Report
    repeat: bool = False
