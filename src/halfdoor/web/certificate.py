"""The certificate a listener shows, and how a new one takes its place while connections go on.

A new pair of files is tried in a TLS context of its own; only when that works do new connections
meet it. Connections that are open keep the keys that they agreed on.
"""

import asyncio
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from structlog.typing import FilteringBoundLogger

LOOK_SECONDS: Final = 60.0

_Stamp = tuple[tuple[int, int, int], ...]


class CertificateError(Exception):
    """A certificate or its key cannot be used.

    *setting* is the one that names the file, *why* a phrase of ours; the text holds both and the
    file's name, and nothing of what is in it.
    """

    def __init__(self, setting: str, file: Path, why: str) -> None:
        super().__init__(f"{setting}: {file} {why}")
        self.setting = setting
        self.why = why


def load_context(chain: Path, key: Path) -> tuple[ssl.SSLContext, datetime]:
    """A server's context (TLS 1.3 and nothing older) and when its certificate ends.

    CertificateError for a file that cannot be read, is no PEM, or a key of another certificate.
    """
    raw = _read("tls_cert", chain)
    _read("tls_key", key)
    try:
        certificates = x509.load_pem_x509_certificates(raw)
    except ValueError:
        raise CertificateError("tls_cert", chain, "is no certificate in PEM") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    try:
        # An encrypted key is refused: nobody is there to type its password.
        context.load_cert_chain(chain, key, password="")
    except (OSError, ValueError):
        why = "is encrypted or not the key of the certificate"
        raise CertificateError("tls_key", key, why) from None
    return context, certificates[0].not_valid_after_utc


def _read(setting: str, file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CertificateError(setting, file, f"cannot be read: {error.strerror}") from None


class Certificate:
    """The pair of files of one listener, and the context that comes of them."""

    def __init__(self, chain: Path, key: Path) -> None:
        """Load the pair; CertificateError when it cannot be used.

        One that has ended is taken here: clients can tell an old certificate from no server.
        """
        self._chain, self._key = chain, key
        self._stamp = self._look()
        self.context, self.ends = load_context(chain, key)

    def __repr__(self) -> str:
        """Without the key."""
        return f"Certificate({str(self._chain)!r}, ends={self.ends:%Y-%m-%d})"

    async def refresh(self, log: FilteringBoundLogger, *, asked: bool = False) -> bool:
        """Take the files' new content, if there is any or *asked*; True when it was taken.

        Whatever is wrong with it is logged, and the old certificate stays.
        """
        try:
            stamp = await asyncio.to_thread(self._look)
            if stamp == self._stamp and not asked:
                return False
            # Told once for each change, not once a minute.
            self._stamp = stamp
            context, ends = await asyncio.to_thread(load_context, self._chain, self._key)
            left = (ends - datetime.now(UTC)).total_seconds()
            if left <= 0:
                raise CertificateError("tls_cert", self._chain, f"ended on {ends:%Y-%m-%d}")
        except CertificateError as error:
            log.error(
                "new certificate refused, the old one stays",
                setting=error.setting,
                error=error.why,
            )
            return False
        self.context, self.ends = context, ends
        log.info("new certificate", seconds=round(left))
        return True

    def _look(self) -> _Stamp:
        try:
            found = [file.stat() for file in (self._chain, self._key)]
        except OSError:
            return ()
        return tuple((each.st_mtime_ns, each.st_size, each.st_ino) for each in found)


async def keep_fresh(
    certificate: Certificate, log: FilteringBoundLogger, seconds: float = LOOK_SECONDS
) -> None:
    """Look at the files every so many *seconds*, for ever."""
    while True:
        await asyncio.sleep(seconds)
        await certificate.refresh(log)
