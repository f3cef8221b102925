"""The outer layer: a stolen dump is noise, and a row moved or rewritten is noticed."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfdoor.sealing.outer import (
    OuterKeys,
    RowMacError,
    check_row_mac,
    row_mac,
    unwrap_data_key,
    wrap_data_key,
)

Expect = Callable[[], AbstractContextManager[None]]

K = bytes(range(32))
ROW = {"user": "@a:x", "joined": True}
PK: list[str | int | bytes] = ["!r:x", "@a:x"]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 65_535), st.binary(max_size=80), st.lists(st.text("abc") | st.integers(0, 9)))
def test_a_row_opens_where_it_was_put(
    generation: int, body: bytes, pk: list[str | int | bytes]
) -> None:
    keys = OuterKeys({generation: K})
    row = keys.seal(generation, "event", "!r:x", pk, body)
    assert int.from_bytes(row[:2], "big") == generation
    assert keys.open("event", "!r:x", pk, row) == body


def test_a_dump_holds_neither_key_nor_body() -> None:
    """SEALING §8 no. 28, as far as one row decides it."""
    row = OuterKeys({682: K}).seal(682, "event", "!r:x", PK, b"canary in a coal mine")
    assert b"canary" not in row
    assert K not in row
    assert len(row) == 2 + 12 + 21 + 16


def test_a_row_moved_to_another_place_opens_nothing(denied: Expect) -> None:
    keys = OuterKeys({682: K, 683: K[::-1]})
    row = keys.seal(682, "event", "!r:x", PK, b"body")
    places: list[tuple[str, str, list[str | int | bytes]]] = [
        ("header", "!r:x", PK),
        ("event", "!s:x", PK),
        ("event", "!r:x", PK[:1]),
        ("event", "!r:x", ["!r:x", 7]),
    ]
    for table, partition, pk in places:
        with denied():
            keys.open(table, partition, pk, row)
    for n in range(len(row)):
        flipped = bytearray(row)
        flipped[n] ^= 1
        with denied():
            keys.open("event", "!r:x", PK, bytes(flipped))
    for length in range(len(row)):
        with denied():
            keys.open("event", "!r:x", PK, row[:length])


def test_binary_key_values_are_bound_as_base64() -> None:
    keys = OuterKeys({1: K})
    row = keys.seal(1, "wrap", "@a:x", [b"\x00\xff"], b"body")
    assert keys.open("wrap", "@a:x", ["AP8="], row) == b"body"


def test_a_forgotten_month_is_gone_also_where_its_cipher_was_ready(denied: Expect) -> None:
    keys = OuterKeys({682: K})
    row = keys.seal(682, "event", "!r:x", PK, b"body")
    keys.forget(682)
    with denied():
        keys.open("event", "!r:x", PK, row)
    with denied():
        keys.seal(682, "event", "!r:x", PK, b"body")
    assert keys.generations == frozenset()
    keys.add(682, K)
    assert keys.open("event", "!r:x", PK, row) == b"body"


def test_a_month_has_one_key(denied: Expect) -> None:
    keys = OuterKeys({682: K})
    keys.add(682, K)
    with denied():
        keys.add(682, K[::-1])
    assert keys.generations == {682}


def test_a_data_key_of_another_length_seals_nothing(denied: Expect) -> None:
    """The derived key has 32 bytes whatever it came from, so the length is checked here."""
    for length in (0, 16, 31, 33):
        with denied():
            OuterKeys({682: bytes(length)})
        with denied():
            OuterKeys({}).add(682, bytes(length))


@pytest.mark.parametrize("generation", [-1, 65_536])
def test_a_generation_fits_its_two_bytes(denied: Expect, generation: int) -> None:
    with denied():
        OuterKeys({generation: K})


def test_a_data_key_opens_for_its_own_generation_and_outer_key(denied: Expect) -> None:
    blob = wrap_data_key(K, 682, b"\x09" * 32)
    assert unwrap_data_key(K, 682, blob) == b"\x09" * 32
    with denied():
        unwrap_data_key(K, 681, blob)
    with denied():
        unwrap_data_key(K[::-1], 682, blob)


def test_a_row_rewritten_by_someone_without_the_outer_key_is_noticed() -> None:
    """SEALING §8 no. 51."""
    found = row_mac(K, "member", "!r:x", PK, ROW)
    check_row_mac(K, "member", "!r:x", PK, ROW, found)
    changes: list[tuple[Any, ...]] = [
        (K[::-1], "member", "!r:x", PK, ROW, found),
        (K, "staff", "!r:x", PK, ROW, found),
        (K, "member", "!s:x", PK, ROW, found),
        (K, "member", "!r:x", ["!r:x", "@b:x"], ROW, found),
        (K, "member", "!r:x", PK, ROW | {"user": "@b:x"}, found),
        (K, "member", "!r:x", PK, ROW | {"joined": 1}, found),
        (K, "member", "!r:x", PK, ROW, found[:-1]),
        (K, "member", "!r:x", PK, ROW, b""),
        (K, "member", "!r:x", PK, ROW, bytes(32)),
    ]
    for change in changes:
        with pytest.raises(RowMacError, match="does not bear its mac"):
            check_row_mac(*change)
