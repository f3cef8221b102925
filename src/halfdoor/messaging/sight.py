"""What of a conversation's past one person may see, by their membership over time."""

from halfdoor.messaging.room import Room
from halfdoor.messaging.visibility import visible, visible_at_change

# An invited person reads the request before answering it only where no crowd can shout at them:
# in a conversation of two (SAFETY §5.13).
_TWO = 2


def value_at(course: list[tuple[int, str]], seq: int) -> str | None:
    """Return the value in force after event *seq*, None before the first."""
    value = None
    for at, now in course:
        if at > seq:
            break
        value = now
    return value


def membership_at(room: Room, user: str, seq: int) -> str:
    """Return the membership of *user* when event *seq* was sent (after it, if it is their own)."""
    return value_at(room.memberships(user), seq) or "leave"


def may_see(room: Room, user: str, seq: int) -> bool:
    """Tell whether *user* may see event *seq* (CS-API, "Room history visibility")."""
    memberships = room.memberships(user)
    course = room.course("m.room.history_visibility", "", "history_visibility")
    # The usual case, asked for every event of a page: joined then, and ever since.
    if memberships and memberships[-1][1] == "join" and memberships[-1][0] <= seq:
        return True
    if reads_request(room, user) and seq >= memberships[-1][0]:
        return True
    joined_since = any(now == "join" and at > seq for at, now in memberships)
    rule, membership = value_at(course, seq), value_at(memberships, seq)
    if any(at == seq for at, _ in (*memberships, *course)):
        return visible_at_change(
            (value_at(course, seq - 1), rule),
            (value_at(memberships, seq - 1), membership),
            joined_since=joined_since,
        )
    return visible(rule, membership, joined_since=joined_since)


def reads_request(room: Room, user: str) -> bool:
    """Tell whether *user* is invited and may read what was written to them so far."""
    return (
        room.members.get(user) == "invite"
        and room.history_visibility != "joined"
        and len(room.with_membership("join", "invite")) <= _TWO
    )


def may_read(room: Room, user: str) -> bool:
    """Tell whether anything of *room* is for *user*: a member, one who was, or one who is asked."""
    if room.members.get(user) == "join" or reads_request(room, user):
        return True
    return any(membership == "join" for _, membership in room.memberships(user))
