"""What a reporter holds in their hand: signed, for exactly these messages (SEALING §6).

A receipt names no case and no subject. It lists `H(body)` of each message, so that somebody who has
both the database and a message's key still cannot put other words into what was reported.
"""

from collections.abc import Sequence
from typing import Final, final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from halfdoor.readers.review.filing import Reportable
from halfdoor.readers.review.records import Report
from halfdoor.sealing.labels import CheckError, Denied, H, b64, canonical, enc, unb64

_LABEL: Final = "report-receipt"


class ReceiptError(CheckError):
    """A receipt that is not as it was signed; the message names what is wrong with it."""


class ReceiptEvent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One message in a receipt. `body` is base64 of SHA-256 of the sealed body, as in the chain."""

    room: str
    event_id: str
    hh: str
    seq: int
    body: str
    context: bool

    @property
    def body_hash(self) -> bytes:
        """H(body), 32 bytes."""
        return unb64(self.body)


class Receipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was reported, by whom, when (ms), to which entity."""

    v: int
    entity: str
    report: str
    reporter: str
    reason: str
    at: int
    events: tuple[ReceiptEvent, ...]


class _Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    receipt: Receipt
    key: str
    signature: str


@final
class ReceiptSigner:
    """The key of the entity that signs receipts; made once, kept with the store's secrets."""

    __slots__ = ("_entity", "_key")

    def __init__(self, seed: bytes, entity: str) -> None:
        """Take the 32 bytes of *seed* (RFC 8032)."""
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._entity = entity

    @property
    def public(self) -> bytes:
        """The key that receipts are checked with, 32 bytes."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, report: Report, handed: Sequence[tuple[Reportable, bool]]) -> bytes:
        """Return the receipt for *report* as JSON; of each message whether it is only context."""
        receipt = Receipt(
            v=1,
            entity=self._entity,
            report=report.id,
            reporter=report.reporter,
            reason=report.reason,
            at=report.at,
            events=tuple(
                ReceiptEvent(
                    room=one.room,
                    event_id=one.fields.event_id,
                    hh=b64(one.hh),
                    seq=one.seq,
                    body=b64(H(one.body)),
                    context=context,
                )
                for one, context in handed
            ),
        )
        signature = self._key.sign(_message(receipt))
        return canonical(msgspec.to_builtins(_Signed(receipt, b64(self.public), b64(signature))))

    def __repr__(self) -> str:
        return f"ReceiptSigner(entity={self._entity!r})"


def read_receipt(raw: bytes, public: bytes) -> Receipt:
    """Return what a receipt says, once it is sure that the owner of *public* signed exactly that.

    Raises `ReceiptError` naming the check that failed.
    """
    try:
        signed = msgspec.json.decode(raw, type=_Signed)
        key, signature = unb64(signed.key), unb64(signed.signature)
    except (msgspec.MsgspecError, UnicodeDecodeError, Denied):
        raise ReceiptError("form: this is not a receipt") from None
    if canonical(msgspec.to_builtins(signed)) != raw:
        # Else one receipt had many spellings, and one of them might be read otherwise elsewhere.
        raise ReceiptError("form: the receipt is not canonical")
    if signed.receipt.v != 1:
        raise ReceiptError("version: this receipt is of another version")
    if key != public:
        raise ReceiptError("key: another key signed this receipt")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _message(signed.receipt))
    except (InvalidSignature, ValueError):
        raise ReceiptError("signature: the receipt was changed after it was signed") from None
    return signed.receipt


def check_bodies(receipt: Receipt, bodies: Sequence[tuple[str, bytes]]) -> None:
    """Refuse stored *bodies* (event id, body) that are not the ones the receipt lists.

    Raises `ReceiptError` where one was exchanged, or one is missing.
    """
    stored = {event_id: H(body) for event_id, body in bodies}
    for event in receipt.events:
        if stored.get(event.event_id) != event.body_hash:
            raise ReceiptError(f"body: {event.event_id} is not stored as it was reported")


def _message(receipt: Receipt) -> bytes:
    return enc(_LABEL, canonical(msgspec.to_builtins(receipt)))
