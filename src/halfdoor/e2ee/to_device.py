"""Messages between devices: what may pass, and to whom (CS-API, "Send-to-Device").

Pure. The server passes on what clients need to encrypt and to verify each other, and nothing else.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec

from halfdoor.ids import base64url
from halfdoor.sealing.labels import H, enc

# As many as one sync answer shows; the rest waits for the next (MATRIX §2, item 9).
AT_ONCE: Final = 100
# So many devices may one request name, wildcards counted once.
MOST_TARGETS: Final = 1_000
MAX_CONTENT_BYTES: Final = 65_536
EVERY_DEVICE: Final = "*"

_TYPES: Final = frozenset(
    {
        "m.dummy",
        "m.forwarded_room_key",
        "m.room.encrypted",
        "m.room_key",
        "m.room_key.withheld",
        "m.room_key_request",
        "m.secret.request",
        "m.secret.send",
        "org.matrix.room_key.withheld",
    }
)
_VERIFICATION: Final = "m.key.verification."
_STEPS: Final = frozenset({"accept", "cancel", "done", "key", "mac", "ready", "request", "start"})


class ToDeviceError(Exception):
    """A message between devices was refused; the text is for whoever sent it and quotes nothing."""


class TypeRefusedError(ToDeviceError):
    """The type is none of those that encryption and verification need (M_FORBIDDEN)."""


class BadMessagesError(ToDeviceError):
    """`messages` is not a map of users to devices to contents (M_BAD_JSON)."""


class TooManyTargetsError(ToDeviceError):
    """One request names more devices, or carries more for one, than is taken (M_TOO_LARGE)."""


class ToDevice(msgspec.Struct, frozen=True):
    """One message as it waits: its type, who sent it, and its content as JSON bytes."""

    type: str
    sender: str
    content: bytes

    def __repr__(self) -> str:
        return f"ToDevice(type={self.type!r}, sender={self.sender!r})"


def check_type(type: str) -> None:
    """Refuse what neither encrypts nor verifies, with `TypeRefusedError`."""
    step = type.removeprefix(_VERIFICATION) if type.startswith(_VERIFICATION) else None
    if type not in _TYPES and step not in _STEPS:
        raise TypeRefusedError("only messages of encryption and verification pass between devices")


def contents_of(body: Mapping[str, Any]) -> dict[str, dict[str, bytes]]:
    """Return the content for each user and device named in a request's *body*, as JSON bytes.

    `BadMessagesError` for another shape, `TooManyTargetsError` for too many or too large ones.
    """
    messages = body.get("messages")
    if not isinstance(messages, dict):
        raise BadMessagesError("messages must be an object")
    found: dict[str, dict[str, bytes]] = {}
    count = 0
    for user, devices in messages.items():
        if not isinstance(devices, dict):
            raise BadMessagesError("messages must name devices for each user")
        count += len(devices)
        if count > MOST_TARGETS:
            raise TooManyTargetsError("one request names too many devices")
        for device, content in devices.items():
            found.setdefault(user, {})[device] = _content(content)
    return found


def addressed(contents: Mapping[str, bytes], devices: Collection[str]) -> dict[str, bytes]:
    """Return what each of the *devices* of one user gets, where *contents* may say `*`.

    A device that is named gets its own content, one that is not there gets none.
    """
    every = contents.get(EVERY_DEVICE)
    found = {}
    for device in devices:
        content = contents.get(device, every)
        if content is not None:
            found[device] = content
    return found


def repeat_key(sender: str, device: str, type: str, txn: str) -> str:
    """Return the name under which a recipient remembers that this request reached them."""
    return base64url(H(enc("to-device/repeat", sender, device, type, txn)))


def _content(content: Any) -> bytes:
    if not isinstance(content, dict):
        raise BadMessagesError("the content for a device must be an object")
    body = msgspec.json.encode(content)
    if len(body) > MAX_CONTENT_BYTES:
        raise TooManyTargetsError("the content for a device is too large")
    return body
