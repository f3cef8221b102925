"""What a journey asks of a client, whichever SDK it is built on."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 45.0


class TooLateError(AssertionError):
    """Something that had to happen did not happen in time."""


class ClientError(Exception):
    """A client's request was refused; `errcode` and `status` are the server's own."""

    def __init__(self, message: str, errcode: str | None, status: int | None) -> None:
        super().__init__(f"{errcode or 'no errcode'} ({status}): {message}")
        self.errcode = errcode
        self.status = status


@dataclass(frozen=True)
class Message:
    """A message as its reader sees it: edits applied, reactions gathered, redaction done."""

    event_id: str
    sender: str
    body: str | None
    edited: bool = False
    redacted: bool = False
    reactions: dict[str, list[str]] = field(default_factory=dict)


class Person(Protocol):
    """One signed-in device of one person; every method is one thing a person does or sees."""

    @property
    def user_id(self) -> str: ...

    @property
    def device_id(self) -> str: ...

    @property
    def access_token(self) -> str: ...

    @property
    def explain(self) -> Callable[[], str]:
        """The server's last words, for the message of a failed wait."""

    async def login_password(self, user: str, password: str, *, device_name: str) -> None: ...

    async def login_jwt(self, token: str) -> None: ...

    async def start(self, *, poll_milliseconds: int = ...) -> None:
        """Begin to sync with long polls; return when the first answer has been taken in."""

    async def close(self) -> None: ...

    async def go_offline(self) -> None: ...

    async def come_online(self) -> None:
        """Sync again from where it stopped; return when one answer has been taken in."""

    async def create_dm(self, invitee: str) -> str: ...

    async def accept(self, room_id: str) -> None: ...

    async def membership(self, room_id: str) -> str | None: ...

    async def send(self, room_id: str, body: str) -> str: ...

    async def edit(self, room_id: str, event_id: str, body: str) -> str: ...

    async def react(self, room_id: str, event_id: str, key: str) -> str: ...

    async def redact(self, room_id: str, event_id: str) -> str: ...

    async def report(self, room_id: str, event_id: str, reason: str) -> None:
        """Report one message, as a stock client does: with words of one's own."""

    async def read_up_to(self, room_id: str, event_id: str) -> None: ...

    async def typing(self, room_id: str, *, is_typing: bool) -> None: ...

    async def typing_in(self, room_id: str) -> list[str]: ...

    async def read_by(self, room_id: str, user: str) -> str | None: ...

    async def unread(self, room_id: str) -> int | None: ...

    async def message(self, room_id: str, event_id: str) -> Message | None: ...

    async def timeline(self, room_id: str) -> list[Message]: ...

    async def paginate_back(self, room_id: str, *, limit: int) -> bool:
        """Load older events; False when the start of the conversation is reached."""


async def eventually(
    look: Callable[[], Awaitable[T]],
    right: Callable[[T], bool],
    what: str,
    *,
    explain: Callable[[], str],
    seconds: float = PATIENCE_SECONDS,
) -> T:
    """Look again and again until what is seen is *right*, and return it."""
    give_up = time.monotonic() + seconds
    while True:
        seen = await look()
        if right(seen):
            return seen
        if time.monotonic() > give_up:
            raise TooLateError(f"{what}: not in {seconds:.0f} s; last seen {seen!r}\n{explain()}")
        await asyncio.sleep(0.05)


async def sees(
    person: Person,
    room_id: str,
    event_id: str,
    right: Callable[[Message], bool] = lambda _: True,
    *,
    what: str = "the message",
) -> Message:
    """Wait until *person* has the event, and has it as *right* wants it."""
    found = await eventually(
        lambda: person.message(room_id, event_id),
        lambda message: message is not None and right(message),
        f"{person.user_id} sees {what} ({event_id} in {room_id})",
        explain=person.explain,
    )
    assert found is not None
    return found


async def becomes(person: Person, room_id: str, membership: str) -> None:
    """Wait until *person*'s own client shows that membership of the room."""
    await eventually(
        lambda: person.membership(room_id),
        lambda now: now == membership,
        f"{person.user_id} is '{membership}' in {room_id}",
        explain=person.explain,
    )


async def meet(inviter: Person, invitee: Person) -> str:
    """Make a direct conversation that both have joined; return its room id."""
    room_id = await inviter.create_dm(invitee.user_id)
    await becomes(invitee, room_id, "invite")
    await invitee.accept(room_id)
    await becomes(invitee, room_id, "join")
    await becomes(inviter, room_id, "join")
    return room_id


async def whole_history(person: Person, room_id: str, *, limit: int = 30) -> list[Message]:
    """Page back to the start of the conversation and return all messages, oldest first."""
    for _ in range(200):
        if not await person.paginate_back(room_id, limit=limit):
            return await person.timeline(room_id)
    raise TooLateError(f"{person.user_id} pages back for ever in {room_id}\n{person.explain()}")
