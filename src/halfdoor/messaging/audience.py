"""What each person wants to hear of: blocks, ignores and push rules, kept ready for the senders."""

from typing import Any, Final, Protocol

import msgspec

from halfdoor.accounts.recent import Recent
from halfdoor.messaging import pushrules
from halfdoor.messaging.mailbox import MailboxStore
from halfdoor.messaging.pushrules_edit import StoredRules, full_ruleset

_BOUND: Final = 20_000


class Blocks(Protocol):
    """Whom people block."""

    async def blocks(self, user: str) -> frozenset[str]:
        """Return whom *user* blocks."""

    def blocks_at_hand(self, user: str) -> frozenset[str] | None:
        """Return the same if it is remembered: the same object until it changes."""


class Listener(msgspec.Struct, frozen=True):
    """One person as a recipient: whom they do not hear, and what they want to be told of."""

    blocks: frozenset[str]
    unheard: frozenset[str]
    push: pushrules.Compiled


class Audience:
    """The listeners, made from the store and dropped when something about them changes."""

    def __init__(self, mailbox: MailboxStore, blocks: Blocks) -> None:
        """Read account data from *mailbox*, and whom a person blocks from *blocks*."""
        self._mailbox = mailbox
        self._blocks = blocks
        self._known: Recent[str, Listener] = Recent(_BOUND)

    def at_hand(self, user: str) -> Listener | None:
        """Return the listener if no look-up is needed and no block changed meanwhile."""
        found = self._known.at_hand(user)
        if found is None or found.blocks is not self._blocks.blocks_at_hand(user):
            return None
        return found

    async def of(self, user: str) -> Listener:
        """Return *user* as a recipient."""
        found = self.at_hand(user)
        if found is not None:
            return found
        mark = self._known.mark()
        blocks = await self._blocks.blocks(user)
        ignored = await self._ignored(user)
        stored = await self._mailbox.one_account_data(user, "", "m.push_rules")
        rules = msgspec.json.decode(stored.body, type=StoredRules) if stored else StoredRules()
        listener = Listener(
            blocks=blocks,
            unheard=ignored | blocks,
            push=pushrules.compile_rules(full_ruleset(rules, user)),
        )
        self._known.put_since(mark, user, listener)
        return listener

    async def ignores(self, user: str, other: str) -> bool:
        """Tell whether *user* ignores *other* (account data `m.ignored_user_list`)."""
        return other in await self._ignored(user)

    async def _ignored(self, user: str) -> frozenset[str]:
        data = await self._mailbox.one_account_data(user, "", "m.ignored_user_list")
        if data is None:
            return frozenset()
        listed: Any = msgspec.json.decode(data.body).get("ignored_users")
        return frozenset(listed) if isinstance(listed, dict) else frozenset()

    def forget(self, user: str) -> None:
        """Read *user* anew next time: an ignore or a push rule changed."""
        self._known.forget(user)
