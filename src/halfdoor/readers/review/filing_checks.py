"""What a report must be before anybody is asked about it: numbers, lengths, characters. Pure."""

import re
import unicodedata
from typing import Final

from msgspec.structs import replace

from halfdoor.ids import is_room_id, is_user_id
from halfdoor.policy.review import Intake
from halfdoor.readers.review.errors import ReportRefusedError
from halfdoor.readers.review.filing import Filing

_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_MOST_ID_BYTES: Final = 255
_REPLACED: Final = "\N{REPLACEMENT CHARACTER}"
# Format characters that turn the direction of text around: they can make a note read otherwise.
_TURNING: Final = frozenset(
    "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c"
)


def checked(filing: Filing, intake: Intake) -> Filing:
    """Return *filing* with its note made harmless and each event once.

    Raises `ReportRefusedError`, which says what is wrong and what would do.
    """
    events = tuple(dict.fromkeys(filing.events))
    context = tuple(one for one in dict.fromkeys(filing.context) if one not in events)
    _check_number(len(events), intake.events, "messages")
    _check_number(len(context), intake.neighbours, "messages around them")
    if context and not events:
        raise ReportRefusedError("Messages around need a message that they are around.")
    if filing.subject is None and filing.room is None:
        raise ReportRefusedError("A report is about a person, a conversation or messages.")
    if filing.subject is not None and not is_user_id(filing.subject):
        raise ReportRefusedError("That is not the id of a person.")
    if filing.room is not None and not is_room_id(filing.room):
        raise ReportRefusedError("That is not the id of a conversation.")
    if events and filing.room is None:
        raise ReportRefusedError("Messages are reported with the conversation that they are in.")
    if any(not one or len(one) > _MOST_ID_BYTES for one in (*events, *context)):
        raise ReportRefusedError("That is not the id of a message.")
    if filing.language is not None and _LANGUAGE.fullmatch(filing.language) is None:
        raise ReportRefusedError("The language is not a language tag such as en or pt-BR.")
    note = harmless(filing.note)
    if len(note) > intake.note_chars:
        raise ReportRefusedError(f"A note may have {intake.note_chars} characters.")
    return replace(filing, events=events, context=context, note=note)


def harmless(note: str) -> str:
    """Return *note* with each character that is none to read replaced, so that no report is lost.

    Line breaks and tabs stay. Markup stays too: it is shown as it was typed.
    """
    text = note.replace("\r\n", "\n").replace("\r", "\n").strip()
    return "".join(_REPLACED if _is_unreadable(char) else char for char in text)


def _is_unreadable(char: str) -> bool:
    if char in "\n\t":
        return False
    # Controls, and halves of surrogate pairs, which no store could write.
    return unicodedata.category(char) in {"Cc", "Cs"} or char in _TURNING


def _check_number(number: int, most: int, what: str) -> None:
    if number > most:
        raise ReportRefusedError(f"One report takes {most} {what}, and these are {number}.")
