"""The values that fields of log entries may have, as closed lists and short patterns (SEALING §4).

A leaf is public for ever: no field holds free text.
"""

from typing import Annotated, Final, Literal

import msgspec

# What a leaf may be long, in bytes.
MOST_LEAF_BYTES: Final = 4096

# 32 bytes in base64 with padding (RFC 4648 §4): a hash, a commitment, a root.
Digest = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$")]
Signature = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9+/]+={0,2}$", max_length=4_096)]
Count = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
# A count that tells only the power of two at or above it (0 stays 0).
Rounded = Annotated[int, msgspec.Meta(ge=0, lt=2**53, description="0 or a power of two")]
# Days since 1970-01-01 UTC.
Day = Annotated[int, msgspec.Meta(ge=0, lt=2_932_897)]
Entity = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
# A word that policy defines: a category of reports, a kind of process, an outcome.
Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_.:-]{0,63}$")]
FileName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
# ISO 3166-1 alpha-2; ZZ where naming it would tell too much.
Jurisdiction = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$")]
Country = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$")]

Ground = Literal["authority-request", "authority-emergency", "user-recovery"]
AuthorityClass = Literal[
    "court",
    "prosecutor",
    "police",
    "regulator",
    "child-protection",
    "private-litigant",
    "account-holder",
    "none",
]
RefusalReason = Literal["scope", "form", "forged", "not-effective", "unreachable"]
Outcome = Literal["full", "partial", "none"]

UNNAMED: Final = "ZZ"


def rounded_up(count: int) -> int:
    """Return the power of two at or above *count*; 0 for 0."""
    return 1 << (count - 1).bit_length() if count > 0 else 0
