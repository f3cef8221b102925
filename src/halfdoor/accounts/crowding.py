"""How many sessions an account may have, and which make way. Pure."""

from typing import Final

from halfdoor.accounts.records import SessionRecord
from halfdoor.accounts.store import AccountState

MOST_LIVE: Final = 200
MOST_WAITING: Final = 20


def crowded_out(state: AccountState, *, live: bool) -> tuple[SessionRecord, ...]:
    """Return the sessions that end so that one more may begin: those used longest ago.

    Waiting sessions make way for waiting ones only, so that nobody who cannot open the account
    pushes out somebody who can (SEALING §8 no. 53).
    """
    alike = sorted(
        (one for one in state.sessions if (one.kid is not None) == live),
        key=lambda one: one.last_used,
    )
    most = MOST_LIVE if live else MOST_WAITING
    return tuple(alike[: max(0, len(alike) + 1 - most)])
