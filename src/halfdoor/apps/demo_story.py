"""The story that `halfdoor demo --play` tells: through the front door, and into the file."""

import secrets
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from halfdoor.apps.caller import Caller
from halfdoor.apps.demo_encrypted import encrypted_scene
from halfdoor.apps.demo_people import Account
from halfdoor.apps.demo_report import report_scene
from halfdoor.apps.doors import build_apps
from halfdoor.apps.house import House
from halfdoor.config.model import Config
from halfdoor.store.sqlite.peek import event_row
from halfdoor.web.logs import configure
from halfdoor.web.metrics import Metrics

Say = Callable[[str], None]

_V3 = "/_matrix/client/v3"
_TEXT = "Meet me at the old bridge at noon."


class StoryError(Exception):
    """Something in the story did not happen as it must."""


async def play(house: House, config: Config, accounts: Sequence[Account], say: Say) -> None:
    """Play the story and *say* it line by line; `StoryError` where the house misbehaves."""
    app = build_apps(
        house,
        config,
        base_url=lambda: "http://localhost",
        draining=lambda: False,
        platform=None,
        metrics=Metrics(),
        metrics_token=None,
        log=configure(config.log_level),
    )[0]
    ada, ben, mia, vic, lea, tom = [Person(Caller(app), account) for account in accounts]
    say("1. Two people write to each other.")
    room, event_id = await _write(ada, ben, say)
    say("\n2. The same message, as ben sees it and as the database holds it.")
    await _two_views(house, config, ben, room, event_id, say)
    say("\n3. vic, an adult whom mia does not know, asks to write to mia, who is 14.")
    await _stranger(vic, mia, say)
    say("\n4. An administrator resets ben's password and signs in as ben.")
    await _reset(house, ben, room, say)
    say("\n5. tom, whom the platform connected with lea, who is 16, writes to her.")
    await report_scene(house, lea, tom, say)
    say("\n6. ada asks ben into an end-to-end encrypted conversation, as their apps can.")
    await encrypted_scene(house, ada, ben, room, say)
    say(
        "\ndemo ok: 4 messages, 1 stranger refused, 1 message opened for 1 report, 1 child safe,"
        " 0 messages opened by the administrator"
    )


class Person:
    """Somebody at a client: a caller with a token."""

    def __init__(self, caller: Caller, account: Account) -> None:
        """Call as *account*."""
        self.caller = caller
        self.account = account

    async def sign_in(self, password: str | None = None) -> dict[str, Any]:
        """Sign in; from then on calls carry the token."""
        answer = await self.ask(
            "POST",
            f"{_V3}/login",
            {
                "type": "m.login.password",
                "identifier": {"type": "m.id.user", "user": self.account.user_id},
                "password": password or self.account.password,
            },
        )
        self.caller.token = answer["access_token"]
        return answer

    async def ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, status: int = 200
    ) -> dict[str, Any]:
        """Ask and return the answer; `StoryError` for another status."""
        got, answer = await self.caller.call(method, path, body)
        if got != status:
            raise StoryError(f"{method} {path} answered {got}, not {status}")
        decoded: dict[str, Any] = msgspec.json.decode(answer)
        return decoded


async def _write(ada: Person, ben: Person, say: Say) -> tuple[str, str]:
    await ada.sign_in()
    await ben.sign_in()
    made = await ada.ask(
        "POST",
        f"{_V3}/createRoom",
        {
            "preset": "trusted_private_chat",
            "is_direct": True,
            "invite": [ben.account.user_id],
        },
    )
    room = made["room_id"]
    sent = await ada.ask("PUT", _send(room), {"msgtype": "m.text", "body": _TEXT})
    say(f"   ada: {_TEXT}")
    await ben.ask("POST", f"{_V3}/rooms/{quote(room)}/join")
    answer = "I will be there."
    await ben.ask("PUT", _send(room), {"msgtype": "m.text", "body": answer})
    say(f"   ben: {answer}")
    return room, sent["event_id"]


async def _two_views(
    house: House, config: Config, ben: Person, room: str, event_id: str, say: Say
) -> None:
    path = f"{_V3}/rooms/{quote(room)}/event/{quote(event_id)}"
    seen = (await ben.ask("GET", path))["content"]
    row = event_row(config.data_dir, room, event_id)
    say(f"   ben sees       {msgspec.json.encode(seen).decode()}")
    say(f"   the database   {row[:28].hex(' ', 2)} …  ({len(row)} bytes)")
    if seen["body"] != _TEXT or _TEXT.encode() in row:
        raise StoryError("the two views are not what they must be")


async def _stranger(vic: Person, mia: Person, say: Say) -> None:
    await vic.sign_in()
    await mia.sign_in()
    refused = await vic.ask(
        "POST",
        f"{_V3}/createRoom",
        {"preset": "trusted_private_chat", "invite": [mia.account.user_id]},
        status=403,
    )
    say(f"   the server     403 {refused['errcode']}: {refused['error']}")
    rooms = (await mia.ask("GET", f"{_V3}/sync")).get("rooms", {})
    if rooms:
        raise StoryError("mia was shown something")
    say("   mia sees       nothing: no request, no notice")


async def _reset(house: House, ben: Person, room: str, say: Say) -> None:
    password = secrets.token_urlsafe(24)
    await house.password_change.reset(ben.account.user_id, password)
    intruder = Person(Caller(ben.caller.app), ben.account)
    answer = await intruder.sign_in(password)
    say("   the login      accepted; the device waits for one of ben's own to approve it")
    refused = await intruder.ask("GET", f"{_V3}/rooms/{quote(room)}/messages?dir=b", status=403)
    if not answer.get("org.halfdoor.pending") or not refused.get("org.halfdoor.pending"):
        raise StoryError("a reset password opened something")
    say(f"   the history    403 {refused['errcode']}: {refused['error']}")


def _send(room: str) -> str:
    return f"{_V3}/rooms/{quote(room)}/send/m.room.message/{secrets.token_hex(8)}"
