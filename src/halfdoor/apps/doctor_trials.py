"""What `halfdoor doctor` says of its attempts to cheat a store."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from halfdoor.apps.checks import Check
from halfdoor.sealing.envelope import HEAD_BYTES, SEALED

ENOUGH = 1000


class Chain(Protocol):
    """What recomputing one conversation came to."""

    @property
    def conv(self) -> str:
        """The conversation."""

    @property
    def ok(self) -> bool:
        """Whether its chain holds."""

    @property
    def detail(self) -> str:
        """How many events, or what is wrong."""

    @property
    def events(self) -> int:
        """How many events there are."""

    @property
    def deleted(self) -> int:
        """How many events retention has deleted."""


def wrong_key_check(*, refused: bool) -> Check:
    """A thief of the data guessed an outer key."""
    name = "wrong outer key"
    if refused:
        return Check(name, "ok", "refused, as it must be.")
    return Check(name, "failed", "the store opened with a wrong key.", "Do not use this server.")


def reading_check(bodies: Sequence[bytes]) -> Check:
    """The operator reads messages with all that lies on this machine, and nobody's session."""
    name = "reading without a session"
    sealed = [body for body in bodies if body[:1] == SEALED]
    if not sealed:
        return Check(name, "ok", "there is no message yet that could be tried.")
    if any(_is_text(body[HEAD_BYTES:]) for body in sealed):
        return Check(name, "failed", "a message lies open.", "Do not use this server.")
    return Check(name, "ok", f"{len(sealed)} messages tried with the outer key: none opens.")


def chains_check(reports: Sequence[Chain]) -> Check:
    """Every conversation was recomputed."""
    broken = [report for report in reports if not report.ok]
    if not broken:
        deleted = sum(report.deleted for report in reports)
        events = sum(report.events for report in reports)
        gone = f" {events} events, {deleted} deleted by retention." if deleted else ""
        return Check("chains", "ok", f"{len(reports)} conversations, every chain holds.{gone}")
    told = "; ".join(f"{report.conv}: {report.detail}" for report in broken[:5])
    return Check(
        "chains",
        "failed",
        f"{len(broken)} of {len(reports)} conversations are not as they were written. {told}",
        "Keep the files as they are, and look for who could write them.",
    )


def _is_text(content: bytes) -> bool:
    try:
        msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True
