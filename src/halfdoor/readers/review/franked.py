"""What a franked message proves: its sender's commitment under the server's mark (SEALING §7)."""

from typing import Protocol

import msgspec

from halfdoor.readers.review.disclosures import Franking
from halfdoor.readers.review.megolm_evidence import Disclosed, Proof, Stored
from halfdoor.sealing.envelope import EventFields
from halfdoor.sealing.franking import check_frank, frank_commit, franking_month
from halfdoor.sealing.labels import Denied, H, same_bytes


class FrankingKeys(Protocol):
    """Where the keys of the marks lie, one for each month, until they are destroyed."""

    async def key(self, key_id: str) -> bytes | None:
        """Return the key called *key_id*, 32 bytes; None where it was destroyed or never was."""


def opened_by_franking(
    content: bytes, room: str, fields: EventFields, disclosure: Franking, key: bytes | None
) -> Disclosed:
    """Return what the sender committed to; *key* is that of the month, None once it is destroyed.

    Sender, device, room, id, time and ciphertext are those that were stored. `Denied` for another
    of any of them, another content, key id or mark, and a key of another length.
    """
    stored = Stored.of(content)
    if stored.commitment is None or disclosure.key_id != franking_month(fields.ts):
        raise Denied
    if key is None:
        c = frank_commit(disclosure.key, fields.sender, room, disclosure.type, disclosure.content)
    else:
        c = check_frank(
            key,
            disclosure.key_id,
            disclosure.tag,
            kf=disclosure.key,
            event_type=disclosure.type,
            content=disclosure.content,
            sender=fields.sender,
            device=fields.device,
            room=room,
            event_id=fields.event_id,
            ts=fields.ts,
            ct_hash=H(stored.ciphertext.encode()),
        )
    if not same_bytes(c, stored.commitment):
        raise Denied
    return Disclosed(
        type=disclosure.type,
        content=msgspec.json.encode(disclosure.content),
        proof=Proof.COMMITMENT if key is None else Proof.FRANKING,
    )
