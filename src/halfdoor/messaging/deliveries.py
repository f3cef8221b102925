"""Who is told of an event, and how loudly. Pure: listeners in, deliveries out."""

from collections.abc import Mapping

from halfdoor.messaging.audience import Listener
from halfdoor.messaging.drafts import Draft
from halfdoor.messaging.ledger import Delivery
from halfdoor.messaging.mailbox import EVENT, INVITE
from halfdoor.messaging.pushrules import EventView, evaluate
from halfdoor.messaging.room import Room


def recipients(room: Room, draft: Draft) -> dict[str, int]:
    """Return whom *draft* concerns and the kind of inbox row each gets.

    That is everyone who has joined, whoever's membership it changes, and for a message also the
    invited: their request shows it (SAFETY §5.13).
    """
    told = dict.fromkeys(room.joined, EVENT)
    change = draft.membership
    if draft.state_key is None and room.invited:
        told.update(
            (user, INVITE)
            for user in room.invited
            if user not in room.state[("m.room.member", user)].hidden_from
        )
    if change is not None:
        told.pop(change.user, None)
        if change.shown:
            told[change.user] = INVITE if change.membership == "invite" else EVENT
    return told


def deliver(
    room: Room,
    sender: str,
    draft: Draft,
    told: Mapping[str, int],
    listeners: Mapping[str, Listener],
) -> tuple[tuple[Delivery, ...], tuple[str, ...]]:
    """Return the deliveries of *draft*, and the people it must stay hidden from.

    A person who blocks or ignores the sender gets no row, and every read leaves the event out. The
    state of the room reaches everybody, else their clients would show another room.
    """
    view = EventView(draft.type, sender, room.conv, draft.content, draft.state_key)
    count = len(room.joined)
    deliveries, hidden = [], []
    if draft.membership is not None and not draft.membership.shown:
        hidden.append(draft.membership.user)
    for user, kind in told.items():
        if user == sender:
            deliveries.append(Delivery(user, kind))
            continue
        listener = listeners[user]
        if sender in listener.unheard and (draft.state_key is None or kind == INVITE):
            hidden.append(user)
            continue
        verdict = evaluate(
            listener.push,
            view,
            member_count=count,
            display_name=room.name_of(user),
            powers=room.powers,
            user_id=user,
        )
        notify = verdict.notify and sender not in listener.unheard
        deliveries.append(Delivery(user, kind, notify, notify and verdict.highlight))
    return tuple(deliveries), tuple(hidden)
