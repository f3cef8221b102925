"""A part of a media file opens alone, and only as the part of that file that it is."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfdoor.sealing.labels import Denied
from halfdoor.sealing.media import (
    CHUNK_BYTES,
    SEALED_CHUNK_BYTES,
    content_size,
    seal_media,
    seal_media_facts,
    seal_small_picture,
    sealed_size,
)
from halfdoor.sealing.opening.media import MediaRange, open_media_facts, open_small_picture

Expect = Callable[[], AbstractContextManager[None]]

KEY = bytes(range(32))
SIZES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 2 * CHUNK_BYTES + 9]
CONTENTS = {size: bytes(n % 251 for n in range(size)) for size in SIZES}
FILES = {size: seal_media(KEY, "m", content) for size, content in CONTENTS.items()}


def part(file: bytes, start: int, stop: int, *, step: int = 1 << 20, size: int = -1) -> bytes:
    """Open a part of *file*, read in pieces of *step* bytes."""
    opener = MediaRange(KEY, "m", len(file) if size < 0 else size, start, stop)
    read = file[opener.offset : opener.offset + opener.length]
    out = [opener.update(read[at : at + step]) for at in range(0, len(read), step)]
    opener.finish()
    return b"".join(out)


@pytest.mark.parametrize(("start", "stop"), [(-1, 0), (1, 0), (0, 10), (10, 10)])
def test_a_part_that_the_file_has_not_is_denied(denied: Expect, start: int, stop: int) -> None:
    with denied():
        MediaRange(KEY, "m", sealed_size(9), start, stop)


def test_a_size_that_no_file_has_is_denied(denied: Expect) -> None:
    for size in (0, 33, 48, 33 + SEALED_CHUNK_BYTES + 1, 33 + SEALED_CHUNK_BYTES + 16):
        with denied():
            content_size(size)


def test_a_file_that_is_shorter_than_it_was_is_denied_where_it_ends(denied: Expect) -> None:
    """Whoever can cut the file and change its row, too, does not pass a part for the whole."""
    cut = FILES[2 * CHUNK_BYTES + 9][: 33 + 2 * SEALED_CHUNK_BYTES]
    assert part(cut, 0, 5) == CONTENTS[2 * CHUNK_BYTES][:5]
    with denied():
        part(cut, 0, 2 * CHUNK_BYTES)
    with denied():
        part(cut, 2 * CHUNK_BYTES - 1, 2 * CHUNK_BYTES)


def test_a_part_that_breaks_off_is_denied(denied: Expect) -> None:
    file = FILES[CHUNK_BYTES + 1]
    for stop in (0, 20, 33, 500, len(file) - 1):
        opener = MediaRange(KEY, "m", len(file), 0, CHUNK_BYTES + 1)
        opener.update(file[:stop])
        with denied():
            opener.finish()


def test_more_than_the_part_is_denied(denied: Expect) -> None:
    file = FILES[9] if 9 in FILES else seal_media(KEY, "m", bytes(9))
    opener = MediaRange(KEY, "m", len(file), 0, 9)
    with denied():
        opener.update(file + b"\0")


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([2 * CHUNK_BYTES + 9]), st.integers(0, 2**20), st.integers(0, 7))
def test_any_flipped_bit_of_the_part_is_denied(size: int, position: int, bit: int) -> None:
    file = bytearray(FILES[size])
    file[position % len(file)] ^= 1 << bit
    with pytest.raises(Denied):
        part(bytes(file), 0, size)


def test_chunks_do_not_change_places(denied: Expect) -> None:
    file = FILES[2 * CHUNK_BYTES + 9]
    first, second = file[33 : 33 + SEALED_CHUNK_BYTES], file[33 + SEALED_CHUNK_BYTES :][:65552]
    swapped = file[:33] + second + first + file[33 + 2 * SEALED_CHUNK_BYTES :]
    with denied():
        part(swapped, CHUNK_BYTES, CHUNK_BYTES + 1)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SIZES), st.data())
def test_any_part_is_that_part_of_the_content(size: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, size))
    stop = data.draw(st.integers(start, size))
    step = data.draw(st.sampled_from([100, 65_536, 1 << 20]))
    assert part(FILES[size], start, stop, step=step) == CONTENTS[size][start:stop]


@given(st.integers(0, 10 * CHUNK_BYTES))
def test_sizes_of_file_and_content_tell_each_other(size: int) -> None:
    assert content_size(sealed_size(size)) == size


def test_name_and_type_open_with_the_files_key_for_that_file_only(denied: Expect) -> None:
    blob = seal_media_facts(KEY, "m", b'{"name":"a.png"}')
    assert b"a.png" not in blob
    assert open_media_facts(KEY, "m", blob) == b'{"name":"a.png"}'
    for key, media_id in ((KEY[::-1], "m"), (KEY, "n")):
        with denied():
            open_media_facts(key, media_id, blob)
    with denied():
        open_media_facts(KEY, "m", blob[:-1] + bytes([blob[-1] ^ 1]))


def test_a_small_picture_opens_with_its_files_key_in_its_size_only(denied: Expect) -> None:
    blob = seal_small_picture(KEY, "m", "32x32", b"small")
    assert open_small_picture(KEY, "m", "32x32", blob) == b"small"
    assert blob != seal_small_picture(KEY, "m", "32x32", b"small")
    for key, media_id, form in ((KEY[::-1], "m", "32x32"), (KEY, "n", "32x32"), (KEY, "m", "9x9")):
        with denied():
            open_small_picture(key, media_id, form, blob)


def test_what_reads_a_part_prints_no_key() -> None:
    assert repr(MediaRange(KEY, "m", sealed_size(1), 0, 1)) == "MediaRange('m')"
