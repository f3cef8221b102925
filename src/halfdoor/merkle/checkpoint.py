"""Checkpoints: a log's name, size and head, signed as a note (C2SP tlog-checkpoint)."""

from typing import Final, NamedTuple, Self

from halfdoor.merkle import base64_text, decimal_text
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.keys import SIGNATURE_BYTES, Kind, VerifierKey
from halfdoor.merkle.note import Note, parse_note
from halfdoor.merkle.tree import HASH_BYTES

_LEAST_LINES: Final = 3


class Head(NamedTuple):
    """The head of a log's tree: whose it is, how many leaves it has, and its root."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text of the checkpoint, as it is signed."""
        root = base64_text.text(self.root)
        return "".join(
            f"{line}\n" for line in (self.origin, str(self.size), root, *self.extensions)
        )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the head that *text* states; `RefusedError` where it is malformed."""
        if not text.endswith("\n"):
            raise RefusedError("checkpoint-form", "its last line does not end")
        lines = text[:-1].split("\n")
        if len(lines) < _LEAST_LINES or not all(lines):
            raise RefusedError("checkpoint-form", "it is not origin, size and root, line by line")
        origin, size, root, *extensions = lines
        return cls(
            origin,
            decimal_text.parse(size, "checkpoint-size"),
            base64_text.parse(root, "checkpoint-root", HASH_BYTES),
            tuple(extensions),
        )


class Checkpoint(NamedTuple):
    """A checkpoint as it was read: the head, and the note that carries it."""

    head: Head
    note: Note

    def __str__(self) -> str:
        return str(self.note)


def parse_checkpoint(data: bytes) -> Checkpoint:
    """Return the checkpoint of *data*, no signature verified; `RefusedError` where malformed."""
    note = parse_note(data)
    return Checkpoint(Head.parse(note.text), note)


def check_signed(checkpoint: Checkpoint, log: VerifierKey) -> None:
    """Refuse unless *log* signed the checkpoint, in the name of its own origin.

    Raises `RefusedError`.
    """
    if checkpoint.head.origin != log.name:
        raise RefusedError(
            "checkpoint-origin", f"it is of {checkpoint.head.origin!r}, not of {log.name!r}"
        )
    line = checkpoint.note.signed_by(log)
    if line is None:
        raise RefusedError("log-signature", f"{log.name} did not sign it")
    if log.kind is not Kind.ED25519:
        raise RefusedError("log-signature", "a log signs with Ed25519 here")
    length = SIGNATURE_BYTES[log.kind]
    if len(line.signature) != length or not log.signed(
        checkpoint.note.text.encode(), line.signature
    ):
        raise RefusedError("log-signature", f"the signature of {log.name} is wrong")
