"""What the number in front of every sealed row means (SEALING §2, outer layer)."""

from typing import Final

# Numbers below 128 are generations of the account key; 128 to 255 are keys of holds, half of them
# for redacted bodies and half for frozen conversations; from 256 on they are months since 1970.
ACCOUNTS: Final = range(128)
REDACTIONS: Final = range(128, 192)
FREEZES: Final = range(192, 256)
MONTHS: Final = range(256, 65_536)
_BYTES: Final = 2


def generation_of(sealed: bytes) -> int:
    """Return the generation that *sealed* names; nothing proves it but that the row opens."""
    return int.from_bytes(sealed[:_BYTES], "big")


def heads(generations: range) -> tuple[bytes, bytes]:
    """Return the first two bytes of rows under the first and under the last of *generations*."""
    return generations[0].to_bytes(_BYTES, "big"), generations[-1].to_bytes(_BYTES, "big")
