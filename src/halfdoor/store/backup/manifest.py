"""What a backup holds: its sections, each with its parts, and where it all comes from."""

from typing import Final

import msgspec

from halfdoor.store.backup.errors import DamagedBackupError

FORMAT: Final = 1


class Part(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A file of the backup: its name, how many rows are in it, its size in bytes as it lies."""

    name: bytes
    rows: int
    size: int


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """All parts of one kind. Rows of a table are one kind; files or a log would be others.

    `name` is `side.table`, `digest` that of `rows.Tally` over all rows.
    """

    name: str
    columns: tuple[str, ...]
    rows: int
    digest: bytes
    parts: tuple[Part, ...]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """One moment of a house. `schema` is the newest migration its store had; `made` is in ms."""

    made: int
    program: str
    store: str
    schema: int
    sections: tuple[Section, ...]

    @property
    def rows(self) -> int:
        """How many rows there are in all sections."""
        return sum(section.rows for section in self.sections)

    @property
    def parts(self) -> dict[bytes, Part]:
        """Every part by its name; one that stands in two places is there once."""
        return {part.name: part for section in self.sections for part in section.parts}


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Manifest).decode


def write_manifest(manifest: Manifest) -> bytes:
    """Return *manifest* as it is sealed."""
    return _encode(manifest)


def read_manifest(body: bytes) -> Manifest:
    """Return the manifest in *body*; `DamagedBackupError` if it is none."""
    try:
        return _decode(body)
    except msgspec.MsgspecError as error:
        raise DamagedBackupError(f"a manifest cannot be read: {error}") from error
