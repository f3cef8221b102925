"""What of a conversation's past one person may see, by their membership over time."""

from collections.abc import Iterable

from halfdoor.messaging.ledger import StoredEvent
from halfdoor.messaging.room import Room, clear_content
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
    if reads_request(room, user) and seq >= asked_at(room, user) and company(room, seq) <= _TWO:
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


def asked_at(room: Room, user: str) -> int:
    """Return the seq of the invitation of *user* that stands; being asked again changes nothing."""
    seq = room.head.last_seq + 1
    for at, membership in reversed(room.memberships(user)):
        if membership != "invite":
            break
        seq = at
    return seq


def company(room: Room, seq: int) -> int:
    """Return how many people were in the conversation, or asked into it, after event *seq*.

    What was written before a crowd was no request, also when the crowd has gone (SAFETY §5.13).
    """
    course: list[tuple[int, int]] | None = room.derived.get("company")
    if course is None:
        course = []
        present: set[str | None] = set()
        for event in room.log:
            if event.fields.type == "m.room.member":
                here = clear_content(event).get("membership") in {"join", "invite"}
                (present.add if here else present.discard)(event.fields.state_key)
                course.append((event.seq, len(present)))
        room.derived["company"] = course
    count = 0
    for at, now in course:
        if at > seq:
            break
        count = now
    return count


def may_read(room: Room, user: str) -> bool:
    """Tell whether anything of *room* is for *user*: a member, one who was, or one who is asked."""
    if room.members.get(user) == "join" or reads_request(room, user):
        return True
    return any(membership == "join" for _, membership in room.memberships(user))


def state_bound(room: Room, user: str) -> int:
    """Return the seq before which *user* may see state: the end, or right behind their leaving."""
    memberships = room.memberships(user)
    if room.members.get(user) not in {"join", "invite"}:
        for at in range(len(memberships) - 2, -1, -1):
            if memberships[at][1] == "join":
                return memberships[at + 1][0] + 1
    return room.head.last_seq + 1


def newest_unopened(
    user: str, asked: Iterable[StoredEvent], shown: Iterable[tuple[StoredEvent, bytes]]
) -> int:
    """Return the seq of the newest event of *asked* that *user* has no key for, 0 without one.

    What is older than it is left out as well, so that nobody sees a history with a hole in it
    (SEALING §3, late wraps).
    """
    opened = {event.seq for event, _ in shown}
    closed = [e.seq for e in asked if e.seq not in opened and user not in e.hidden_from]
    return max(closed, default=0)
