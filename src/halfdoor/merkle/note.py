"""Signed notes: a text, an empty line, and lines of signatures (C2SP signed-note)."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from halfdoor.merkle import base64_text
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.keys import VerifierKey, check_name

# A checkpoint with 32 post-quantum cosignatures fits; what is larger is not read.
MOST_BYTES: Final = 262_144
MOST_SIGNATURES: Final = 64
_DASH: Final = "\N{EM DASH} "
_ID_BYTES: Final = 4


class Signature(NamedTuple):
    """One signature line: the key it names, and what follows the key's id."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        """The line, without its newline."""
        return f"{_DASH}{self.name} {base64_text.text(self.key_id + self.signature)}"

    def of(self, key: VerifierKey) -> bool:
        """Tell whether the line names *key*; it may still be forged."""
        return self.name == key.name and self.key_id == key.id


class Note(NamedTuple):
    """A note: its text, with the final newline, and its signatures."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{lines(self.signatures)}"

    def signed_by(self, key: VerifierKey) -> Signature | None:
        """Return the line that names *key*, unverified; `RefusedError` where two do."""
        found = [one for one in self.signatures if one.of(key)]
        if len(found) > 1:
            raise RefusedError("note-signature", f"{key.name} signs twice")
        return found[0] if found else None


def lines(signatures: Iterable[Signature]) -> str:
    """Return signature lines as they stand in a note."""
    return "".join(f"{one}\n" for one in signatures)


def parse_note(data: bytes) -> Note:
    """Return the note of *data*, nothing of it verified; `RefusedError` where it is malformed."""
    written = _written(data)
    body, gap, rest = written.rpartition("\n\n")
    if not gap or not rest.endswith("\n"):
        raise RefusedError("note-form", "it has no signatures after an empty line")
    return Note(body + "\n", parse_signatures(rest))


def parse_signatures(written: str) -> tuple[Signature, ...]:
    """Return the signatures of *written* lines, as a witness answers with them."""
    if not written.endswith("\n"):
        raise RefusedError("note-form", "its last line does not end")
    found = [_signature(line) for line in written[:-1].split("\n")]
    if len(found) > MOST_SIGNATURES:
        raise RefusedError("note-form", f"it has more than {MOST_SIGNATURES} signatures")
    return tuple(found)


def text_of(data: bytes) -> str:
    """Return *data* as text, where it may stand in a note; `RefusedError` where it may not."""
    return _written(data)


def _signature(line: str) -> Signature:
    if not line.startswith(_DASH):
        raise RefusedError("note-form", "a signature line does not begin with an em dash")
    name, gap, encoded = line.removeprefix(_DASH).partition(" ")
    check_name(name, "note-form")
    if not gap:
        raise RefusedError("note-form", "a signature line holds no signature")
    data = base64_text.parse(encoded, "note-form")
    if len(data) <= _ID_BYTES:
        raise RefusedError("note-form", "a signature is too short")
    return Signature(name, data[:_ID_BYTES], data[_ID_BYTES:])


def _written(data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise RefusedError("note-length", f"it is longer than {MOST_BYTES} bytes")
    try:
        written = data.decode()
    except UnicodeDecodeError:
        raise RefusedError("note-form", "it is not UTF-8") from None
    if any(one < " " and one != "\n" for one in written):
        raise RefusedError("note-form", "it holds a control character")
    return written
