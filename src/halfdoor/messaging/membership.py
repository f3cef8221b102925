"""Who may come in, go out, and be put out: rule 4 of room version 11, without federation.

Third-party invites, knocking and restricted join rules are not offered, so whatever would need
them is refused.
"""

from collections.abc import Mapping

from halfdoor.messaging.errors import ForbiddenError
from halfdoor.messaging.powers import Powers


def check_membership(
    *,
    sender: str,
    target: str,
    new: str,
    current: Mapping[str, str],
    join_rule: str | None,
    powers: Powers,
) -> None:
    """Refuse an `m.room.member` event by *sender* that would give *target* the membership *new*.

    *current* maps user ids to `join`, `invite`, `leave` or `ban` (absent: never there);
    *join_rule* is that of the state, None where there is none (then `invite` is in force). The
    creator's own first join precedes all state and is not asked about here. Raises
    `ForbiddenError`.
    """
    if new == "join":
        _check_join(sender, target, current.get(target), join_rule)
    elif new == "invite":
        _check_invite(sender, target, current, powers)
    elif new == "leave":
        _check_leave(sender, target, current, powers)
    elif new == "ban":
        _check_ban(sender, target, current, powers)
    else:
        raise ForbiddenError("this membership is not offered here")


def check_joined(user_id: str, current: Mapping[str, str]) -> None:
    """Refuse a person who is not in the conversation (rule 5). Raises `ForbiddenError`."""
    if current.get(user_id) != "join":
        raise ForbiddenError("you are not in this conversation")


def _check_join(sender: str, target: str, now: str | None, join_rule: str | None) -> None:
    if sender != target:
        raise ForbiddenError("nobody can join for another person")
    if now == "ban":
        raise ForbiddenError("you are banned from this conversation")
    if join_rule is None or join_rule == "invite":
        if now not in {"invite", "join"}:
            raise ForbiddenError("you are not invited to this conversation")
    elif join_rule != "public":
        raise ForbiddenError("the join rule of this conversation is not supported")


def _check_invite(sender: str, target: str, current: Mapping[str, str], powers: Powers) -> None:
    check_joined(sender, current)
    now = current.get(target)
    if now == "join":
        raise ForbiddenError("this person is already in the conversation")
    if now == "ban":
        raise ForbiddenError("this person is banned from the conversation")
    if powers.of(sender) < powers.invite:
        raise ForbiddenError("inviting needs a higher power level")


def _check_leave(sender: str, target: str, current: Mapping[str, str], powers: Powers) -> None:
    if sender == target:
        if current.get(target) not in {"invite", "join"}:
            raise ForbiddenError("you are not in this conversation")
        return
    check_joined(sender, current)
    own = powers.of(sender)
    if current.get(target) == "ban" and own < powers.ban:
        raise ForbiddenError("lifting a ban needs a higher power level")
    if own < powers.kick:
        raise ForbiddenError("putting a person out needs a higher power level")
    _check_outranks(own, powers.of(target))


def _check_ban(sender: str, target: str, current: Mapping[str, str], powers: Powers) -> None:
    check_joined(sender, current)
    own = powers.of(sender)
    if own < powers.ban:
        raise ForbiddenError("banning needs a higher power level")
    _check_outranks(own, powers.of(target))


def _check_outranks(own: int, other: int) -> None:
    # Two equals in a direct conversation cannot put each other out; each can leave, or block.
    if own <= other:
        raise ForbiddenError("this person's power level is not below your own")
