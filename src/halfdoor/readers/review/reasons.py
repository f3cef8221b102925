"""The guideline tree as people see it: reasons in plain words, and who helps. Pure."""

from collections.abc import Sequence
from typing import Any, Final

from halfdoor.policy.review import Help, Reason, Review
from halfdoor.readers.review.errors import ReportRefusedError

_ANYWHERE: Final = "*"


def chosen_reason(review: Review, key: str | None) -> Reason:
    """Return the reason called *key*, or that of a report which names none.

    Raises `ReportRefusedError`.
    """
    found = review.reason(key if key is not None else review.intake.plain_reason)
    if found is None:
        raise ReportRefusedError(
            "There is no such reason: ask for the list of them."
            if key is not None
            else "A report needs a reason: ask for the list of them."
        )
    return found


def help_for(review: Review, kinds: Sequence[str], region: str | None) -> list[Help]:
    """Return the help lines of these *kinds* for somebody who lives in *region*.

    Of each kind those of the country, and where it has none those for anywhere.
    """
    found: list[Help] = []
    for kind in kinds:
        lines = [one for one in review.help if one.key == kind]
        own = [one for one in lines if one.region == region]
        found += own or [one for one in lines if one.region == _ANYWHERE]
    return found


def listed(review: Review, region: str | None) -> dict[str, Any]:
    """Return all reasons with their words and help, for somebody who lives in *region*.

    `help` beside them is everybody's: shown before, and without, filing anything (SAFETY §5.10).
    """
    every_kind = list(dict.fromkeys(line.key for line in review.help))
    return {
        "reasons": [
            {
                "key": one.key,
                "group": one.key.partition(".")[0],
                "title": one.title,
                "words": one.words,
                "danger": one.danger,
                "help": [_line(line) for line in help_for(review, one.help, region)],
            }
            for one in review.reasons
        ],
        "help": [_line(line) for line in help_for(review, every_kind, region)],
        "plain_reason": review.intake.plain_reason or None,
        "limits": {
            "events": review.intake.events,
            "context": review.intake.neighbours,
            "note_chars": review.intake.note_chars,
        },
    }


def _line(line: Help) -> dict[str, str]:
    return {"key": line.key, "title": line.title, "contact": line.contact}
