"""A case is read, judged and written as one step, however many people press at once."""

from collections.abc import Awaitable, Callable
from typing import Final, final

from halfdoor.readers.review.errors import StaleCaseError, UnknownCaseError
from halfdoor.readers.review.records import Case
from halfdoor.readers.review.store import DeskChange, DeskStore

# Reports that join the case move it on too; so many in a row while one person clicks are an attack.
_TRIES: Final = 8

Judge = Callable[[Case], Awaitable[DeskChange | None]]


async def found(store: DeskStore, id: str) -> Case:
    """Return the case *id*, else `UnknownCaseError`."""
    case = await store.case(id)
    if case is None:
        raise UnknownCaseError("There is no such case.")
    return case


@final
class CaseChanges:
    """Changes one case as its newest state allows; a case that moved on is judged anew."""

    def __init__(self, store: DeskStore) -> None:
        self._store = store

    async def change(self, id: str, judge: Judge) -> Case:
        """Return the case *id* after what *judge* makes of it; None from *judge* changes nothing.

        *judge* refuses by raising, and is asked again where somebody else was quicker, so that the
        slower one gets the refusal that the new state deserves. The first case of a change is the
        one returned. `StaleCaseError` only where it never stood still.
        """
        for _ in range(_TRIES):
            case = await found(self._store, id)
            change = await judge(case)
            if change is None:
                return case
            try:
                return (await self._store.commit(change))[0]
            except StaleCaseError:
                continue
        raise StaleCaseError("This case changes all the time: try again.")
