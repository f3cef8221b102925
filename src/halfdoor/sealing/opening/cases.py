"""Opening what was reported, and nothing beside it (SEALING §6)."""

from halfdoor.sealing.cases import case_info, case_media_info
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


def open_case_media(
    case_key: PrivateKey, blob: bytes, case_id: str, reporter: str, media_id: str, file: bytes
) -> bytes:
    """Return the content of a reported *file* from its sealed copy."""
    key = case_key.open(case_media_info(case_id, reporter, media_id, H(file)), blob)
    return open_media(key, media_id, file)
