"""A little house that offers end-to-end encrypted conversations, and people who begin one."""

from typing import Any, Final

from tests.messaging.little_house import LittleHouse, Someone

from halfdoor.policy.load import policy_from
from halfdoor.sealing.epochs import Header, parse_header
from halfdoor.sealing.shares import EscrowSet

MEGOLM: Final = "m.megolm.v1.aes-sha2"
ENCRYPTION: Final[dict[str, Any]] = {"type": "m.room.encryption", "content": {"algorithm": MEGOLM}}
BOTH: Final = ("standard", "e2ee")


def wish(posture: str) -> dict[str, Any]:
    """Return the entry of `initial_state` that asks for *posture* by name."""
    return {"type": "org.halfdoor.posture", "content": {"posture": posture}}


def open_house(
    *,
    allowed: tuple[str, ...] = BOTH,
    default: str = "standard",
    escrow: list[EscrowSet] | None = None,
) -> LittleHouse:
    """Return a house whose policy offers the postures *allowed*."""
    house = LittleHouse(escrow=escrow)
    house.policy = policy_from({"posture": {"allowed": list(allowed), "default": default}}, "test")
    house.start()
    return house


async def encrypted_pair(
    house: LittleHouse, *, connected: bool = True
) -> tuple[Someone, Someone, str]:
    """Return two adults and the encrypted conversation that both are in."""
    ada, ben = await house.person("ada"), await house.person("ben")
    if connected:
        house.connect(ada, ben)
    conv = await ada.create(ben, initial_state=[ENCRYPTION])
    await ben.join(conv)
    return ada, ben, conv


def ciphertext(said: str = "AwgAEnB…") -> dict[str, Any]:
    """Return the content of an encrypted event as clients write it."""
    return {
        "algorithm": MEGOLM,
        "ciphertext": said,
        "session_id": "c2Vzc2lvbg",
        "sender_key": "a2V5",
        "device_id": "DEVADA",
    }


async def send_encrypted(who: Someone, conv: str, said: str = "AwgAEnB…", **more: Any) -> str:
    """Send an encrypted event; return its id."""
    return await who.send(conv, "m.room.encrypted", {**ciphertext(said), **more})


def headers(house: LittleHouse, conv: str) -> list[Header]:
    """Return the header of every epoch of *conv*."""
    return [parse_header(one.header) for one in house.store.conversations[conv].starts.values()]
