"""How what is said of a person is laid over what was known. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from halfdoor.accounts.records import MeasureRecord, PersonRecord

MEASURES = "measures"


def laid_over(before: PersonRecord, said: Mapping[str, object]) -> PersonRecord:
    """Return *before* with the fields that were *said*; measures join those that are there.

    The names come from callers of our own; a value is what the record takes.
    """
    changed: dict[str, Any] = dict(said)
    if MEASURES in changed:
        changed[MEASURES] = joined(before.measures, changed[MEASURES])
    return replace(before, **changed)


def joined(
    before: Iterable[MeasureRecord], new: Iterable[MeasureRecord]
) -> tuple[MeasureRecord, ...]:
    """Return both sets as one, each measure once; one that is reversed in either stays so.

    What came first, or came twice, makes no difference: whoever decided, and then crashed, may say
    it again, and a reversal that overtakes what it reverses still wins.
    """
    found: dict[str, MeasureRecord] = {}
    for one in (*before, *new):
        known = found.get(one.id)
        if known is None or (one.reversed is not None and _earlier(one, known)):
            found[one.id] = one
    return tuple(found[name] for name in sorted(found))


def _earlier(one: MeasureRecord, known: MeasureRecord) -> bool:
    """Tell whether *one* was reversed before *known* was."""
    return known.reversed is None or (one.reversed is not None and one.reversed < known.reversed)
