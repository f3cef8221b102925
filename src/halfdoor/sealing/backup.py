"""Backups: parts named by what is in them and sealed under a key of the backup's own.

A part is the same bytes each time it is made, so whatever is there already need not be written
again, and its name tells who lacks the key nothing but that two parts are equal.
"""

from typing import Final, final

from halfdoor.sealing.labels import Denied, enc, expand, mac, same_bytes
from halfdoor.sealing.symmetric import KEY_BYTES, NONCE_BYTES, cipher, decrypt, unwrap, wrap

# Under this number the outer key wraps a backup's key: no account key, hold or month has it.
GENERATION: Final = 0
NAME_BYTES: Final = 32
# The key of a part is made from the part's own name, so it seals one plaintext and no other.
_NONCE: Final = bytes(NONCE_BYTES)


@final
class BackupKey:
    """Names, seals and opens the parts and the manifests of one backup folder."""

    def __init__(self, key: bytes) -> None:
        """Take 32 random bytes that are used for nothing else."""
        if len(key) != KEY_BYTES:
            raise Denied
        self._key = key
        self._names = expand(key, enc("backup-names"))
        self._manifests = expand(key, enc("backup-manifests"))

    def seal(self, part: bytes) -> tuple[bytes, bytes]:
        """Return the name of *part*, 32 bytes, and its sealed form, 16 bytes longer than it."""
        name = mac(self._names, part)
        sealed = cipher(self._of(name)).encrypt(_NONCE, part, _part(name))
        return name, sealed

    def open(self, name: bytes, sealed: bytes) -> bytes:
        """Return the part of this *name*, else `Denied`."""
        part = decrypt(cipher(self._of(name)), _NONCE, sealed, _part(name))
        if not same_bytes(mac(self._names, part), name):
            raise Denied
        return part

    def seal_manifest(self, number: int, body: bytes) -> bytes:
        """Return the manifest *number* sealed."""
        return wrap(self._manifests, body, enc("backup-manifest", number))

    def open_manifest(self, number: int, sealed: bytes) -> bytes:
        """Return the manifest that was sealed as *number*, else `Denied`."""
        return unwrap(self._manifests, sealed, enc("backup-manifest", number))

    def _of(self, name: bytes) -> bytes:
        return expand(self._key, _part(name))

    def __repr__(self) -> str:
        return "BackupKey(…)"


def _part(name: bytes) -> bytes:
    """Return what binds a sealed part to its name."""
    return enc("backup-part", name)
