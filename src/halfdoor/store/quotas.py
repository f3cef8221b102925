"""How much one person may keep: refusals that say which setting decides. Pure."""

from typing import Final

from halfdoor.messaging.errors import QuotaError

_MARKER: Final = "m.fully_read"


def check_account_data(kept: int, kind: str, most: int) -> None:
    """Refuse a new piece of *kind* to somebody who keeps *kept* others (`QuotaError`)."""
    # There is one marker for each conversation, and reading must never be refused.
    if kind != _MARKER and kept >= most:
        raise QuotaError(
            f"you keep {kept} pieces of account data here, which is as many as anybody may: write"
            " over one that you no longer need"
        )


def check_filters(others: int, most: int) -> None:
    """Refuse one more filter to somebody who keeps *others* (`QuotaError`)."""
    if others >= most:
        raise QuotaError(
            f"you keep {others} filters here, which is as many as anybody may: use one of them, or"
            " send the filter with each sync"
        )
