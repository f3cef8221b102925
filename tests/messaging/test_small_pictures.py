"""Small pictures are made apart from everything else, of a few formats, within limits."""

import asyncio
import io
import struct
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from halfdoor.messaging import thumbnail_worker
from halfdoor.messaging.thumbnails import (
    SIZES,
    NoPictureError,
    Small,
    Thumbnails,
    ThumbnailsBusyError,
    nearest,
)

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF")


@pytest.fixture
async def thumbnails() -> AsyncIterator[Thumbnails]:
    made = Thumbnails()
    yield made
    await made.close()


def picture(
    kind: str = "PNG", size: tuple[int, int] = (640, 480), mode: str = "RGB", **how: Any
) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size).save(out, kind, **how)
    return out.getvalue()


async def stream(data: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(data), 50_000):
        yield data[at : at + 50_000]


async def small(
    thumbnails: Thumbnails, data: bytes, size: tuple[int, int] = (320, 240), *, crop: bool = False
) -> Small:
    return await thumbnails.make(stream(data), *size, crop=crop)


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it is so large, in a few bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checked = name + data
        return struct.pack("!I", len(data)) + checked + struct.pack("!I", zlib.crc32(checked))

    head = chunk(b"IHDR", struct.pack("!IIBBBBB", width, height, 8, 6, 0, 0, 0))
    rows = chunk(b"IDAT", zlib.compress(bytes(1 << 20)))
    return b"\x89PNG\r\n\x1a\n" + head + rows + chunk(b"IEND", b"")


async def test_what_is_no_picture_of_the_list_is_refused(thumbnails: Thumbnails) -> None:
    refused = [
        b"",
        b"x" * 1000,
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"GIF89a" + b"\xff" * 200,
        picture("TIFF"),
        picture("BMP"),
        picture("ICO", (32, 32)),
        picture("PNG")[:300],
        picture("JPEG")[:300],
    ]
    for data in refused:
        with pytest.raises(NoPictureError):
            await small(thumbnails, data)


async def test_a_picture_made_to_fill_the_memory_is_refused(thumbnails: Thumbnails) -> None:
    for width, height in ((20_000, 20_000), (60_000, 1), (1, 60_000), (2**31 - 1, 2**31 - 1)):
        with pytest.raises(NoPictureError):
            await small(thumbnails, bomb(width, height))
    whole = picture("PNG", (7_000, 6_000), "1")
    assert len(whole) < 100_000
    with pytest.raises(NoPictureError):
        await small(thumbnails, whole)
    # The next one is made as if nothing had been.
    assert (await small(thumbnails, picture())).content_type == "image/jpeg"


async def test_more_than_a_decoder_is_given_is_refused(thumbnails: Thumbnails) -> None:
    with pytest.raises(NoPictureError):
        await small(thumbnails, picture() + bytes(thumbnail_worker.MAX_SOURCE_BYTES))


async def test_a_file_that_does_not_open_is_no_picture(thumbnails: Thumbnails) -> None:
    async def changed() -> AsyncIterator[bytes]:
        yield picture()[:100]
        raise ValueError("not as it was uploaded")

    with pytest.raises(ValueError, match="not as it was"):
        await thumbnails.make(changed(), 32, 32, crop=False)
    assert (await small(thumbnails, picture())).data


async def test_only_so_many_wait(thumbnails: Thumbnails) -> None:
    released = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        await released.wait()
        yield picture()

    waiting = [
        asyncio.ensure_future(thumbnails.make(slow(), 32, 32, crop=False)) for _ in range(64)
    ]
    await asyncio.sleep(0)
    with pytest.raises(ThumbnailsBusyError):
        await small(thumbnails, picture())
    released.set()
    assert len(await asyncio.gather(*waiting)) == 64


async def test_a_process_that_was_killed_is_replaced(thumbnails: Thumbnails) -> None:
    await small(thumbnails, picture())
    process = thumbnails._process
    assert process is not None
    process.kill()
    await process.wait()
    assert (await small(thumbnails, picture())).data


async def test_the_process_ends_with_the_server() -> None:
    thumbnails = Thumbnails()
    await small(thumbnails, picture())
    process = thumbnails._process
    assert process is not None
    await thumbnails.close()
    assert process.returncode == 0
    await thumbnails.close()


@pytest.mark.parametrize("kind", FORMATS)
async def test_each_format_of_the_list_is_read(thumbnails: Thumbnails, kind: str) -> None:
    made = await small(thumbnails, picture(kind))
    assert (made.content_type, Image.open(io.BytesIO(made.data)).size) == ("image/jpeg", (320, 240))


async def test_what_is_clear_stays_clear(thumbnails: Thumbnails) -> None:
    for mode, kind in (("RGBA", "PNG"), ("LA", "PNG"), ("RGBA", "WEBP"), ("RGBA", "AVIF")):
        made = await small(thumbnails, picture(kind, mode=mode))
        assert made.content_type == "image/png"
        assert repr(made) == f"Small(image/png, size={len(made.data)})"


async def test_sizes_keep_their_proportions_and_never_grow(thumbnails: Thumbnails) -> None:
    for size, crop, expected in (
        ((1000, 500), False, (320, 160)),
        ((1000, 500), True, (320, 240)),
        ((100, 50), False, (100, 50)),
        ((100, 300), True, (100, 75)),
        ((1, 2000), False, (1, 240)),
    ):
        made = await small(thumbnails, picture(size=size), crop=crop)
        assert Image.open(io.BytesIO(made.data)).size == expected


async def test_nothing_but_the_picture_is_left(thumbnails: Thumbnails) -> None:
    exif = Image.Exif()
    exif[0x010E] = "canary of a place"
    exif[0x0112] = 6
    data = picture("JPEG", (640, 320), exif=exif.tobytes(), comment=b"canary of a comment")
    assert b"canary" in data
    made = await small(thumbnails, data)
    assert b"canary" not in made.data
    # Turned as its camera said: what says so is gone.
    assert Image.open(io.BytesIO(made.data)).size == (120, 240)


@given(st.integers(1, 2000), st.integers(1, 2000))
def test_a_client_gets_no_less_than_it_asked_for_where_that_is_made(
    width: int, height: int
) -> None:
    size = nearest(width, height)
    assert size in SIZES
    assert (size[0] >= width and size[1] >= height) or size == SIZES[-1]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(FORMATS), st.integers(0, 2**30), st.integers(0, 255), st.integers(0, 3))
def test_a_broken_picture_is_made_small_or_refused(
    kind: str, position: int, byte: int, cut: int
) -> None:
    data = bytearray(picture(kind, (64, 48)))
    data[position % len(data)] = byte
    try:
        made = thumbnail_worker.small(bytes(data[: len(data) - cut * 7]), 32, 32, crop=True)
    except Exception:  # noqa: BLE001 - the child takes whatever a decoder raises for no picture
        return
    assert made[:1] in {thumbnail_worker.JPEG, thumbnail_worker.PNG}
