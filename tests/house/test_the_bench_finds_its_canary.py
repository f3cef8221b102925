"""The benchmark says that no text stands in the files: so its search must find one that does."""

from base64 import b64encode, urlsafe_b64encode
from binascii import hexlify
from collections.abc import Callable
from pathlib import Path

import pytest
from bench.canary import found_in

CANARY = "canary-5f3a9c0d71e2b846"


def upper_hex(text: bytes) -> bytes:
    return hexlify(text).upper()


@pytest.mark.parametrize("before", [b"", b"a", b"ab", b"abc", b"\xff\xfe\xfd\xfc"])
@pytest.mark.parametrize(
    ("kind", "spell"),
    [
        ("raw", bytes),
        ("hex", hexlify),
        ("hex", upper_hex),
        ("base64", b64encode),
        ("base64", urlsafe_b64encode),
    ],
)
def test_a_canary_is_found_wherever_it_begins_and_however_it_is_spelt(
    tmp_path: Path, before: bytes, kind: str, spell: Callable[[bytes], bytes]
) -> None:
    text = before + CANARY.encode() + b" 17 and the rest of a message"
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"page\0" * 100 + spell(text) + b"\0page" * 100)
    assert found_in(tmp_path, CANARY)[kind] == 1


def test_another_text_is_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"canary-5f3a9c0d71e2b847 and the rest")
    (tmp_path / "empty").touch()
    assert set(found_in(tmp_path, CANARY).values()) == {0}
