"""Planted words, and a search that finds them in whatever form a program may have written them."""

import base64
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

_SHORTEST_NEEDLE = 8


@dataclass(frozen=True)
class Finding:
    """One needle in one file; `form` names the encoding it was found in."""

    needle: str
    form: str
    file: Path
    offset: int


class Canaries:
    """Words that occur nowhere else in the world, each with the name of where it was planted."""

    def __init__(self) -> None:
        self.planted: dict[str, bytes] = {}

    def plant(self, where: str) -> str:
        """Return a new word; *where* is what a finding will be called."""
        word = f"Canary{secrets.token_hex(12)}"
        self.watch(where, word)
        return word

    def watch(self, where: str, secret: str | bytes) -> None:
        """Look for a secret that somebody else made, such as a token."""
        value = secret.encode() if isinstance(secret, str) else secret
        if len(value) < _SHORTEST_NEEDLE:
            raise ValueError(f"{where}: too short to be told from chance")
        if where in self.planted:
            raise ValueError(f"{where}: planted twice")
        self.planted[where] = value

    def watch_token(self, where: str, token: str) -> None:
        """Look for a token, for its random part as text, and for that part's bytes."""
        self.watch(where, token)
        _, dot, random_text = token.partition(".")
        if dot:
            self.watch(f"{where}, without prefix", random_text)
            padded = random_text + "=" * (-len(random_text) % 4)
            # Two bytes of bucket stand before the random ones; the bucket is no secret.
            self.watch(f"{where}, random bytes", base64.urlsafe_b64decode(padded)[2:])


def forms(value: bytes) -> Iterator[tuple[str, bytes]]:
    """The value as such and in the encodings in which programs hide things by accident."""
    yield "plain", value
    yield "reversed", value[::-1]
    yield "hex", value.hex().encode()
    yield "HEX", value.hex().upper().encode()
    yield "percent", quote(value, safe="").encode()
    text = value.decode("latin-1")
    yield "UTF-16LE", text.encode("utf-16-le")
    yield "UTF-16BE", text.encode("utf-16-be")
    yield "escaped", text.encode("unicode_escape")
    for shift in range(3):
        # In the middle of other bytes, base64 has three faces; the outermost characters
        # depend on the neighbours and are left away.
        for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            encoded = encode(b"\0" * shift + value + b"\0" * 3)
            first = -(-8 * shift // 6)
            last = 8 * (shift + len(value)) // 6
            yield f"{name}, shifted by {shift}", encoded[first:last]


def search(needles: dict[str, bytes], files: Iterable[Path]) -> list[Finding]:
    """Look for every form of every needle in every file."""
    shapes: dict[bytes, tuple[str, str]] = {}
    for name, value in needles.items():
        for form, shape in forms(value):
            # Several forms of a plain word are the word itself; the first name tells most.
            shapes.setdefault(shape, (name, form))
    found = []
    for file in files:
        content = file.read_bytes()
        for shape, (name, form) in shapes.items():
            offset = content.find(shape)
            if offset >= 0:
                found.append(Finding(name, form, file, offset))
    return found


def files_below(*places: Path) -> list[Path]:
    """Every regular file in the places; a place may be a file itself."""
    found: list[Path] = []
    for place in places:
        found += [place] if place.is_file() else [f for f in place.rglob("*") if f.is_file()]
    return sorted(found)
