"""Which policy is in force, by witnesses' time: seven days after it was seen, the first at once."""

from typing import Final

import msgspec

from halfdoor.transparency.entries import PolicyEntry
from halfdoor.transparency.leaf_times import DAY_S, LeafTimes

WAIT_S: Final = 7 * DAY_S


class LoggedPolicy(msgspec.Struct, frozen=True):
    """A policy with its place in the log."""

    index: int
    entry: PolicyEntry


def effective_from(policies: list[LoggedPolicy], number: int, times: LeafTimes) -> int | None:
    """Return from when the policy *number* of the log counts (s since 1970), None if not known."""
    if number == 0:
        return 0
    seen = times.of(policies[number].index)
    return None if seen is None else seen + WAIT_S


def effective_at(policies: list[LoggedPolicy], time: int, times: LeafTimes) -> LoggedPolicy | None:
    """Return the policy that counts at *time* (s since 1970): the newest that took effect."""
    for number in range(len(policies) - 1, -1, -1):
        since = effective_from(policies, number, times)
        if since is not None and since <= time:
            return policies[number]
    return None
