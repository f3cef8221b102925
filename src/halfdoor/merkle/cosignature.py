"""Cosignatures: a witness states that a log only grew, and when it saw so (C2SP tlog-cosignature).

Ed25519 signs the text of the checkpoint; ML-DSA-44 signs a structure that names the witness too.
"""

from typing import Final

from halfdoor.merkle.checkpoint import Checkpoint, Head
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.keys import SIGNATURE_BYTES, Kind, VerifierKey

_TIME_BYTES: Final = 8
_LATEST: Final = 2**63 - 1


def ed25519_message(text: str, time: int) -> bytes:
    """Return what a witness signs of a checkpoint's *text* at *time* (s since 1970)."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def ml_dsa_message(head: Head, witness: str, time: int) -> bytes:
    """Return `cosigned_message` of *head* by the key named *witness* at *time* (s since 1970)."""
    return b"".join(
        (
            b"subtree/v1\n\0",
            _opaque(witness),
            time.to_bytes(8, "big"),
            _opaque(head.origin),
            (0).to_bytes(8, "big"),
            head.size.to_bytes(8, "big"),
            head.root,
        )
    )


def check_cosigned(checkpoint: Checkpoint, witness: VerifierKey) -> int | None:
    """Return when *witness* cosigned (s since 1970), or None where it did not.

    A line that names the witness and does not verify is `RefusedError`: somebody forged it.
    """
    line = checkpoint.note.signed_by(witness)
    if line is None:
        return None
    if witness.kind not in (Kind.COSIGNATURE, Kind.COSIGNATURE_ML_DSA_44):
        raise RefusedError("cosignature", f"the key of {witness.name} is not that of a witness")
    time = int.from_bytes(line.signature[:_TIME_BYTES], "big")
    if len(line.signature) != SIGNATURE_BYTES[witness.kind] or time > _LATEST:
        raise RefusedError("cosignature", f"the cosignature of {witness.name} is malformed")
    if witness.kind is Kind.COSIGNATURE:
        message = ed25519_message(checkpoint.note.text, time)
    else:
        message = ml_dsa_message(checkpoint.head, witness.name, time)
    if not witness.signed(message, line.signature[_TIME_BYTES:]):
        raise RefusedError("cosignature", f"the cosignature of {witness.name} is wrong")
    return time


def _opaque(text: str) -> bytes:
    data = text.encode()
    if not 1 <= len(data) <= 255:
        raise RefusedError("cosignature", "a name is longer than 255 bytes")
    return bytes([len(data)]) + data
