"""What is said when a proof, note, tile or policy does not hold."""

from typing import Final


class RefusedError(ValueError):
    """Something that was presented does not hold; `check` names the check that failed.

    All of it concerns public facts, so the reason is told in full.
    """

    def __init__(self, check: str, why: str) -> None:
        """*check* is a short stable name, such as `note-signature`; *why* a clause for people."""
        super().__init__(f"{check}: {why}")
        self.check: Final = check
        self.why: Final = why
