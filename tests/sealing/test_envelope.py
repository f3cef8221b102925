"""The envelope of one event: it opens as it was sealed, or not at all."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from halfdoor.sealing.envelope import (
    HEAD_BYTES,
    NONCE,
    EventFields,
    EventKeys,
    EventSealer,
    clear_body,
    clear_content,
    clear_hash,
    event_commit,
    is_clear,
    seal_event,
)
from halfdoor.sealing.labels import Denied, H, canonical, enc, expand
from halfdoor.sealing.opening.events import EventOpener, open_event_with_key

Expect = Callable[[], AbstractContextManager[None]]

CEK = bytes(range(32))
HH = b"\x07" * 32
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
FIELDS = st.builds(
    EventFields,
    event_id=TEXT,
    sender=TEXT,
    device=TEXT,
    ts=st.integers(0, 2**53),
    type=TEXT,
    state_key=st.none() | TEXT,
    rel_type=st.none() | TEXT,
    target=st.none() | TEXT,
    redacts=st.none() | TEXT,
)
MESSAGE = EventFields(
    event_id="$e",
    sender="@alice:a.example",
    device="D",
    ts=1_795_392_000_123,
    type="m.room.message",
)


@settings(max_examples=60, deadline=None)
@given(FIELDS, st.binary(max_size=200))
def test_what_is_sealed_opens_with_the_epochs_key_and_with_its_own(
    fields: EventFields, pt: bytes
) -> None:
    body = EventSealer(CEK, HH).seal(fields, pt)
    opener = EventOpener(CEK, HH)
    assert opener.open(fields, body) == pt
    assert open_event_with_key(opener.key(fields, body), HH, fields, body) == pt
    assert len(body) == len(pt) + 65


@settings(max_examples=60, deadline=None)
@given(FIELDS, st.binary(min_size=16, max_size=16))
def test_ctx_and_key_are_the_formulas_of_the_specification(
    fields: EventFields, salt: bytes
) -> None:
    names = ("type", "state_key", "rel_type", "target", "redacts")
    clear = canonical({name: getattr(fields, name) for name in names})
    ctx = enc(
        "event",
        HH,
        fields.event_id,
        fields.sender,
        fields.device,
        fields.ts,
        clear_hash(fields),
        salt,
    )
    assert clear_hash(fields) == H(clear)
    assert EventKeys(CEK, HH).derive(fields, salt) == (expand(CEK, ctx), ctx)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60), st.data())
def test_any_flipped_bit_of_the_body_is_denied(pt: bytes, data: st.DataObject) -> None:
    """SEALING §8 no. 26."""
    body = bytearray(seal_event(CEK, HH, MESSAGE, pt))
    key = EventOpener(CEK, HH).key(MESSAGE, bytes(body))
    body[data.draw(st.integers(0, len(body) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Denied):
        EventOpener(CEK, HH).open(MESSAGE, bytes(body))
    with pytest.raises(Denied):
        open_event_with_key(key, HH, MESSAGE, bytes(body))


@settings(max_examples=60, deadline=None)
@given(FIELDS, st.data())
def test_an_event_moved_under_any_other_field_is_denied(
    fields: EventFields, data: st.DataObject
) -> None:
    """SEALING §8 no. 26: id, sender, device, time, type and relation are bound."""
    body = seal_event(CEK, HH, fields, b"x")
    name = data.draw(st.sampled_from(fields.__struct_fields__))
    values: dict[str, st.SearchStrategy[Any]] = {
        "ts": st.integers(0, 2**53),
        **dict.fromkeys(("event_id", "sender", "device", "type"), TEXT),
    }
    old = getattr(fields, name)
    new = data.draw(values.get(name, st.none() | TEXT).filter(lambda value: value != old))
    moved = msgspec.structs.replace(fields, **{name: new})
    with pytest.raises(Denied):
        EventOpener(CEK, HH).open(moved, body)


def test_an_event_opens_under_no_other_epoch_and_no_other_key(denied: Expect) -> None:
    """SEALING §8 nos. 3 and 26."""
    body = seal_event(CEK, HH, MESSAGE, b"x")
    key = EventOpener(CEK, HH).key(MESSAGE, body)
    for opener in (EventOpener(CEK, bytes(32)), EventOpener(bytes(32), HH)):
        with denied():
            opener.open(MESSAGE, body)
        with denied():
            opener.key(MESSAGE, body)
    for other_key, hh in ((CEK, HH), (key, bytes(32)), (key[:16], HH), (b"", HH)):
        with denied():
            open_event_with_key(other_key, hh, MESSAGE, body)


def test_a_cut_body_is_denied_at_any_length(denied: Expect) -> None:
    body = seal_event(CEK, HH, MESSAGE, b"hello")
    key = EventOpener(CEK, HH).key(MESSAGE, body)
    for length in range(len(body)):
        with denied():
            EventOpener(CEK, HH).open(MESSAGE, body[:length])
        with denied():
            open_event_with_key(key, HH, MESSAGE, body[:length])


def test_a_body_of_another_version_is_denied_even_if_all_else_fits(denied: Expect) -> None:
    body = seal_event(CEK, HH, MESSAGE, b"x")
    for version in (0, 2, 255):
        with denied():
            EventOpener(CEK, HH).open(MESSAGE, bytes([version]) + body[1:])


def test_one_body_never_opens_under_two_keys(denied: Expect) -> None:
    """The body names its key: AES-GCM alone would let a reporter choose another text."""
    body = seal_event(CEK, HH, MESSAGE, b"what was said")
    salt = body[1:17]
    _, ctx = EventKeys(CEK, HH).derive(MESSAGE, salt)
    forged_key = bytes(32)
    forged = body[:HEAD_BYTES] + AESGCM(forged_key).encrypt(NONCE, b"what was not", ctx)
    with denied():
        open_event_with_key(forged_key, HH, MESSAGE, forged)
    honest = body[:17] + event_commit(forged_key, ctx) + forged[HEAD_BYTES:]
    assert open_event_with_key(forged_key, HH, MESSAGE, honest) == b"what was not"


def test_the_same_event_sealed_twice_shares_no_byte_of_salt_or_key() -> None:
    sealer = EventSealer(CEK, HH)
    first, second = (sealer.seal(MESSAGE, b"x") for _ in range(2))
    assert first[1:17] != second[1:17]
    assert first[17:49] != second[17:49]


def test_what_may_not_be_bound_is_not_sealed(denied: Expect) -> None:
    for wrong in ({"sender": "\ud800"}, {"type": "\ud800"}, {"ts": -1}):
        with denied():
            EventSealer(CEK, HH).seal(msgspec.structs.replace(MESSAGE, **wrong), b"x")


def test_a_clear_body_says_so_and_is_no_sealed_one(denied: Expect) -> None:
    body = clear_body(b"{}")
    assert is_clear(body)
    assert clear_content(body) == b"{}"
    sealed = seal_event(CEK, HH, MESSAGE, b"{}")
    assert not is_clear(sealed)
    for other in (sealed, b""):
        with denied():
            clear_content(other)
    with denied():
        EventOpener(CEK, HH).open(MESSAGE, body)
