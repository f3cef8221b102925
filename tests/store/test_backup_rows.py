"""How rows become parts: nothing is lost, little changes when little changed, and order is free."""

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfdoor.store.backup.counting import least_count
from halfdoor.store.backup.errors import DamagedBackupError
from halfdoor.store.backup.rows import (
    LARGEST_BYTES,
    SMALLEST_BYTES,
    Cutter,
    Tally,
    count_rows,
    encode_row,
    read_rows,
)

VALUES = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.text(max_size=20), st.binary(max_size=40)
)
ROWS = st.lists(st.tuples(st.integers(0, 3), VALUES, VALUES), max_size=60)


def cut(rows: list[tuple[Any, ...]]) -> list[bytes]:
    """Return the parts of *rows*, each of which says its group first."""
    cutter = Cutter()
    parts = [part for row in rows if (part := cutter.add(row[0], encode_row(row)))]
    return [*parts, *cutter.rest()]


@pytest.mark.parametrize("part", [b"", b"\xdd\x00\x00\x00\x02\x90", b"\x01", b"\x80", b"rows"])
def test_what_holds_no_rows_is_refused(part: bytes) -> None:
    with pytest.raises(DamagedBackupError, match="cannot be read"):
        read_rows(part)


@given(ROWS)
def test_every_row_comes_back_once_and_no_part_has_two_groups(rows: list[Any]) -> None:
    parts = [read_rows(part) for part in cut(rows)]
    back = [tuple(row) for part in parts for row in part]
    assert Counter(back) == Counter(rows)
    assert all(len({row[0] for row in part}) == 1 for part in parts)
    assert all(count_rows(part) == len(read_rows(part)) for part in cut(rows))
    for group in range(4):
        assert [row for row in back if row[0] == group] == [r for r in rows if r[0] == group]


@given(ROWS, st.randoms(use_true_random=False))
def test_a_digest_is_of_the_rows_and_not_of_their_order(
    rows: list[Any], order: random.Random
) -> None:
    def digest(listed: list[Any]) -> tuple[int, bytes]:
        tally = Tally()
        for row in listed:
            tally.add(encode_row(row))
        return tally.rows, tally.digest

    mixed = list(rows)
    order.shuffle(mixed)
    assert digest(mixed) == digest(rows)
    if rows:
        changed = [(*rows[0][:2], "another"), *rows[1:]]
        assert digest(changed) != digest(rows)
        assert digest([*rows, rows[0]]) != digest(rows)


def many(count: int) -> list[tuple[int, int, bytes]]:
    """Return rows of about 1 kB."""
    order = random.Random(7)
    return [(0, number, order.randbytes(1000)) for number in range(count)]


def test_a_row_that_changed_early_leaves_most_parts_as_they_were() -> None:
    rows = many(20_000)
    changed = [*rows[:100], (0, 100, b"shorter"), *rows[101:], (0, 20_000, b"new")]
    before, after = set(cut(rows)), set(cut(changed))
    assert len(before) > 6
    assert len(after - before) <= 3


def test_parts_have_the_size_that_is_promised_and_groups_do_not_add_up_without_bound() -> None:
    sizes = [len(part) for part in cut(many(20_000))]
    assert max(sizes) < LARGEST_BYTES + 2000
    assert min(sizes[:-1]) >= SMALLEST_BYTES
    cutter = Cutter()
    held = 0
    row = bytes(1 << 20)
    for group in range(200):
        encoded = encode_row((group, row[: (1 << 20) - 64]))
        part = cutter.add(group, encoded)
        held += len(encoded) - (len(part) if part else 0)
        assert held < 70 << 20


@settings(max_examples=50)
@given(st.integers(0, 2**42))
def test_a_later_restore_never_counts_less(now: int) -> None:
    assert 1 <= least_count(now) <= least_count(now + 600_000)
    # A position has 23 bits for the count (SCALE §3), and clocks are wrong by years, not by 150.
    assert least_count(now) < 2**23
