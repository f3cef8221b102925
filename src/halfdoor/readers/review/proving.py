"""Whether what somebody discloses of an encrypted message is true, asked when it is reported.

It is asked again at each reveal, of what was stored: the case trusts nothing that was found here.
"""

from collections.abc import Sequence
from typing import Final, final

from halfdoor.readers.review.disclosures import Disclosure, FileHash, Franking
from halfdoor.readers.review.errors import ReportRefusedError
from halfdoor.readers.review.filing import Reportable
from halfdoor.readers.review.franked import FrankingKeys, opened_by_franking
from halfdoor.readers.review.megolm_evidence import Disclosed, opened_by_key
from halfdoor.sealing.envelope import EventFields
from halfdoor.sealing.labels import Denied

_HASH_BYTES: Final = 32


@final
class Proofs:
    """Opens one encrypted message by what was disclosed of it, and nothing beside it."""

    def __init__(self, keys: FrankingKeys | None = None) -> None:
        """*keys* are those of this server's marks; without them commitments stand alone."""
        self._keys = keys

    async def opened(
        self, content: bytes, room: str, fields: EventFields, disclosures: Sequence[Disclosure]
    ) -> Disclosed | None:
        """Return what an event of *room* with the stored *content* said.

        None where only a hash was handed over, which opens nothing; `Denied` where what was
        disclosed is not of this message.
        """
        for one in disclosures:
            if isinstance(one, Franking):
                key = await self._keys.key(one.key_id) if self._keys is not None else None
                return opened_by_franking(content, room, fields, one, key)
            if not isinstance(one, FileHash):
                return opened_by_key(content, room, one)
        return None

    async def check(
        self, reported: Sequence[Reportable], disclosures: Sequence[tuple[str, Disclosure]]
    ) -> dict[str, bytes]:
        """Refuse what is disclosed of other messages than those *reported*, or is not true.

        Returns what those said (the JSON of their content) by event id, for the length of the
        request: which files they name is not to be seen otherwise. Raises `ReportRefusedError`,
        which says what would do.
        """
        opened: dict[str, bytes] = {}
        known = {one.fields.event_id: one for one in reported}
        for event_id in dict.fromkeys(event_id for event_id, _ in disclosures):
            message = known.get(event_id)
            if message is None:
                raise ReportRefusedError("Evidence is of a message that is reported with it.")
            if message.ciphertext is None:
                raise ReportRefusedError(
                    "That message is not encrypted end to end: report it without evidence."
                )
            given = [one for name, one in disclosures if name == event_id]
            _check_shape(given)
            try:
                said = await self.opened(message.ciphertext, message.room, message.fields, given)
            except Denied:
                raise ReportRefusedError(
                    "The evidence does not belong to that message. Report the message with its own"
                    " evidence, or without any."
                ) from None
            if said is not None:
                opened[event_id] = said.content
        return opened


def _check_shape(given: Sequence[Disclosure]) -> None:
    hashes = [one for one in given if isinstance(one, FileHash)]
    if len(given) - len(hashes) > 1 or len(hashes) > 1:
        raise ReportRefusedError("One message takes one piece of evidence, and one hash of a file.")
    if any(len(one.sha256) != _HASH_BYTES for one in hashes):
        raise ReportRefusedError("The hash of a file is SHA-256: 32 bytes.")


def proven(disclosures: Sequence[tuple[str, Disclosure]]) -> frozenset[str]:
    """Return the events of which something is disclosed that proves what they said."""
    return frozenset(name for name, one in disclosures if not isinstance(one, FileHash))
