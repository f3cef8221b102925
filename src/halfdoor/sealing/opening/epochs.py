"""Opening an epoch: its key, for those whom header or records name (SEALING §3)."""

from collections.abc import Sequence

from halfdoor.sealing.epochs import (
    Header,
    ReaderRecord,
    cek_commit,
    late_wrap_info,
    reader_hashes,
    wrap_info,
)
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.suites import PrivateKey


def open_cek(header: Header, hh: bytes, user: str, uk: PrivateKey, blob: bytes) -> bytes:
    """Return the epoch key from the member wrap of *user*.

    *hh* is the hash the reader knows the epoch by, not one taken from the header itself.
    """
    if header.hh != hh or header.kid_of(user) != uk.kid:
        raise Denied
    return _checked(header, uk.open(wrap_info(hh, user), blob))


def open_late_cek(
    header: Header,
    hh: bytes,
    records: Sequence[ReaderRecord],
    n: int,
    user: str,
    uk: PrivateKey,
    blob: bytes,
) -> bytes:
    """Return the epoch key from the late wrap of *user*, whose record is the *n*th from 0."""
    hashes = reader_hashes(hh, records)
    if header.hh != hh or not 0 <= n < len(records):
        raise Denied
    if (records[n].user, records[n].kid) != (user, uk.kid):
        raise Denied
    return _checked(header, uk.open(late_wrap_info(hashes[n], user), blob))


def _checked(header: Header, cek: bytes) -> bytes:
    """Return *cek* if it is the key that escrow and every other member were given."""
    if cek_commit(cek) != header.cek_commit:
        raise Denied
    return cek
