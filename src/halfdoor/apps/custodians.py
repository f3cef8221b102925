"""The escrow sets a server seals to, from the files that its configuration or policy names."""

from pathlib import Path

import msgspec

from halfdoor.config.errors import ConfigError
from halfdoor.config.model import Config
from halfdoor.policy.load import escrow_documents
from halfdoor.policy.model import Policy
from halfdoor.sealing.labels import CheckError, Denied
from halfdoor.sealing.shares import EscrowSet


def escrow_sets(config: Config, policy: Policy) -> tuple[EscrowSet, ...]:
    """Return the entity's set and, where there is one, its emergency set; () without any.

    Raises `ConfigError` for a file that cannot be read, is no set, or is another entity's.
    """
    named: tuple[Path | None, Path | None] = (None, None)
    if config.policy_file is not None:
        named = escrow_documents(policy, config.policy_file)
    first = config.escrow_set_file or named[0]
    second = config.emergency_set_file or named[1]
    if first is None:
        if second is not None:
            raise ConfigError("emergency_set_file", "an emergency set needs an escrow set.")
        return ()
    sets = [read_set(first, policy)]
    if second is not None:
        sets.append(read_set(second, policy))
    return tuple(sets)


def read_set(path: Path, policy: Policy) -> EscrowSet:
    """Return the escrow set document at *path*, checked (SEALING §3)."""
    try:
        document = msgspec.json.decode(path.read_bytes())
        found = EscrowSet.from_document(document)
    except OSError as error:
        raise ConfigError("escrow_set_file", f"{path} cannot be read: {error.strerror}.") from None
    except (msgspec.DecodeError, Denied, CheckError):
        raise ConfigError("escrow_set_file", f"{path} is no escrow set document.") from None
    if found.entity != policy.entity.name:
        raise ConfigError("escrow_set_file", f"{path} belongs to another entity.")
    return found
