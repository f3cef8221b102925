"""Numbers as C2SP writes them: ASCII decimal without leading zeroes."""

import re
from typing import Final

from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.proofs import MOST_LEAVES

_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


def parse(written: str, check: str) -> int:
    """Return the number, 0 to 2^63-1; `RefusedError` with *check* for any other text."""
    if _DECIMAL.fullmatch(written) is None or (number := int(written)) > MOST_LEAVES:
        raise RefusedError(check, "it is not a decimal number below 2^63")
    return number
