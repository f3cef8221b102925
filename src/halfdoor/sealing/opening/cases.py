"""Opening what was reported, and nothing beside it (SEALING §6)."""

from halfdoor.sealing.cases import case_disclosure_info, case_info, case_media_info
from halfdoor.sealing.envelope import EventFields
from halfdoor.sealing.labels import H
from halfdoor.sealing.opening.events import open_event_with_key
from halfdoor.sealing.opening.media import open_media
from halfdoor.sealing.suites import PrivateKey


def open_case(
    case_key: PrivateKey,
    blob: bytes,
    case_id: str,
    reporter: str,
    hh: bytes,
    fields: EventFields,
    body: bytes,
) -> bytes:
    """Return the content of a reported event from the copy of its *body* and clear *fields*."""
    key = case_key.open(case_info(case_id, reporter, hh, fields.event_id, body), blob)
    return open_event_with_key(key, hh, fields, body)


def open_case_disclosure(
    case_key: PrivateKey,
    blob: bytes,
    case_id: str,
    reporter: str,
    hh: bytes,
    event_id: str,
    body: bytes,
) -> bytes:
    """Return what a reporter disclosed of the encrypted event with this *body*."""
    return case_key.open(case_disclosure_info(case_id, reporter, hh, event_id, body), blob)


def open_case_media_key(
    case_key: PrivateKey,
    blob: bytes,
    case_id: str,
    reporter: str,
    media_id: str,
    file_hash: bytes,
) -> bytes:
    """Return the key of the reported file whose sealed copy has the SHA-256 *file_hash*."""
    return case_key.open(case_media_info(case_id, reporter, media_id, file_hash), blob)


def open_case_media(
    case_key: PrivateKey, blob: bytes, case_id: str, reporter: str, media_id: str, file: bytes
) -> bytes:
    """Return the content of a reported *file* from its sealed copy."""
    key = open_case_media_key(case_key, blob, case_id, reporter, media_id, H(file))
    return open_media(key, media_id, file)
