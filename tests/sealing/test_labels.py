"""The one input form, against the plain definitions of SEALING §1."""

import hmac
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfdoor.sealing.labels import (
    Denied,
    H,
    MacKey,
    b64,
    canonical,
    enc,
    expand,
    extend,
    kdf,
    mac,
    parse_canonical,
    prefix,
    unb64,
)

Expect = Callable[[], AbstractContextManager[None]]

ASCII = st.text(st.characters(max_codepoint=127), max_size=8)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ASCII, inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    | st.integers(0, 2**64 - 1)
    | st.binary(max_size=12),
    max_size=5,
)


def plain_enc(label: str, fields: list[Any]) -> bytes:
    """The formula of SEALING §1, letter by letter."""
    out = b"halfdoor/v1/" + label.encode() + b"\x00"
    for field in fields:
        if type(field) is str:
            data = field.encode("utf-8")
        elif type(field) is int:
            data = bytes((field >> shift) & 255 for shift in range(56, -8, -8))
        else:
            data = field
        out += bytes((len(data) >> shift) & 255 for shift in (24, 16, 8, 0)) + data
    return out


@settings(max_examples=60, deadline=None)
@given(FIELDS)
def test_enc_is_the_formula_of_the_specification(fields: list[Any]) -> None:
    assert enc("some/label", *fields) == plain_enc("some/label", fields)
    assert extend(prefix("some/label"), *fields) == plain_enc("some/label", fields)


@settings(max_examples=60, deadline=None)
@given(FIELDS, FIELDS)
def test_two_lists_of_bytes_never_share_an_encoding(a: list[Any], b: list[Any]) -> None:
    texts = [[str(field).encode() for field in fields] for fields in (a, b)]
    assert (enc("x", *texts[0]) == enc("x", *texts[1])) == (texts[0] == texts[1])


@settings(max_examples=100, deadline=None)
@given(VALUES)
def test_json_is_sorted_without_blanks_and_reads_back(value: Any) -> None:
    plain = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert canonical(value) == plain.encode()
    assert parse_canonical(canonical(value)) == value


@pytest.mark.parametrize("field", [True, None, 1.0, -1, 2**64, "\ud800", [], (1,)])
def test_what_enc_does_not_know_it_refuses(denied: Expect, field: Any) -> None:
    with denied():
        enc("x", field)
    with denied():
        enc("x", "before", field, b"after")


@pytest.mark.parametrize(
    "value",
    [1.0, 2**53, -(2**53), "\ud800", {"é": 1}, {1: 1}, {b"a": 1}, {"a": b"x"}, b"x", {1}],
)
def test_what_json_may_not_hold_it_refuses_at_any_depth(denied: Expect, value: Any) -> None:
    for wrapped in (value, [value], {"a": [{"b": value}]}):
        with denied():
            canonical(wrapped)


def test_nesting_without_end_is_refused_and_not_a_crash(denied: Expect) -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with denied():
        canonical(deep)
    with denied():
        parse_canonical(b"[" * 100_000)


@pytest.mark.parametrize("text", ["AA", "AA=", "AB==", "AAA", "A A=", "AA==\n", "-_==", "é", "A"])
def test_base64_has_one_spelling(denied: Expect, text: str) -> None:
    with denied():
        unb64(text)


@pytest.mark.parametrize("value", [None, 7, b"AA=="])
def test_base64_is_text(denied: Expect, value: Any) -> None:
    with denied():
        unb64(value)


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=40))
def test_base64_reads_back(data: bytes) -> None:
    assert unb64(b64(data)) == data


def test_a_refusal_carries_nothing() -> None:
    with pytest.raises(TypeError):
        Denied("why")  # type: ignore[call-arg]
    assert Denied().args == ()


def test_kdf_is_extract_with_empty_salt_and_then_expand() -> None:
    prk = mac(bytes(32), b"secret")
    assert kdf(b"secret", b"info", 96) == expand(prk, b"info", 96)
    assert expand(prk, b"info") == mac(prk, b"info\x01")
    assert H(b"x") == sha256(b"x").digest()


@given(key=st.binary(max_size=64), data=st.binary(max_size=300))
def test_a_mac_key_gives_what_hmac_gives_however_often_it_is_asked(key: bytes, data: bytes) -> None:
    """RFC 2104, against the standard library."""
    ready = MacKey(key)
    for text in (data, b"", data + b"x", data):
        assert ready.mac(text) == hmac.digest(key, text, "sha256") == mac(key, text)


def test_a_mac_key_longer_than_a_block_is_refused(denied: Expect) -> None:
    with denied():
        MacKey(bytes(65))


def test_a_mac_key_gives_the_published_value() -> None:
    """RFC 4231 §4.2."""
    assert MacKey(b"\x0b" * 20).mac(b"Hi There").hex() == (
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    )
