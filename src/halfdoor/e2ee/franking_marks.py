"""The server's mark on messages whose senders committed to them (SEALING §7).

A mark is made when an event is shown, from what is stored and the key of its month: so no send is
slower for it, and nothing more is kept. 180 days after a month its key is destroyed.
"""

from typing import Final, Protocol, final

import msgspec

from halfdoor.clock import Clock
from halfdoor.sealing.envelope import EventFields
from halfdoor.sealing.franking import frank_tag, franking_month
from halfdoor.sealing.labels import H, b64

COMMITMENT: Final = "org.halfdoor.franking.commitment"
KEPT_DAYS: Final = 180
_KEPT_MS: Final = KEPT_DAYS * 86_400_000
_COMMITMENT_BYTES: Final = 32
_NAME: Final = COMMITMENT.encode()


class FrankingKeyStore(Protocol):
    """Where the keys of the marks lie, by month; durable before it returns."""

    async def franking_key(self, month: str) -> bytes | None:
        """Return the key of *month* (2026-11), None where there is none."""

    async def make_franking_key(self, month: str) -> bytes:
        """Return the key of *month*, 32 random bytes, made if it is not there; all nodes agree."""

    async def destroy_franking_keys(self, before: str) -> int:
        """Destroy the keys of all months before that one; return how many there were."""


class Mark(msgspec.Struct, frozen=True):
    """What stands in `unsigned` as `org.halfdoor.franking`: base64 of C and T, and the key's name.

    C is there again for clients that drop what stands beside a ciphertext.
    """

    commitment: str
    key_id: str
    tag: str


class _Committed(msgspec.Struct, frozen=True):
    ciphertext: str
    commitment: bytes = msgspec.field(name=COMMITMENT)


@final
class FrankingMarks:
    """Marks what was committed to; keeps in memory the keys that it used."""

    def __init__(self, store: FrankingKeyStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._keys: dict[str, bytes] = {}

    async def mark(self, room: str, fields: EventFields, content: bytes) -> Mark | None:
        """Return the mark on an event of *room* with the stored *content* (JSON).

        None where its sender committed to nothing, or where the key of its month is destroyed.
        """
        if _NAME not in content:
            # Nearly every app: nothing is decoded for them.
            return None
        try:
            said = msgspec.json.decode(content, type=_Committed)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        month = franking_month(fields.ts)
        if len(said.commitment) != _COMMITMENT_BYTES or not self._lives(month):
            return None
        key = self._keys.get(month)
        if key is None:
            key = self._keys[month] = await self._store.make_franking_key(month)
        tag = frank_tag(
            key,
            month,
            c=said.commitment,
            sender=fields.sender,
            device=fields.device,
            room=room,
            event_id=fields.event_id,
            ts=fields.ts,
            ct_hash=H(said.ciphertext.encode()),
        )
        return Mark(b64(said.commitment), month, b64(tag))

    async def key(self, key_id: str) -> bytes | None:
        """Return the key called *key_id*; None where it was destroyed or never was."""
        if not self._lives(key_id):
            return None
        return self._keys.get(key_id) or await self._store.franking_key(key_id)

    async def destroy(self, now: int) -> int:
        """Destroy the keys whose time is over at *now* (ms); return how many there were."""
        oldest = franking_month(now - _KEPT_MS)
        for month in [one for one in self._keys if one < oldest]:
            del self._keys[month]
        return await self._store.destroy_franking_keys(oldest)

    def _lives(self, month: str) -> bool:
        """Tell whether the key of *month* is to be had: not yet destroyed, and not of the future.

        Another node may have destroyed it where this one still holds it.
        """
        now = self._clock.now_ms()
        return franking_month(now - _KEPT_MS) <= month <= franking_month(now)

    def __repr__(self) -> str:
        return f"FrankingMarks({len(self._keys)} keys)"
