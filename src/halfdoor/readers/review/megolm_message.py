"""One Megolm message as it lies in an `m.room.encrypted` event, taken apart. Pure.

Layout (spec.matrix.org, "Megolm", message format): version 3, a protobuf of index (field 1) and
ciphertext (field 2), 8 bytes of HMAC-SHA256, 64 bytes of Ed25519 signature. What a client opens
must be reportable: so framing is read as leniently as clients read it, and nothing else is.
"""

import base64
import binascii
from typing import Final

import msgspec

from halfdoor.sealing.labels import Denied

VERSION: Final = 3
MAC_BYTES: Final = 8
SIGNATURE_BYTES: Final = 64
_INDEX: Final = 1
_CIPHERTEXT: Final = 2
_VARINT: Final = 0
_DELIMITED: Final = 2
_GROUP: Final = 3
_END_OF_GROUP: Final = 4
# How many bytes the kinds of fixed length have, and of which kind the two fields are.
_FIXED: Final = {1: 8, 5: 4}
_KINDS: Final = {_INDEX: _VARINT, _CIPHERTEXT: _DELIMITED}
_MOST_VARINT_BYTES: Final = 10
_U32: Final = 0xFFFF_FFFF


class MegolmMessage(msgspec.Struct, frozen=True):
    """A message taken apart. `covered` are the byte strings that its MAC may be over, without it.

    There are two where the framing is not the usual one: old clients check the bytes that came,
    new ones those that they would have written.
    """

    index: int
    ciphertext: bytes
    mac: bytes
    signature: bytes
    covered: tuple[bytes, ...]

    def __repr__(self) -> str:
        return f"MegolmMessage(index={self.index}, {len(self.ciphertext)} bytes)"


def parse_message(text: str) -> MegolmMessage:
    """Return the message in the `ciphertext` string of an event; anything else is `Denied`."""
    raw = from_base64(text)
    end = len(raw) - MAC_BYTES - SIGNATURE_BYTES
    if end < 2 or raw[0] != VERSION:
        raise Denied
    index, ciphertext = _fields(raw[1:end])
    usual = b"".join(
        (
            bytes([VERSION, _INDEX << 3 | _VARINT]),
            _varint(index),
            bytes([_CIPHERTEXT << 3 | _DELIMITED]),
            _varint(len(ciphertext)),
            ciphertext,
        )
    )
    came = raw[:end]
    return MegolmMessage(
        index=index,
        ciphertext=ciphertext,
        mac=raw[end : end + MAC_BYTES],
        signature=raw[-SIGNATURE_BYTES:],
        covered=(usual,) if came == usual else (usual, came),
    )


def from_base64(text: str) -> bytes:
    """Return what Matrix calls unpadded base64, which clients read with padding too; `Denied`."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Denied from None


def _fields(data: bytes) -> tuple[int, bytes]:
    """Return index and ciphertext of a protobuf: the last of each; others are passed over."""
    index, ciphertext, at = 0, b"", 0
    groups: list[int] = []
    while at < len(data):
        tag, at = _read_varint(data, at)
        number, kind = tag >> 3, tag & 7
        ours = not groups
        if kind == _VARINT:
            value, at = _read_varint(data, at)
            index = value & _U32 if ours and number == _INDEX else index
        elif kind == _DELIMITED:
            length, start = _read_varint(data, at)
            at = start + length
            ciphertext = data[start:at] if ours and number == _CIPHERTEXT else ciphertext
        elif kind == _GROUP:
            groups.append(number)
        elif kind == _END_OF_GROUP:
            if not groups or groups.pop() != number:
                raise Denied
        else:
            at += _FIXED.get(kind, len(data))
        if at > len(data) or not number or (ours and _KINDS.get(number, kind) != kind):
            raise Denied
    if groups:
        raise Denied
    return index, ciphertext


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for n, byte in enumerate(data[at : at + _MOST_VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * n)
        if byte < 0x80:
            return value, at + n + 1
    raise Denied


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
