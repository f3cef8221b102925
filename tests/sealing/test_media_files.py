"""Media files: nothing can be cut, swapped, appended or taken from another file."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfdoor.sealing.labels import Denied
from halfdoor.sealing.media import (
    CHUNK_BYTES,
    MediaSealer,
    chunk_aad,
    chunk_nonce,
    media_commit,
    seal_media,
    seal_media_key,
    wrap_media_key,
)
from halfdoor.sealing.opening.media import (
    MediaOpener,
    open_epoch_media_key,
    open_media,
    open_media_key,
)
from halfdoor.sealing.suites import PrivateKey
from halfdoor.sealing.symmetric import cipher

Expect = Callable[[], AbstractContextManager[None]]

KEY = bytes(range(32))
CEK = KEY[::-1]
HH = b"\x03" * 32
SIZES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 2 * CHUNK_BYTES + 9]


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    ends = sorted(cut % (len(data) + 1) for cut in cuts)
    return [data[a:b] for a, b in zip([0, *ends], [*ends, len(data)], strict=True)]


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(SIZES), st.lists(st.integers(0, 2**20), max_size=5), st.data())
def test_a_file_is_the_same_however_it_comes_in_pieces(
    size: int, cuts: list[int], data: st.DataObject
) -> None:
    content = bytes(n % 251 for n in range(size))
    file = seal_media(KEY, "m", content)
    sealer = MediaSealer(KEY, "m")
    assert b"".join(map(sealer.update, pieces(content, cuts))) + sealer.finish() == file
    opener = MediaOpener(KEY, "m")
    cuts = data.draw(st.lists(st.integers(0, 2**20), max_size=5))
    assert b"".join(map(opener.update, pieces(file, cuts))) + opener.finish() == content


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**20), st.integers(0, 7))
def test_any_flipped_bit_is_denied(position: int, bit: int) -> None:
    file = bytearray(seal_media(KEY, "m", bytes(CHUNK_BYTES + 5)))
    file[position % len(file)] ^= 1 << bit
    with pytest.raises(Denied):
        open_media(KEY, "m", bytes(file))


def test_a_file_cut_anywhere_is_denied(denied: Expect) -> None:
    file = seal_media(KEY, "m", bytes(CHUNK_BYTES + 5))
    sealed_chunk = CHUNK_BYTES + 16
    for length in (0, 1, 32, 33, 49, 33 + sealed_chunk - 1, 33 + sealed_chunk, len(file) - 1):
        with denied():
            open_media(KEY, "m", file[:length])


def test_a_file_without_its_head_is_denied(denied: Expect) -> None:
    with denied():
        open_media(KEY, "m", seal_media(KEY, "m", b"")[33:])


def test_a_file_does_not_open_as_another(denied: Expect) -> None:
    with denied():
        open_media(KEY, "n", seal_media(KEY, "m", b"x"))
    with denied():
        open_media(CEK, "m", seal_media(KEY, "m", b"x"))


def test_an_empty_chunk_ends_the_empty_file_only(denied: Expect) -> None:
    """A sealer of its own could end every full file so, and one content would have two files."""
    aead = cipher(KEY)
    full = aead.encrypt(chunk_nonce(0), bytes(CHUNK_BYTES), chunk_aad("m", 0, 0))
    empty = aead.encrypt(chunk_nonce(1), b"", chunk_aad("m", 1, 1))
    with denied():
        open_media(KEY, "m", b"\x01" + media_commit(KEY, "m") + full + empty)
    assert open_media(KEY, "m", seal_media(KEY, "m", b"")) == b""


def test_a_key_of_another_length_seals_and_opens_nothing(denied: Expect) -> None:
    with denied():
        seal_media(KEY[:16], "m", b"x")
    with denied():
        open_media(KEY[:16], "m", seal_media(KEY, "m", b"x"))


def test_the_uploaders_wrap_opens_for_uploader_and_file_only(
    denied: Expect, alice: PrivateKey, bob: PrivateKey
) -> None:
    blob = seal_media_key(alice.public, "m", "@alice:a.example", KEY)
    assert open_media_key(alice, "m", "@alice:a.example", blob) == KEY
    with denied():
        open_media_key(bob, "m", "@alice:a.example", blob)
    with denied():
        open_media_key(alice, "n", "@alice:a.example", blob)
    with denied():
        open_media_key(alice, "m", "@bob:a.example", blob)


def test_an_epochs_wrap_opens_in_that_epoch_for_that_file_only(denied: Expect) -> None:
    blob = wrap_media_key(CEK, HH, "m", KEY)
    assert open_epoch_media_key(CEK, HH, "m", blob) == KEY
    for cek, hh, media_id in ((KEY, HH, "m"), (CEK, bytes(32), "m"), (CEK, HH, "n")):
        with denied():
            open_epoch_media_key(cek, hh, media_id, blob)
