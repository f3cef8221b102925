"""An event before it is kept: accepted and checked, not yet sealed."""

import msgspec

from halfdoor.messaging.content import Content, check_size, encode, relation_of
from halfdoor.messaging.ledger import MembershipChange
from halfdoor.messaging.room import CLEAR_STATE


class Draft(msgspec.Struct, frozen=True, gc=False):
    """What the server will keep. `raw` is the content as UTF-8 JSON, `content` the same, parsed."""

    type: str
    state_key: str | None
    content: Content
    raw: bytes
    event_id: str
    txn: str | None = None
    rel_type: str | None = None
    target: str | None = None
    redacts: str | None = None
    membership: MembershipChange | None = None
    # Of the server's own making, where nobody's session could seal: its content says nothing but
    # what stands beside the event in clear anyway.
    clear: bool = False

    @property
    def stays_clear(self) -> bool:
        """Whether the server must be able to act on the content (SEALING §3)."""
        return self.clear or (self.state_key is not None and self.type in CLEAR_STATE)


def draft(
    event_type: str,
    content: Content,
    *,
    conv: str,
    sender: str,
    event_id: str,
    state_key: str | None = None,
    txn: str | None = None,
    membership: MembershipChange | None = None,
) -> Draft:
    """Make a draft of *content*, refusing what is too large. Raises `MessagingError`."""
    raw = encode(content)
    check_size(raw, event_type=event_type, sender=sender, room_id=conv, state_key=state_key)
    rel_type, target = relation_of(content)
    return Draft(
        type=event_type,
        state_key=state_key,
        content=content,
        raw=raw,
        event_id=event_id,
        txn=txn,
        rel_type=rel_type,
        target=target,
        membership=membership,
    )
