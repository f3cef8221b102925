"""A small picture that was made lately is not made again, and lies sealed meanwhile."""

import io
from collections.abc import AsyncIterator

import pytest
from PIL import Image
from tests.messaging.media_house import MediaHouse, show

from halfdoor.messaging.media_errors import UnknownMediaError
from halfdoor.messaging.small_pictures import SmallPictures
from halfdoor.messaging.thumbnails import NoPictureError, Small, Thumbnails


class Counted(Thumbnails):
    """Makes pictures without a process, and counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.made = 0

    async def make(
        self, source: AsyncIterator[bytes], width: int, height: int, *, crop: bool
    ) -> Small:
        data = b"".join([piece async for piece in source])
        if not data:
            raise NoPictureError
        self.made += 1
        return Small("image/png", b"canary" * width + data)


@pytest.fixture
def house() -> MediaHouse:
    return MediaHouse()


@pytest.fixture
def thumbnails() -> Counted:
    return Counted()


async def test_nothing_is_remembered_where_nothing_was_made(
    house: MediaHouse, thumbnails: Counted
) -> None:
    ada = await house.person("ada")
    small = SmallPictures(house.access, thumbnails)
    file = await house.access.find(ada.reader, await house.upload(ada, b""))
    for _ in range(2):
        with pytest.raises(NoPictureError):
            await small.of(file, 32, 32, crop=False)
    assert repr(small) == "SmallPictures(count=0, bytes=0)"


async def test_each_size_is_made_once(house: MediaHouse, thumbnails: Counted) -> None:
    ada, ben, conv = await house.friends()
    media_id = await house.upload(ada)
    await show(ada, conv, media_id)
    small = SmallPictures(house.access, thumbnails)
    first = None
    for who in (ada, ben, ada):
        file = await house.access.find(who.reader, media_id)
        made = await small.of(file, 32, 32, crop=False)
        first = first or made
        assert made == first
    assert thumbnails.made == 1
    file = await house.access.find(ada.reader, media_id)
    await small.of(file, 32, 32, crop=True)
    await small.of(file, 96, 96, crop=False)
    assert thumbnails.made == 3


async def test_what_is_remembered_is_sealed(house: MediaHouse, thumbnails: Counted) -> None:
    ada = await house.person("ada")
    small = SmallPictures(house.access, thumbnails)
    file = await house.access.find(ada.reader, await house.upload(ada))
    await small.of(file, 32, 32, crop=False)
    assert len(small._sealed) == 1
    assert not any(b"canary" in kept for kept in small._sealed.values())
    # What was changed in memory is made anew, not handed out.
    name, kept = next(iter(small._sealed.items()))
    small._sealed[name] = kept[:-1] + bytes([kept[-1] ^ 1])
    await small.of(file, 32, 32, crop=False)
    assert thumbnails.made == 2


async def test_who_may_not_fetch_the_file_is_shown_no_small_one(
    house: MediaHouse, thumbnails: Counted
) -> None:
    ada, ben, conv = await house.friends()
    media_id = await house.upload(ada)
    event = await show(ada, conv, media_id)
    small = SmallPictures(house.access, thumbnails)
    await small.of(await house.access.find(ben.reader, media_id), 32, 32, crop=False)
    await ada.redact(conv, event)
    with pytest.raises(UnknownMediaError):
        await house.access.find(ben.reader, media_id)


async def test_the_memory_is_bounded(house: MediaHouse, thumbnails: Counted) -> None:
    ada = await house.person("ada")
    small = SmallPictures(house.access, thumbnails, most_bytes=1000)
    for _ in range(10):
        file = await house.access.find(ada.reader, await house.upload(ada))
        await small.of(file, 32, 32, crop=False)
        await small.of(file, 500, 500, crop=False)
    assert sum(map(len, small._sealed.values())) == small._bytes <= 1000


async def test_a_real_one_comes_back_as_it_was_made(house: MediaHouse) -> None:
    ada = await house.person("ada")
    out = io.BytesIO()
    Image.new("RGB", (640, 480), (9, 99, 9)).save(out, "PNG")
    file = await house.access.find(ada.reader, await house.upload(ada, out.getvalue()))
    thumbnails = Thumbnails()
    small = SmallPictures(house.access, thumbnails)
    made = [await small.of(file, 96, 96, crop=True) for _ in range(2)]
    await thumbnails.close()
    assert made[0] == made[1]
    assert made[0].content_type == "image/jpeg"
