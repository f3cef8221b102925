"""A receipt proves to anybody with the key what was reported, and nothing in it can be changed."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfdoor.readers.review.filing import Reportable
from halfdoor.readers.review.receipts import (
    ReceiptError,
    ReceiptSigner,
    check_bodies,
    read_receipt,
)
from halfdoor.readers.review.records import Report
from halfdoor.sealing.envelope import EventFields
from halfdoor.sealing.labels import H

SIGNER = ReceiptSigner(bytes(range(32)), "a.example")
OTHER = ReceiptSigner(bytes(32), "a.example")
REPORT = Report(
    id="rep_1",
    case="case_1",
    reporter="@ada:a.example",
    subject="@ben:a.example",
    at=1_795_000_000_000,
    reason="harassment.targeted",
)


def message(name: str, body: bytes) -> Reportable:
    fields = EventFields(event_id=name, sender="@ben:a.example", device="D", ts=1, type="m.x")
    return Reportable(
        room="!r:a.example", seq=3, hh=b"h" * 32, header=b"{}", fields=fields, body=body
    )


RAW = SIGNER.sign(REPORT, [(message("$a", b"one"), False), (message("$b", b"two"), True)])


def test_another_key_another_entity_and_no_receipt_are_told_apart() -> None:
    for raw, public, said in (
        (RAW, OTHER.public, "key:"),
        (OTHER.sign(REPORT, []), SIGNER.public, "key:"),
        (b"", SIGNER.public, "form:"),
        (b"\xff", SIGNER.public, "form:"),
        (b"[]", SIGNER.public, "form:"),
        (RAW.replace(b'"key":"', b'"key":"!'), SIGNER.public, "form:"),
        (b" " + RAW, SIGNER.public, "form:"),
        (RAW.replace(b'"v":1', b'"v":2'), SIGNER.public, "version:"),
        (RAW.replace(b"@ada", b"@eve"), SIGNER.public, "signature:"),
        (RAW.replace(b'"context":true', b'"context":false'), SIGNER.public, "signature:"),
        (RAW.replace(b"1795000000000", b"1795000000001"), SIGNER.public, "signature:"),
    ):
        with pytest.raises(ReceiptError, match=said):
            read_receipt(raw, public)


@given(st.integers(0, len(RAW) - 1), st.integers(1, 255))
def test_no_byte_of_a_receipt_can_be_changed(at: int, by: int) -> None:
    changed = bytearray(RAW)
    changed[at] ^= by
    with pytest.raises(ReceiptError):
        read_receipt(bytes(changed), SIGNER.public)


def test_a_body_that_was_exchanged_or_is_missing_is_named() -> None:
    receipt = read_receipt(RAW, SIGNER.public)
    check_bodies(receipt, [("$a", b"one"), ("$b", b"two"), ("$c", b"more")])
    for bodies in ([("$a", b"one"), ("$b", b"TWO")], [("$a", b"one")]):
        with pytest.raises(ReceiptError, match=r"body: \$b"):
            check_bodies(receipt, bodies)


def test_a_receipt_says_what_was_reported_and_neither_case_nor_subject() -> None:
    receipt = read_receipt(RAW, SIGNER.public)
    assert (receipt.entity, receipt.report, receipt.reporter) == (
        "a.example",
        "rep_1",
        "@ada:a.example",
    )
    assert [(one.event_id, one.body_hash, one.context) for one in receipt.events] == [
        ("$a", H(b"one"), False),
        ("$b", H(b"two"), True),
    ]
    assert b"case_1" not in RAW
    assert b"@ben" not in RAW
    assert msgspec.json.decode(RAW)["receipt"]["events"][0]["seq"] == 3


def test_the_signer_prints_no_key() -> None:
    assert repr(SIGNER) == "ReceiptSigner(entity='a.example')"
