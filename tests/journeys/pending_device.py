"""A device that signed in without a secret, and the approval that lets it read."""

from typing import Any
from urllib.parse import quote

from tests.journeys.raw_client import RawClient

_PENDING = "/_matrix/client/unstable/org.halfdoor/pending"
_TEXT = {"msgtype": "m.text", "body": "written by a device that nobody approved"}


async def waiting_devices(session: RawClient) -> list[dict[str, Any]]:
    """The devices of this account that wait, as this session's screen lists them."""
    return list((await session.ask("GET", _PENDING))["pending"])


async def approve(approver: RawClient, pending: RawClient) -> None:
    """Approve the device as a person does: compare the codes on both screens first."""
    [asked] = await waiting_devices(approver)
    [own] = await waiting_devices(pending)
    assert asked["device_id"] == pending.device_id
    assert asked["code"] == own["code"]
    path = f"{_PENDING}/{quote(asked['session'])}/approve"
    await approver.ask("POST", path, {"code": asked["code"]})


async def check_shows_nothing(pending: RawClient, room_id: str) -> None:
    """Before approval: sync is legal and empty; rooms, sending and history are refused."""
    answer = await pending.sync()
    assert not answer.get("rooms", {}).get("join"), answer
    assert not answer.get("rooms", {}).get("invite"), answer
    room = f"/_matrix/client/v3/rooms/{quote(room_id)}"
    refusals = [
        await pending.ask("GET", f"{room}/messages", params={"dir": "b"}, status=403),
        await pending.ask("GET", f"{room}/state", status=403),
        await pending.ask("PUT", f"{room}/send/m.room.message/t1", _TEXT, status=403),
        await pending.ask("GET", "/_matrix/client/v3/joined_rooms", status=403),
    ]
    for refusal in refusals:
        assert refusal["errcode"] == "M_FORBIDDEN", refusal
        assert refusal["org.halfdoor.pending"] is True, refusal
