"""The scene of the demo in which two people begin an end-to-end encrypted conversation."""

import secrets
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from halfdoor.apps.house import House
from halfdoor.messaging.creation import ENCRYPTION, MEGOLM

if TYPE_CHECKING:
    from halfdoor.apps.demo_story import Person, Say

_V3: Final = "/_matrix/client/v3"


class EncryptedSceneError(Exception):
    """Something in this scene did not happen as it must."""


async def encrypted_scene(
    house: House, ada: "Person", ben: "Person", standard: str, say: "Say"
) -> None:
    """Let *ada* and *ben* begin one beside their *standard* conversation, and *say* what differs.

    Encrypting is their apps' work, and the demo is none: it shows what the server does about it.
    """
    asked = [{"type": ENCRYPTION, "content": {"algorithm": MEGOLM}}]
    made = await ada.ask(
        "POST",
        f"{_V3}/createRoom",
        {
            "preset": "trusted_private_chat",
            "invite": [ben.account.user_id],
            "initial_state": asked,
        },
    )
    room = made["room_id"]
    await ben.ask("POST", f"{_V3}/rooms/{quote(room)}/join")
    label = await ben.ask("GET", f"{_V3}/rooms/{quote(room)}/state/org.halfdoor.posture")
    say(f"   ben sees       {label['posture']}, from its first event and for good")
    there, here = await _shares(house, standard), await _shares(house, room)
    say(f"   custodians     {there} share the first conversation's day, {here} this one's")
    refused = await ada.ask(
        "PUT",
        f"{_V3}/rooms/{quote(room)}/send/m.room.message/{secrets.token_hex(8)}",
        {"msgtype": "m.text", "body": "clear words"},
        status=403,
    )
    say(f"   clear words    403 {refused['errcode']}: {refused['error']}")
    if label["posture"] != "e2ee" or here or not there:
        raise EncryptedSceneError("an encrypted conversation is not what it must be")


async def _shares(house: House, room: str) -> int:
    """Return how many custodians hold a share of the newest epoch of *room*."""
    header = (await house.rooms.get(room)).header
    return sum(len(entry.share_commit) for entry in header.escrow)
