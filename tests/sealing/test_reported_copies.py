"""A report opens what was reported, as it was stored, in its own case: nothing beside it."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import msgspec
import pytest

from halfdoor.sealing.cases import seal_case, seal_case_media
from halfdoor.sealing.envelope import EventFields, seal_event
from halfdoor.sealing.labels import H
from halfdoor.sealing.media import seal_media
from halfdoor.sealing.opening.cases import open_case, open_case_media
from halfdoor.sealing.opening.events import EventOpener
from halfdoor.sealing.suites import XWING, PrivateKey

Expect = Callable[[], AbstractContextManager[None]]

CEK = bytes(range(32))
HH = b"\x07" * 32
BOB = "@bob:a.example"
SAID = EventFields(event_id="$1", sender="@a:x", device="D", ts=5, type="m.room.message")
NEXT = msgspec.structs.replace(SAID, event_id="$2")


@pytest.fixture(scope="module")
def case_key() -> PrivateKey:
    return PrivateKey.generate(XWING)


def test_a_report_opens_one_event_and_no_neighbour(denied: Expect, case_key: PrivateKey) -> None:
    """SEALING §8 no. 29."""
    body, neighbour = (seal_event(CEK, HH, one, b"x") for one in (SAID, NEXT))
    key = EventOpener(CEK, HH).key(SAID, body)
    blob = seal_case(case_key.public, "C1", BOB, HH, "$1", body, key)
    assert open_case(case_key, blob, "C1", BOB, HH, SAID, body) == b"x"
    for case_id, reporter, hh, fields, copy in (
        ("C2", BOB, HH, SAID, body),
        ("C1", "@carol:x", HH, SAID, body),
        ("C1", BOB, bytes(32), SAID, body),
        ("C1", BOB, HH, NEXT, body),
        ("C1", BOB, HH, msgspec.structs.replace(SAID, sender="@b:x"), body),
        ("C1", BOB, HH, SAID, neighbour),
        ("C1", BOB, HH, NEXT, neighbour),
    ):
        with denied():
            open_case(case_key, blob, case_id, reporter, hh, fields, copy)


def test_a_report_whose_key_is_not_the_stored_bodys_is_denied(
    denied: Expect, case_key: PrivateKey
) -> None:
    """SEALING §8 no. 29."""
    body, neighbour = (seal_event(CEK, HH, one, b"x") for one in (SAID, NEXT))
    opener = EventOpener(CEK, HH)
    with denied():
        opener.key(SAID, neighbour)
    for key in (opener.key(NEXT, neighbour), CEK, b""):
        blob = seal_case(case_key.public, "C1", BOB, HH, "$1", body, key)
        with denied():
            open_case(case_key, blob, "C1", BOB, HH, SAID, body)


def test_a_reported_file_opens_in_its_case_only(denied: Expect, case_key: PrivateKey) -> None:
    """SEALING §8 no. 29."""
    file = seal_media(CEK, "m", b"picture")
    blob = seal_case_media(case_key.public, "C1", BOB, "m", H(file), CEK)
    assert open_case_media(case_key, blob, "C1", BOB, "m", file) == b"picture"
    for case_id, reporter, media_id, copy in (
        ("C2", BOB, "m", file),
        ("C1", "@carol:x", "m", file),
        ("C1", BOB, "n", file),
        ("C1", BOB, "m", seal_media(CEK, "m", b"other")),
    ):
        with denied():
            open_case_media(case_key, blob, case_id, reporter, media_id, copy)
