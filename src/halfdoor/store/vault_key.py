"""The child-safety key in a file of its own: what the vault keeps is sealed to it."""

import os
import stat
from pathlib import Path
from typing import Final, final

from halfdoor.sealing.labels import Denied
from halfdoor.sealing.suites import XWING, PrivateKey, PublicKey
from halfdoor.store.errors import OuterKeyError
from halfdoor.store.outerkey import default_path, sync_folder

_MOST_BYTES: Final = 200


@final
class VaultKeyFile:
    """Implements `readers.review.sealed_files.VaultKey`: a raw X-Wing key, mode 0600.

    It is made when it is first needed, never where something was sealed before, and read anew each
    time: it does not stay in memory.
    """

    def __init__(self, path: Path, *, data_dir: Path, folder: Path) -> None:
        """*folder* is where the sealed files lie; the key may lie neither there nor in *data_dir*.

        `OuterKeyError` where it does.
        """
        self._path = path.expanduser().absolute()
        self._folder = folder
        for place in (data_dir, folder):
            if self._path.resolve().is_relative_to(place.resolve()):
                raise OuterKeyError(
                    f"the child-safety key {self._path} lies inside {place}, so whoever copies one"
                    " has both: move it elsewhere"
                )

    def public(self) -> PublicKey:
        """Return what files are sealed to; `OuterKeyError` where the key cannot be had."""
        return self.private().public

    def private(self) -> PrivateKey:
        """Return what opens them; `OuterKeyError` where the key cannot be had."""
        if not self._path.exists():
            if any(self._folder.glob("*.sealed")):
                raise OuterKeyError(
                    f"there are sealed files, but no child-safety key at {self._path}: put the key"
                    " back from its copy"
                )
            self._make()
        return self._read()

    def _make(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(self._path, flags, 0o600), "wb") as file:
            file.write(PrivateKey.generate(XWING).raw)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(self._path.parent)

    def _read(self) -> PrivateKey:
        with self._path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            raw = file.read(_MOST_BYTES)
        if mode & 0o077:
            raise OuterKeyError(
                f"the child-safety key {self._path} can be read by others (mode {mode:03o})"
            )
        try:
            return PrivateKey.from_bytes(XWING, raw)
        except Denied:
            raise OuterKeyError(f"{self._path} holds no child-safety key") from None

    def __repr__(self) -> str:
        return f"VaultKeyFile({str(self._path)!r})"


def default_key_path() -> Path:
    """Return where the key lies if nobody says otherwise: beside the outer key."""
    return default_path().with_name("child_safety.key")
