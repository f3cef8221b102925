"""Account data: sealed under the user key, but for the few types the server has a rule about."""

from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from halfdoor.messaging.audience import Audience
from halfdoor.messaging.content import encode
from halfdoor.messaging.errors import ForbiddenError, NotFoundError
from halfdoor.messaging.mailbox import AccountData, MailboxStore
from halfdoor.messaging.pushrules_edit import StoredRules, full_ruleset
from halfdoor.messaging.reading import Reader
from halfdoor.messaging.wake import Wakeups
from halfdoor.sealing.labels import Denied

PUSH_RULES: Final = "m.push_rules"
IGNORED: Final = "m.ignored_user_list"
FULLY_READ: Final = "m.fully_read"
TAGS: Final = "m.tag"

# What the server must be able to read to do what it says (SEALING §3, "in clear").
_CLEAR: Final = frozenset({PUSH_RULES, IGNORED, "m.invite_permission_config", FULLY_READ})
# What has an endpoint of its own (CS-API, "Client Config").
_MANAGED: Final = frozenset({PUSH_RULES, FULLY_READ})


class AccountSeals(Protocol):
    """Seals and opens account data under the user key of a session in flight."""

    def account_data_seal(self, session: str, user: str, type: str, room: str, pt: bytes) -> bytes:
        """Return *pt* sealed; `Denied` where the session holds no user key."""

    def account_data_open(
        self, session: str, user: str, type: str, room: str, blob: bytes
    ) -> bytes:
        """Return what was sealed; `Denied` for anything else."""


class Personal:
    """One person's own data."""

    def __init__(
        self, mailbox: MailboxStore, seals: AccountSeals, audience: Audience, wakeups: Wakeups
    ) -> None:
        """Keep data in *mailbox*; *audience* hears of changes that concern senders."""
        self._mailbox = mailbox
        self._seals = seals
        self._audience = audience
        self._wakeups = wakeups

    async def get(self, reader: Reader, type: str, room: str = "") -> bytes:
        """Return one piece as JSON; `NotFoundError` where there is none or no key to read it."""
        if type == PUSH_RULES and not room:
            return encode(await self.push_rules(reader.user))
        data = await self._mailbox.one_account_data(reader.user, room, type)
        content = self._content(reader, data) if data is not None else None
        if content is None:
            raise NotFoundError("there is no such account data")
        return content

    async def put(self, reader: Reader, type: str, content: dict[str, Any], room: str = "") -> None:
        """Keep one piece. Raises `ForbiddenError` for what has an endpoint of its own."""
        if type in _MANAGED:
            raise ForbiddenError(f"{type} is set by an endpoint of its own")
        await self.keep(reader, type, encode(content), room)

    async def keep(self, reader: Reader, type: str, body: bytes, room: str = "") -> None:
        """Keep one piece as it is, sealed unless the server has a rule about it."""
        sealed = type not in _CLEAR
        if sealed:
            if reader.session is None:
                raise Denied
            body = self._seals.account_data_seal(reader.session, reader.user, type, room, body)
        told = await self._mailbox.set_account_data(
            reader.user, AccountData(room=room, type=type, body=body, sealed=sealed, pos=0)
        )
        if not sealed:
            self._audience.forget(reader.user)
        self._wakeups.ring([told])

    async def since(
        self, reader: Reader, after: int
    ) -> tuple[list[msgspec.Raw], dict[str, list[msgspec.Raw]]]:
        """Return what was written after a position: global events, and events by room."""
        everywhere: list[msgspec.Raw] = []
        by_room: dict[str, list[msgspec.Raw]] = {}
        rules_shown = False
        for data in await self._mailbox.account_data(reader.user, after=after):
            if data.type == PUSH_RULES:
                rules_shown = True
                content: bytes | None = encode(await self.push_rules(reader.user))
            else:
                content = self._content(reader, data)
            if content is None:
                continue
            event = msgspec.Raw(
                msgspec.json.encode({"type": data.type, "content": msgspec.Raw(content)})
            )
            (by_room.setdefault(data.room, []) if data.room else everywhere).append(event)
        if after == 0 and not rules_shown:
            rules = {"type": PUSH_RULES, "content": await self.push_rules(reader.user)}
            everywhere.append(msgspec.Raw(msgspec.json.encode(rules)))
        return everywhere, by_room

    # -- push rules ----------------------------------------------------------------------------

    async def push_rules(self, user: str) -> dict[str, Any]:
        """Return the whole ruleset of *user* as GET /pushrules/ shows it."""
        return full_ruleset(await self.stored_rules(user), user)

    async def stored_rules(self, user: str) -> StoredRules:
        """Return what *user* changed of the default rules."""
        data = await self._mailbox.one_account_data(user, "", PUSH_RULES)
        return msgspec.json.decode(data.body, type=StoredRules) if data else StoredRules()

    async def edit_rules(
        self, reader: Reader, change: Callable[[StoredRules], StoredRules]
    ) -> None:
        """Keep what *change* makes of the rules. Raises what it raises."""
        rules = change(await self.stored_rules(reader.user))
        await self.keep(reader, PUSH_RULES, msgspec.json.encode(rules))

    # -- inside --------------------------------------------------------------------------------

    def _content(self, reader: Reader, data: AccountData) -> bytes | None:
        if not data.sealed:
            return data.body
        if reader.session is None:
            return None
        try:
            return self._seals.account_data_open(
                reader.session, reader.user, data.type, data.room, data.body
            )
        except Denied:
            # Sealed under a key that this person gave up: closed for good (SEALING §2).
            return None
