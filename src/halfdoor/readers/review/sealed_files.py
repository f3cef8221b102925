"""What the vault keeps as files: sealed to its own key, read only by who exports them."""

from typing import Protocol

import msgspec

from halfdoor.sealing.labels import enc
from halfdoor.sealing.suites import PrivateKey, PublicKey


class SealedFiles(Protocol):
    """Where sealed files lie, readable by their owner alone (0600); durable when it returns."""

    async def keep(self, name: str, sealed: bytes) -> None:
        """Keep *sealed* as *name*, in place of what was there."""

    async def read(self, name: str) -> bytes | None:
        """Return what is kept as *name*, None where nothing is."""

    async def destroy(self, name: str) -> bool:
        """Remove *name* for good; tell whether it was there."""


class VaultKey(Protocol):
    """The child-safety key: apart from the outer key and from the keys of cases."""

    def public(self) -> PublicKey:
        """Return what files are sealed to."""

    def private(self) -> PrivateKey:
        """Return what opens them; callers log who asked before they call."""


class TipFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file beside the report. `viewed` is what the staff log proved when it was made."""

    name: str
    content: bytes
    evidence: tuple[str, ...]
    viewed: bool

    def __repr__(self) -> str:
        return f"TipFile({self.name!r}, viewed={self.viewed})"


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """A referral ready to be filed: the report, and the files that go with it."""

    referral: str
    case: str
    report: bytes
    files: tuple[TipFile, ...] = ()

    def __repr__(self) -> str:
        return f"Package({self.referral!r}, files={len(self.files)})"


def seal_package(package: Package, key: PublicKey) -> bytes:
    """Return *package* sealed to the vault, bound to its names."""
    return key.seal(_info(package.case, package.referral), msgspec.json.encode(package))


def open_package(sealed: bytes, key: PrivateKey, case: str, referral: str) -> Package:
    """Return the package in *sealed*, else `Denied`: also for that of another case."""
    return msgspec.json.decode(key.open(_info(case, referral), sealed), type=Package)


def _info(case: str, referral: str) -> bytes:
    return enc("vault-package", case, referral)
