"""The names of cases: two nodes that open a case about one person at once mean the same one.

The second of them is refused by the store, since that case is there already, looks again and joins
it. Nobody without the entity's secret can tell from a name whom a case is about.
"""

from typing import Final, final

from halfdoor.ids import base64url
from halfdoor.sealing.labels import enc, kdf, mac

_CHARS: Final = 22


@final
class CaseNames:
    """Makes the names of new cases from a secret of the entity."""

    __slots__ = ("_key",)

    def __init__(self, secret: bytes) -> None:
        """Derive the key from *secret*, 32 bytes, which serves another purpose too."""
        self._key = kdf(secret, enc("case-names"))

    def following(self, subject: str, queue: str, newest: str) -> str:
        """Return the name of the case about *subject* in *queue* that follows the case *newest*.

        *newest* is the newest case about them of any kind, "" before the first.
        """
        return (
            "case_" + base64url(mac(self._key, enc("case-name", subject, queue, newest)))[:_CHARS]
        )

    def __repr__(self) -> str:
        return "CaseNames(…)"
