"""How far somebody has read, where threads have receipts of their own (CS-API, "Receipts")."""

from collections.abc import Iterable
from typing import Final

from halfdoor.messaging.ledger import ConversationStore, Receipt, StoredEvent

MAIN: Final = "main"
_PAGE: Final = 500


async def read_up_to(
    store: ConversationStore, conv: str, user: str, receipts: Iterable[Receipt], read: int
) -> int:
    """Return the seq up to which *user* has read everything in *conv*, whatever the thread.

    *receipts* are all that stand in the conversation, *read* is where the answer stood before.
    What was read beyond a thread that is still unread counts once that thread was read too.
    """
    own = [receipt for receipt in receipts if receipt.user == user]
    read = max([read, *(one.seq for one in own if one.thread is None)])
    upto: dict[str, int] = {}
    for one in own:
        if one.thread is not None:
            upto[one.thread] = max(one.seq, upto.get(one.thread, 0))
    top = max(upto.values(), default=0)
    while read < top:
        events = await store.events(
            conv, after=read, before=top + 1, limit=_PAGE, newest_first=False
        )
        for event in events:
            thread = _thread(event)
            if (
                thread is not None
                and event.fields.sender != user
                and event.seq > upto.get(thread, 0)
            ):
                return read
            read = event.seq
        if not events:
            break
    return read


def _thread(event: StoredEvent) -> str | None:
    """Return the thread of a message; None for what notifies nobody by itself (an edit, state)."""
    fields = event.fields
    if fields.rel_type == "m.thread":
        return fields.target
    return MAIN if fields.rel_type is None and fields.state_key is None else None
