"""Which events of the past a person may see (CS-API, "Room history visibility").

`world_readable` counts as `shared` here: nobody outside a conversation reads it. So does anything
unknown, as the specification asks.
"""


def visible(history_visibility: str | None, membership: str | None, *, joined_since: bool) -> bool:
    """Tell whether a person may see an event.

    *history_visibility* and *membership* are those in force at the event (None: no such state).
    *joined_since* says whether the person joined at any point after it; who is in the
    conversation now and was not then, did. Who has left and not come back did not, so they see
    what they could see up to the leave, and nothing later.
    """
    if membership == "join":
        return True
    if history_visibility == "joined":
        return False
    if history_visibility == "invited":
        return membership == "invite"
    return joined_since


def visible_at_change(
    history_visibility: tuple[str | None, str | None],
    membership: tuple[str | None, str | None],
    *,
    joined_since: bool,
) -> bool:
    """Tell whether a person may see an event that itself changes what they may see.

    That is the person's own `m.room.member` event, or `m.room.history_visibility`. Each pair is
    the value before and after the event; being allowed by either is enough.
    """
    return visible(history_visibility[0], membership[0], joined_since=joined_since) or visible(
        history_visibility[1], membership[1], joined_since=joined_since
    )
