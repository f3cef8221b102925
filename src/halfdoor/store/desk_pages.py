"""Where a page of a queue begins, and what it leaves out. Pure."""

from typing import Any, Final

from halfdoor.readers.review.records import Case
from halfdoor.readers.review.store import QueuePage
from halfdoor.store.desk_rows import DeskRows

# Severity (0 where the page is not in its order), due, 0 for minors, id.
Place = tuple[int, int, int, str]

# Before every case.
FIRST: Final[Place] = (-1, -1, -1, "")


def page_key(case: Case, page: QueuePage) -> Place:
    """Return the place of *case* in the order of *page*."""
    return (case.rank if page.by_rank else 0, case.due, 0 if case.minor else 1, case.id)


def filters(rows: DeskRows, page: QueuePage) -> tuple[Any, ...]:
    """Return the values that columns must have, None for any: adult, reason, language."""
    return (
        None if page.minor is None else int(not page.minor),
        None if page.reason is None else rows.name("reason", page.reason),
        None if page.language is None else rows.name("language", page.language),
    )
