"""What a browser is told of a file: never more than is safe, whatever its uploader said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfdoor.messaging.errors import InvalidParameterError
from halfdoor.messaging.media_errors import TooManyTransfersError
from halfdoor.messaging.media_names import FileFacts, facts_of
from halfdoor.web.matrix.media_headers import RangeError, file_headers, part_of, picture_headers
from halfdoor.web.matrix.transfers import Transfers


@given(st.text(alphabet="bytes=-,0123456789 x", max_size=30), st.integers(0, 1000))
def test_a_part_lies_in_the_file_whatever_was_asked(header: str, size: int) -> None:
    try:
        part = part_of(header, size)
    except RangeError:
        return
    if part is not None:
        start, stop = part
        assert 0 <= start < stop <= size


@given(st.integers(1, 200), st.data())
def test_a_part_is_the_one_that_was_asked_for(size: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, size - 1))
    last = data.draw(st.integers(first, size + 50))
    whole = bytes(size)
    part = part_of(f"bytes={first}-{last}", size)
    assert part is not None
    assert whole[slice(*part)] == whole[first : last + 1]
    assert part_of(f"bytes=-{last + 1}", size) == (max(0, size - last - 1), size)


@given(st.text(max_size=40), st.text(max_size=40), st.booleans())
def test_no_name_and_no_type_ends_a_header(kind: str, name: str, given_name: bool) -> None:
    try:
        facts = facts_of(kind, name)
    except InvalidParameterError:
        return
    told, headers = file_headers(facts, name if given_name else None)
    for value in (told, *(value for _, value in headers)):
        assert value.isascii()
        assert not {b"\r", b"\n", b"\0"} & {bytes([one]) for one in value}
    place = dict(headers)[b"content-disposition"]
    assert place.count(b'"') in {0, 2}
    assert place.split(b";")[0] in {b"inline", b"attachment"}


@pytest.mark.parametrize(
    "kind",
    [
        "text/html",
        "image/svg+xml",
        "application/xml",
        "text/x-html",
        "application/x-shockwave-flash",
    ],
)
def test_what_could_run_has_no_type_and_is_saved(kind: str) -> None:
    told, headers = file_headers(FileFacts(kind, "a"), None)
    assert told == b"application/octet-stream"
    assert dict(headers)[b"content-disposition"].startswith(b"attachment")


def test_every_file_stands_in_a_sandbox() -> None:
    for headers in (file_headers(FileFacts("image/png"), None)[1], picture_headers("image/png")):
        assert dict(headers)[b"content-security-policy"].startswith(b"sandbox;")
        assert dict(headers)[b"cross-origin-resource-policy"] == b"cross-origin"


def test_one_person_has_so_many_files_on_their_way() -> None:
    transfers = Transfers(2)
    with transfers.one("ada"), transfers.one("ada"):
        with pytest.raises(TooManyTransfersError), transfers.one("ada"):
            raise AssertionError("a third one")
        with transfers.one("ben"):
            pass
    with transfers.one("ada"), transfers.one("ada"):
        pass
