"""Names of things: buckets, the ids the server makes, and the grammar of the ids it meets."""

import re
import secrets
import string
from binascii import a2b_base64, b2a_base64
from functools import lru_cache
from hashlib import sha256
from typing import Final

BUCKETS: Final = 4096
RANDOM_BYTES: Final = 30
_ID_MAX_BYTES: Final = 255
# Every message needs two of these: `base64` calls three functions for what are two calls in C.
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_USUAL: Final = bytes.maketrans(b"-_", b"+/")

# Matrix, "Server Name": an IPv4 address or DNS name, or an IPv6 address in brackets, then a port.
_SERVER: Final = r"(?:\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z.-]{1,255})(?::[0-9]{1,5})?"
_SERVER_NAME: Final = re.compile(_SERVER)
_USER_ID: Final = re.compile(rf"@([^:]+):{_SERVER}")
_ROOM_ID: Final = re.compile(rf"!([^:]+):{_SERVER}")


class BadId(ValueError):  # noqa: N818 - named for the fact, as its readers say it
    """An id that no server of this house would have made."""


@lru_cache(maxsize=16_384)
def bucket(identifier: str) -> int:
    """Return the bucket, 0 to 4095, of a conversation or user id (SEALING §1)."""
    try:
        name = identifier.encode()
    except UnicodeEncodeError:
        raise BadId("an id must be valid Unicode") from None
    return int.from_bytes(sha256(name).digest()[:2], "big") % BUCKETS


def make_id(prefix: str, bucket: int, random30: bytes) -> str:
    """Return *prefix* and the 43 characters that carry *bucket* and 30 bytes (SEALING §1)."""
    if not 0 <= bucket < BUCKETS:
        raise BadId("a bucket is 0 to 4095")
    if len(random30) != RANDOM_BYTES:
        raise BadId("an id carries 30 bytes beside its bucket")
    return prefix + base64url(bucket.to_bytes(2, "big") + random30)


def read_id(prefix: str, text: str) -> tuple[int, bytes]:
    """Return the bucket and the 30 bytes of an id; refuse any other spelling with `BadId`."""
    packed = unpack_id(prefix, text)
    return int.from_bytes(packed[:2], "big"), packed[2:]


def unpack_id(prefix: str, text: str) -> bytes:
    """Return the 32 bytes that an id carries; refuse any other spelling with `BadId`."""
    packed = unbase64url(text.removeprefix(prefix))
    if len(packed) != 2 + RANDOM_BYTES or packed[0] >= BUCKETS >> 8:
        raise BadId("an id carries a bucket and 30 bytes")
    # Made again and compared, because spare bits and foreign letters give a second spelling.
    if prefix + base64url(packed) != text:
        raise BadId("an id has exactly one spelling")
    return packed


def base64url(data: bytes) -> str:
    """Return RFC 4648 base64url of *data* without padding."""
    return b2a_base64(data, newline=False).translate(_URL_SAFE, b"=").decode()


def unbase64url(text: str) -> bytes:
    """Return what `base64url` made *text* of; of any other text, some other bytes or `BadId`."""
    try:
        return a2b_base64(text.encode("ascii").translate(_USUAL) + b"=" * (-len(text) % 4))
    except ValueError:
        raise BadId("not base64url") from None


def new_room_id(server_name: str) -> str:
    """Return a fresh room id of *server_name*, in the form of room versions before 12."""
    alphabet = string.ascii_letters + string.digits
    return f"!{''.join(secrets.choice(alphabet) for _ in range(18))}:{server_name}"


def new_device_id() -> str:
    """Return a fresh device id, ten upper-case letters, for a login that named none."""
    return "".join(secrets.choice(string.ascii_uppercase) for _ in range(10))


def new_session_id() -> str:
    """Return a fresh session name of 22 URL-safe characters; it names the session's slots."""
    return secrets.token_urlsafe(16)


def random_event_id(conv: str) -> str:
    """Return an event id in the bucket of *conv* for a request without a transaction id."""
    return make_id("$", bucket(conv), secrets.token_bytes(RANDOM_BYTES))


def new_media_id(user: str) -> str:
    """Return a fresh media id in the bucket of the uploader *user*."""
    return make_id("", bucket(user), secrets.token_bytes(RANDOM_BYTES))


def is_server_name(text: str) -> bool:
    """Tell whether *text* has the form of a Matrix server name."""
    return _SERVER_NAME.fullmatch(text) is not None


def is_user_id(text: str) -> bool:
    """Tell whether *text* is `@localpart:server`; historical localparts count, blanks do not."""
    return _is_sigil_id(_USER_ID, text)


def is_room_id(text: str) -> bool:
    """Tell whether *text* is `!opaque:server` (room versions before 12)."""
    return _is_sigil_id(_ROOM_ID, text)


def _is_sigil_id(form: re.Pattern[str], text: str) -> bool:
    """Tell whether *text* has *form*, at most 255 bytes, and only characters one can see."""
    match = form.fullmatch(text)
    # isprintable is false for controls, separators other than the blank, and lone surrogates.
    return (
        match is not None
        and match[1].isprintable()
        and " " not in match[1]
        and len(text.encode()) <= _ID_MAX_BYTES
    )
