"""What a check of `halfdoor doctor` says."""

from typing import Literal

import msgspec

Result = Literal["ok", "advice", "failed"]


class Check(msgspec.Struct, frozen=True, omit_defaults=True):
    """One check: its *name*, its *result*, what was *found*, and what *todo* where that helps.

    `advice` is nothing broken, but something its owner ought to know or do.
    """

    name: str
    result: Result
    found: str
    todo: str = ""
