"""The last gate before custodians' shares are kept: none for what people's own apps encrypt."""

import msgspec

from halfdoor.messaging.ledger import EpochStart
from halfdoor.sealing.labels import CheckError


class SharesError(CheckError):
    """Shares were to be kept with an epoch that must have none."""


class _Said(msgspec.Struct):
    """What is read of a header here; openers check all of it (`sealing.epochs.parse_header`)."""

    posture: str = "standard"


_read = msgspec.json.Decoder(_Said).decode


def check_shares(start: EpochStart) -> None:
    """Refuse shares for an epoch whose header says that it is end-to-end encrypted.

    Whoever makes an epoch makes none there (`messaging.epoch_making`); this holds whoever writes.
    Raises `SharesError`.
    """
    if start.shares and _read(start.header).posture != "standard":
        raise SharesError("an end-to-end encrypted epoch has no custodians' shares")
