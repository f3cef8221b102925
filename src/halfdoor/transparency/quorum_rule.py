"""How large a quorum has to be: two of them share two witnesses, so that one liar forks nothing.

With q of n this is 2q > n + 1 (SEALING §4); groups within groups are tried out.
"""

from itertools import combinations
from typing import Final

from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.trust_policy import TrustPolicy

# Tried out for every set of witnesses: some milliseconds for ten of them.
_MOST_TRIED: Final = 12


def check_quorum(policy: TrustPolicy) -> None:
    """Refuse a policy under which one dishonest witness could vouch for a fork.

    Raises `RefusedError`.
    """
    group = policy.groups.get(policy.quorum)
    if group is not None and all(name in policy.witnesses for name in group.members):
        if 2 * group.least <= len(group.members) + 1:
            raise RefusedError(
                "witness-quorum",
                f"{group.least} of {len(group.members)} is too few: one dishonest witness could"
                " help a fork (q of n needs 2q > n + 1)",
            )
        return
    if len(policy.witnesses) > _MOST_TRIED:
        raise RefusedError("witness-quorum", "groups within groups need 12 witnesses or fewer")
    if _can_fork(policy):
        raise RefusedError(
            "witness-quorum", "one dishonest witness could help a fork: two quorums must share two"
        )


def _can_fork(policy: TrustPolicy) -> bool:
    names = list(policy.witnesses)
    # Without any witness at all, or with one who says yes twice.
    for liar in names or [""]:
        others = [name for name in names if name != liar]
        for size in range(len(others) + 1):
            for some in combinations(others, size):
                rest = [name for name in others if name not in some]
                if policy.holds([*some, liar]) and policy.holds([*rest, liar]):
                    return True
    return False
