"""The private side of notes: a log signs checkpoints, a witness cosigns them (Ed25519)."""

from typing import Self, final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from halfdoor.merkle.checkpoint import Checkpoint, Head
from halfdoor.merkle.cosignature import ed25519_message
from halfdoor.merkle.keys import Kind, VerifierKey, check_name
from halfdoor.merkle.note import Note, Signature


@final
class SigningKey:
    """An Ed25519 key with its name. It cannot be printed."""

    __slots__ = ("_private", "public")

    def __init__(self, name: str, kind: Kind, seed: bytes) -> None:
        """Use the private key *seed*, 32 bytes, for signatures of one *kind*.

        `RefusedError` for a name that no note may hold; `ValueError` for another length or kind.
        """
        check_name(name, "key-name")
        if kind not in (Kind.ED25519, Kind.COSIGNATURE):
            raise ValueError("only Ed25519 keys sign here")
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = VerifierKey(name, kind, self._private.public_key().public_bytes_raw())

    @classmethod
    def of_log(cls, origin: str, seed: bytes) -> Self:
        """Return the key with which the log *origin* signs its checkpoints."""
        return cls(origin, Kind.ED25519, seed)

    @classmethod
    def of_witness(cls, name: str, seed: bytes) -> Self:
        """Return the key with which the witness *name* cosigns."""
        return cls(name, Kind.COSIGNATURE, seed)

    def sign(self, head: Head) -> Checkpoint:
        """Return the checkpoint of *head*, signed by its log."""
        text = head.text
        line = Signature(self.public.name, self.public.id, self._private.sign(text.encode()))
        return Checkpoint(head, Note(text, (line,)))

    def cosign(self, text: str, time: int) -> Signature:
        """Return the line with which a witness vouches for the checkpoint *text* at *time* (s)."""
        signature = time.to_bytes(8, "big") + self._private.sign(ed25519_message(text, time))
        return Signature(self.public.name, self.public.id, signature)

    def __repr__(self) -> str:
        return f"SigningKey({self.public.name!r})"
