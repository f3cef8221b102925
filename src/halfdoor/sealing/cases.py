"""What a reporter hands over: the key of one event or file, sealed to one case (SEALING §6)."""

from halfdoor.sealing.labels import H, enc
from halfdoor.sealing.suites import PublicKey


def seal_case(
    case_pub: PublicKey,
    case_id: str,
    reporter: str,
    hh: bytes,
    event_id: str,
    body: bytes,
    key: bytes,
) -> bytes:
    """Return the *key* of the event with this *body*, sealed to the case."""
    return case_pub.seal(case_info(case_id, reporter, hh, event_id, body), key)


def seal_case_media(
    case_pub: PublicKey, case_id: str, reporter: str, media_id: str, file_hash: bytes, key: bytes
) -> bytes:
    """Return the *key* of the sealed file with SHA-256 *file_hash*, sealed to the case."""
    return case_pub.seal(case_media_info(case_id, reporter, media_id, file_hash), key)


def seal_case_disclosure(
    case_pub: PublicKey,
    case_id: str,
    reporter: str,
    hh: bytes,
    event_id: str,
    body: bytes,
    disclosure: bytes,
) -> bytes:
    """Return what *reporter* discloses of an encrypted event (SEALING §7), sealed to the case."""
    return case_pub.seal(case_disclosure_info(case_id, reporter, hh, event_id, body), disclosure)


def case_info(case_id: str, reporter: str, hh: bytes, event_id: str, body: bytes) -> bytes:
    """Return what binds an event's key to a case, its reporter and the very bytes reported."""
    return enc("case", case_id, reporter, hh, event_id, H(body))


def case_media_info(case_id: str, reporter: str, media_id: str, file_hash: bytes) -> bytes:
    """Return what binds a file's key to a case, its reporter and the very file reported."""
    return enc("case-media", case_id, reporter, media_id, file_hash)


def case_disclosure_info(
    case_id: str, reporter: str, hh: bytes, event_id: str, body: bytes
) -> bytes:
    """Return what binds a disclosure to a case, its reporter and the very bytes reported."""
    return enc("case-disclosure", case_id, reporter, hh, event_id, H(body))
