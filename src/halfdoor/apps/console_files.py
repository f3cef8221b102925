"""Tickets for reported files: a reveal gives one, and a browser fetches the file by it."""

import secrets
from typing import Final, Literal, NamedTuple, final

from halfdoor.clock import Clock
from halfdoor.readers.review.file_opening import RevealedFile

# As long as somebody looks at one thing; then it takes another reveal, and another line in the log.
LIVES_MS: Final = 300_000
# What browsers show as a picture, and what they play. SVG is a document, so it is not among them.
_IMAGES: Final = frozenset(
    {"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/apng"}
)
_VIDEO: Final = frozenset({"video/mp4", "video/webm", "video/ogg", "video/quicktime"})
_AUDIO: Final = frozenset(
    {
        "audio/mp4",
        "audio/webm",
        "audio/aac",
        "audio/mpeg",
        "audio/ogg",
        "audio/wav",
        "audio/flac",
    }
)


class _Ticket(NamedTuple):
    staff: str
    until: int
    file: RevealedFile


@final
class Tickets:
    """In memory and nowhere else: a restart ends every look."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tickets: dict[str, _Ticket] = {}

    def give(self, staff: str, file: RevealedFile) -> str:
        """Return a ticket by which *staff*, who just revealed *file*, may fetch it."""
        now = self._clock.now_ms()
        self._tickets = {name: one for name, one in self._tickets.items() if one.until > now}
        name = secrets.token_urlsafe(32)
        self._tickets[name] = _Ticket(staff, now + LIVES_MS, file)
        return name

    def file(self, staff: str, name: str) -> RevealedFile | None:
        """Return what *name* is good for; None once it is over, and for anybody else."""
        found = self._tickets.get(name)
        if found is None or found.staff != staff or found.until <= self._clock.now_ms():
            return None
        return found.file

    def __repr__(self) -> str:
        return f"Tickets({len(self._tickets)})"


def way_of(kind: str) -> Literal["image", "audio", "video", "none"]:
    """Return how a browser may show what its sender called *kind*."""
    if kind in _IMAGES:
        return "image"
    if kind in _VIDEO:
        return "video"
    return "audio" if kind in _AUDIO else "none"
