"""What became of each grant, by the log alone: open, ended, told, overdue (SEALING §4–5)."""

from collections.abc import Iterator
from typing import Final

import msgspec

from halfdoor.transparency.entries import (
    AnyEntry,
    CloseEntry,
    ExtendEntry,
    GrantEntry,
    NoticeEntry,
    OpenEntry,
    RefusedEntry,
    RevokeEntry,
)
from halfdoor.transparency.findings import Finding, Gravity

_ABOUT: Final = RefusedEntry | OpenEntry | CloseEntry | RevokeEntry | NoticeEntry | ExtendEntry


class GrantCourse(msgspec.Struct):
    """A grant as far as the log tells: when people are told at the latest, and what happened."""

    index: int
    notify_by_day: int
    drill: bool
    revoked: bool = False
    told: bool = False


class Grants:
    """All grants by their commitment."""

    def __init__(self, known: dict[str, GrantCourse] | None = None) -> None:
        """Go on from *known*, which `state` returned."""
        self._known = dict(known or {})

    @property
    def state(self) -> dict[str, GrantCourse]:
        """All that is needed to go on later."""
        return self._known

    def add(self, index: int, entry: AnyEntry) -> Iterator[Finding]:
        """Take an entry of the log, and yield what is wrong with it."""
        if isinstance(entry, GrantEntry):
            if entry.grant_commit in self._known:
                yield Finding(
                    "grant-once", "a grant of this commitment was logged before", index=index
                )
                return
            course = GrantCourse(index, entry.notify_by_day, entry.drill)
            self._known[entry.grant_commit] = course
        elif isinstance(entry, _ABOUT):
            known = self._known.get(entry.grant_commit)
            if known is None:
                yield Finding(
                    "grant-known", "it is about a grant that was never logged", index=index
                )
                return
            yield from _follow(known, index, entry)

    def overdue(self, today: int) -> Iterator[Finding]:
        """Yield the grants whose people should have been told before *today* (day since 1970)."""
        for course in self._known.values():
            if not course.told and not course.drill and course.notify_by_day < today:
                yield Finding(
                    "notice-overdue",
                    f"the people concerned were to be told by day {course.notify_by_day}",
                    index=course.index,
                )


def _follow(course: GrantCourse, index: int, entry: AnyEntry) -> Iterator[Finding]:
    match entry:
        case RevokeEntry():
            course.revoked = True
        case NoticeEntry():
            course.told = True
        case ExtendEntry():
            if entry.notify_by_day < course.notify_by_day:
                words = "notice is put off to an earlier day"
                yield Finding("notice-extended", words, Gravity.WARNING, index)
            course.notify_by_day = entry.notify_by_day
        case OpenEntry() if course.revoked:
            yield Finding("grant-revoked", "a revoked grant was opened", index=index)
