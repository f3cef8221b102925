"""`org.halfdoor.evidence`: what proves an encrypted message, beside its report (MATRIX §4)."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from halfdoor.readers.review.disclosures import Disclosure
from halfdoor.web.errors import InvalidParamError

MOST_EVIDENCE: Final = 200
_MAX_ID: Final = 255
# What a client in good faith might call a file that it sends along.
_FILES: Final = frozenset({"data", "file", "image", "media", "thumbnail", "uri", "url", "video"})


def disclosed(given: Sequence[dict[str, Any]]) -> tuple[tuple[str, Disclosure], ...]:
    """Return *given* by event id; `InvalidParamError` names what is wrong with the first bad one.

    A file is refused whoever sends it: nobody must ever send such a picture again to report it, and
    least of all somebody under age (SAFETY §5.11).
    """
    return tuple(_one(number, dict(each)) for number, each in enumerate(given))


def _one(number: int, given: dict[str, Any]) -> tuple[str, Disclosure]:
    where = f"org.halfdoor.evidence[{number}]"
    if not _FILES.isdisjoint(given):
        raise InvalidParamError(
            where, "is a file. Never send a picture with a report: a hash of it or a key is enough"
        )
    event_id = given.pop("event_id", None)
    if not isinstance(event_id, str) or not 0 < len(event_id) <= _MAX_ID:
        raise InvalidParamError(f"{where}.event_id", "is not the id of a message")
    try:
        return event_id, msgspec.convert(given, Disclosure)
    except msgspec.ValidationError as wrong:
        raise InvalidParamError(where, f"is not evidence: {wrong}") from None
