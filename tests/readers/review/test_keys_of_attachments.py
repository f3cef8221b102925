"""The key of an encrypted attachment is read from its message, in one form and no other."""

from typing import Any

import pytest
from tests.readers.review.franking_client import b64

from halfdoor.readers.review.attachment_keys import attachment_key
from halfdoor.sealing.labels import Denied

ID = "AAECAwQF"


def file(**said: Any) -> dict[str, Any]:
    whole = {
        "url": f"mxc://example.org/{ID}",
        "key": {"alg": "A256CTR", "k": b64(bytes(range(32))).rstrip("="), "kty": "oct"},
        "iv": b64(bytes(16)).rstrip("="),
        "hashes": {"sha256": b64(bytes(32))},
        "v": "v2",
    }
    return {**whole, **said}


@pytest.mark.parametrize(
    "lie",
    [
        {"hashes": {}},
        {"hashes": None},
        {"hashes": {"sha256": b64(bytes(31))}},
        {"hashes": {"sha256": "%"}},
        {"key": {"alg": "A256CTR", "k": "AAAA"}},
        {"key": {"alg": "none", "k": b64(bytes(32))}},
        {"key": {"alg": "A256CTR"}},
        {"key": "AAAA"},
        {"iv": ""},
        {"iv": 7},
        {"iv": b64(bytes(12))},
    ],
)
def test_a_key_of_another_form_is_refused(lie: dict[str, Any]) -> None:
    with pytest.raises(Denied):
        attachment_key({"file": file(**lie)}, ID)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"file": 7},
        {"file": file(url=None)},
        {"file": file(url="mxc://example.org/other")},
        {"url": f"mxc://example.org/{ID}"},
    ],
)
def test_a_message_that_holds_no_key_of_the_file_has_none(content: dict[str, Any]) -> None:
    assert attachment_key(content, ID) is None


def test_the_key_is_found_with_what_is_said_of_the_file() -> None:
    found = attachment_key({"file": file(), "info": {"mimetype": "image/png"}}, ID)
    assert found is not None
    assert (found.key, found.iv, found.type) == (bytes(range(32)), bytes(16), "image/png")
    small = {"info": {"thumbnail_file": file(), "thumbnail_info": {"mimetype": 7}}}
    thumbnail = attachment_key(small, ID)
    assert thumbnail is not None
    assert thumbnail.type is None
    assert repr(found) == "AttachmentKey(…)"


def test_no_depth_of_nesting_is_followed_for_ever() -> None:
    deep: dict[str, Any] = {"file": file()}
    for _ in range(100):
        deep = {"x": deep}
    assert attachment_key(deep, ID) is None
