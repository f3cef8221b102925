"""Base64 as C2SP writes it: RFC 4648 §4, padded, with exactly one way to write each value."""

from base64 import b64encode
from binascii import Error, a2b_base64

from halfdoor.merkle.errors import RefusedError


def text(data: bytes) -> str:
    """Return *data* in base64."""
    return b64encode(data).decode()


def parse(written: str, check: str, length: int | None = None) -> bytes:
    """Return the bytes of *written*, *length* of them where that is given.

    `RefusedError` with *check* for anything that `text` would not have written.
    """
    try:
        data = a2b_base64(written, strict_mode=True)
    except (Error, ValueError):
        data = None
    if data is None or text(data) != written:
        raise RefusedError(check, "it is not base64")
    if length is not None and len(data) != length:
        raise RefusedError(check, f"it is {len(data)} bytes long, not {length}")
    return data
