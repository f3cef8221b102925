"""What the log may hold: typed, short, canonical, and nothing that tells too much."""

import json
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfdoor.sealing.labels import b64, canonical
from halfdoor.transparency.entries import (
    AnyEntry,
    GrantEntry,
    HeartbeatEntry,
    PolicyEntry,
    Referrals,
    ReleaseEntry,
    RequestsEntry,
    ReviewEntry,
)
from halfdoor.transparency.errors import EntryError
from halfdoor.transparency.fields import rounded_up
from halfdoor.transparency.leaf import leaf_of, parse_leaf, schema

DIGEST = b64(bytes(range(32)))
GRANT = GrantEntry(
    entity="example",
    day=20_000,
    grant_commit=DIGEST,
    ground="authority-request",
    jurisdiction="ZZ",
    authority_class="court",
    conversations=4,
    epochs=16,
    subjects=1,
    others=2,
    escrow_set=DIGEST,
    reader_pk=DIGEST,
    not_before_day=20_000,
    ttl_h=72,
    notify_by_day=20_090,
    receipts_root=DIGEST,
)
ENTRIES: list[AnyEntry] = [
    GRANT,
    PolicyEntry(entity="example", day=1, escrow_set=DIGEST, documents={"policy.toml": DIGEST}),
    PolicyEntry(entity="example", day=1, demo=1, escrow_set=None, documents={}),
    ReleaseEntry(entity="example", day=2, version="0.1.0", wheels={"server": DIGEST}),
    ReviewEntry(
        entity="example",
        day=5,
        of_day=4,
        cases_opened={"harassment": 3},
        items=4,
        auto_cases=0,
        reviewers=2,
        referrals=Referrals(ncmec=1, items={"US": 1}),
        batch_root=DIGEST,
    ),
    HeartbeatEntry(
        entity="example",
        day=5,
        of_day=4,
        headers_root=DIGEST,
        users_root=DIGEST,
        checkpoint=None,
        epochs=9,
        users=3,
    ),
]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda one: f"{type(one).__name__}-{one.demo}")
def test_an_entry_is_read_as_it_was_written_and_fits_the_published_schema(entry: AnyEntry) -> None:
    leaf = leaf_of(entry)
    assert parse_leaf(leaf) == entry
    jsonschema.validate(json.loads(leaf), schema())


@pytest.mark.parametrize(
    "change",
    [
        {"type": "OTHER"},
        {"v": 2},
        {"v": True},
        {"demo": 2},
        {"ground": "curiosity"},
        {"jurisdiction": "zz"},
        {"authority_class": "friend"},
        {"epochs": 15},
        {"subjects": 3},
        {"epochs": -1},
        {"epochs": "16"},
        {"day": 2**53 - 1},
        {"grant_commit": DIGEST[:-1]},
        {"grant_commit": b64(bytes(31))},
        {"note": "free text"},
        {"entity": ""},
        {"entity": "e" * 5_000},
        {"drill": None},
    ],
    ids=str,
)
def test_what_is_no_entry_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(EntryError):
        parse_leaf(canonical(json.loads(leaf_of(GRANT)) | change))


def test_a_leaf_has_one_way_to_be_written() -> None:
    leaf = leaf_of(GRANT)
    fields = json.loads(leaf)
    del fields["drill"]
    for other in (leaf + b" ", leaf.replace(b":16,", b":16.0,"), b"", b"\xff", canonical(fields)):
        with pytest.raises(EntryError):
            parse_leaf(other)


def test_an_entry_that_may_not_be_written_is_refused_before_it_is() -> None:
    tells_more = GrantEntry(
        **{name: getattr(GRANT, name) for name in GRANT.__struct_fields__} | {"epochs": 17}
    )
    backwards = RequestsEntry(entity="example", day=9, from_day=8, to_day=7, requests=())
    many = PolicyEntry(
        entity="example",
        day=1,
        escrow_set=None,
        documents={f"file-{number}": DIGEST for number in range(100)},
    )
    for entry in (tells_more, backwards, many):
        with pytest.raises(EntryError):
            leaf_of(entry)


def test_a_review_is_not_about_a_day_to_come() -> None:
    fields = json.loads(leaf_of(ENTRIES[4]))
    with pytest.raises(EntryError, match="day to come"):
        parse_leaf(canonical(fields | {"of_day": 6}))


@given(st.integers(0, 2**40))
def test_counts_are_rounded_up_to_a_power_of_two(count: int) -> None:
    rounded = rounded_up(count)
    assert rounded >= count
    assert rounded & (rounded - 1) == 0
    assert rounded < 2 * max(count, 1)
