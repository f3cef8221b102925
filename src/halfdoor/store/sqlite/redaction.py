"""Redaction: hidden at once, held for a while under another key, then destroyed (SEALING §3)."""

from hashlib import sha256
from typing import Final

import msgspec

from halfdoor.messaging.ledger import NewEvent
from halfdoor.sealing.envelope import is_clear
from halfdoor.store.sqlite.epochs import drop_sealed_state
from halfdoor.store.sqlite.events import id_bytes, open_row, seal_row
from halfdoor.store.sqlite.heads import Standing
from halfdoor.store.sqlite.statements import statements
from halfdoor.store.sqlite.turn import Turn

_SQL: Final = statements("append")


def redact(turn: Turn, at: Standing, event: NewEvent, hold: int | None) -> None:
    """Take the body out of the event that *event* redacts; the first redaction counts.

    The body moves to the hold under the generation *hold* until `destroy_after`, or is
    destroyed at once where there is no such time. A body stored in clear is state the server
    acts on: it stays, marked as redacted, and is stripped where it is read.
    """
    if event.redacts is None:
        return
    keys, packed = turn.keys.outer, id_bytes(event.redacts)
    found = turn.event(at, packed)
    if found is None:
        return
    seq, sealed = found
    row = open_row(keys, at.conv, seq, packed, sealed)
    if row.redacted_by is not None:
        return
    marked = msgspec.structs.replace(row, redacted_by=event.fields.event_id)
    if row.body is not None and not is_clear(row.body):
        if event.destroy_after is not None and hold is not None:
            held = keys.seal(hold, "hold", at.conv, (at.conv, seq), row.body)
            turn.con.execute(_SQL["insert_hold"], (at.cb, at.c, seq, event.destroy_after, held))
        else:
            # The keys of files go with the body: here at once, else with what is held.
            turn.con.execute(_SQL["delete_media_wraps"], (at.cb, at.c, seq))
        # The chain needs the hash of the body, never the body.
        body_hash = sha256(row.body).digest()
        marked = msgspec.structs.replace(marked, body=None, body_hash=body_hash)
    # Under the key it had, so that it is destroyed with its month.
    month = int.from_bytes(sealed[:2], "big")
    replaced = seal_row(keys, month, at.conv, seq, packed, marked)
    turn.con.execute(_SQL["replace_event"], (replaced, at.cb, at.c, seq))
    if row.state_key is not None:
        drop_sealed_state(turn.con, keys, at, (row.type, row.state_key), event.redacts)
