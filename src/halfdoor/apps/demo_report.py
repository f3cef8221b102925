"""The scene of the demo's story in which a child is written to, reports, and is safe."""

import asyncio
import secrets
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.apps.demo_staff import demo_staff
from halfdoor.apps.house import House
from halfdoor.readers.review.choices import Action, Choice
from halfdoor.readers.review.errors import ReviewError, SecondPersonError
from halfdoor.safety.measures import Kind

if TYPE_CHECKING:
    from halfdoor.apps.demo_story import Person, Say

_V3 = "/_matrix/client/v3"
_OWN = "/_matrix/client/unstable/org.halfdoor"
_GROOMING = "child_safety.grooming"
_TEXTS = ("How was training?", "Send me a picture. Don't tell your parents.")
_WHY = "To judge the report"
_PATIENCE_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.02


class SceneError(Exception):
    """Something in the scene did not happen as it must."""


async def report_scene(house: House, lea: "Person", tom: "Person", say: "Say") -> None:
    """Play it and *say* it line by line; `SceneError` where the house misbehaves."""
    room, events = await _written(lea, tom, say)
    answer = await lea.ask(
        "POST",
        f"{_V3}/rooms/{quote(room)}/report/{quote(events[1])}",
        {"org.halfdoor.report": {"reason": _GROOMING, "block": True}},
    )
    say("   lea reports    the second message, and blocks tom at once; one key is handed over")
    await _told(house, lea, answer["org.halfdoor.report"]["id"], say)
    staff = {name: one.member() for name, one in (await demo_staff(house)).items()}
    case = await _opened(house, staff, say)
    await _decided(house, staff, case, say)
    refused = await _out(tom)
    say(f"   tom's client   401 {refused['errcode']}: his account has ended, on every device")


async def _out(tom: "Person") -> dict[str, Any]:
    """Return what tom's client is refused with, which the server sees to within a second."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            status, answer = await tom.caller.call("GET", f"{_V3}/account/whoami")
            if status == 401:
                refused: dict[str, Any] = msgspec.json.decode(answer)
                return refused
            await asyncio.sleep(_PAUSE_SECONDS)


async def _written(lea: "Person", tom: "Person", say: "Say") -> tuple[str, list[str]]:
    await tom.sign_in()
    await lea.sign_in()
    made = await tom.ask(
        "POST",
        f"{_V3}/createRoom",
        {
            "preset": "trusted_private_chat",
            "is_direct": True,
            "invite": [lea.account.user_id],
        },
    )
    room: str = made["room_id"]
    await lea.ask("POST", f"{_V3}/rooms/{quote(room)}/join")
    events = []
    for text in _TEXTS:
        path = f"{_V3}/rooms/{quote(room)}/send/m.room.message/{secrets.token_hex(8)}"
        sent = await tom.ask("PUT", path, {"msgtype": "m.text", "body": text})
        events.append(sent["event_id"])
        say(f"   tom: {text}")
    return room, events


async def _told(house: House, lea: "Person", report: str, say: "Say") -> None:
    found = (await lea.ask("GET", f"{_OWN}/notices"))["notices"]
    first: dict[str, Any] = next((one for one in found if report in one.get("reports", ())), {})
    if not first.get("help"):
        raise SceneError("nobody told lea who can help")
    say(f"   lea is told    {first['help_first']} {first['help'][0]['title']}")
    await house.work.go_on()


async def _opened(house: House, staff: dict[str, StaffMember], say: "Say") -> str:
    """Let the one person whose work it is open what was reported, and nobody else."""
    desk, sam = house.desk, staff["Sam"]
    for name in ("Robin", "Ann"):
        if await desk.cases.next(staff[name]) is not None:
            raise SceneError(f"{name} was given a case of the vault")
    say("   Robin and Ann  a reviewer and an administrator: no such case for them")
    case = await desk.cases.next(sam)
    if case is None:
        raise SceneError("Sam was given nothing")
    view = await desk.cases.view(sam, case.id)
    say(f"   Sam claims it  {', '.join(view.people)}; {len(view.evidence)} message, still sealed")
    shown = await desk.reveals.reveal(sam, case.id, view.evidence[0].id, _WHY)
    if shown.content.get("body") != _TEXTS[1]:
        raise SceneError("what was opened is not what was written")
    say(f"   Sam reveals    “{shown.content['body']}” ({shown.verdict.value})")
    opened = [one.about for one in await desk.store.staff_log(0, 1000) if one.what == "reveal"]
    if opened != [view.evidence[0].id]:
        raise SceneError("the staff log is not what was done")
    say("   the staff log  had that line before Sam had the message; the first one stays shut")
    return case.id


async def _decided(house: House, staff: dict[str, StaffMember], case: str, say: "Say") -> None:
    """End the account, which takes two people."""
    desk = house.desk
    choice = Choice(
        reason=_GROOMING,
        actions=(Action(kind=Kind.TERMINATED),),
        facts="Asks a child for pictures, and for silence towards the parents.",
    )
    try:
        await desk.decisions.decide(staff["Sam"], case, choice)
    except SecondPersonError:
        say("   Sam decides    the account is to end: 409, it waits for a second person")
    else:
        raise SceneError("one person alone ended an account")
    try:
        await desk.decisions.confirm(staff["Sam"], case)
    except ReviewError:
        await desk.decisions.confirm(staff["Kim"], case)
        say("   Kim agrees     somebody else than Sam; the conversation is kept, unread")
    else:
        raise SceneError("the second person was the first")
