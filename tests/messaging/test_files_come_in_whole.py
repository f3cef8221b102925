"""A file comes in whole or not at all, and only its uploader can open it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace
from tests.messaging.media_house import MOST, OPAQUE, MediaHouse, broken, pieces

from halfdoor.messaging.contacts import SuspendedError
from halfdoor.messaging.errors import InvalidParameterError, TooLargeError
from halfdoor.messaging.keep import NoKeyError
from halfdoor.messaging.media_errors import NotYetUploadedError, UnknownMediaError
from halfdoor.messaging.media_names import FileFacts, facts_of
from halfdoor.messaging.media_store import MediaTakenError, NoMediaError, Quota, QuotaError
from halfdoor.safety.measures import NONE
from halfdoor.safety.refusal import ContactRefused


@pytest.fixture
def house() -> MediaHouse:
    return MediaHouse()


def nothing_is_kept(house: MediaHouse) -> bool:
    return not house.files.files and not house.blobs.blobs


async def test_who_may_send_no_media_uploads_none(house: MediaHouse) -> None:
    ada = await house.person("ada")
    house.people.limited[ada.id] = replace(NONE, no_media=True)
    with pytest.raises(ContactRefused):
        await house.upload(ada)
    with pytest.raises(ContactRefused):
        await house.uploads.reserve(ada.id)
    house.people.suspended_users.add(ada.id)
    with pytest.raises(SuspendedError):
        await house.upload(ada)
    assert nothing_is_kept(house)


async def test_nothing_is_sealed_to_somebody_without_a_key(house: MediaHouse) -> None:
    ada = await house.person("ada", signed_in=False)
    with pytest.raises(NoKeyError):
        await house.upload(ada)
    assert nothing_is_kept(house)


@pytest.mark.parametrize("announced", [None, 3, MOST + 1])
async def test_too_long_a_file_is_refused_whatever_it_says_of_itself(
    house: MediaHouse, announced: int | None
) -> None:
    ada = await house.person("ada")
    with pytest.raises(TooLargeError):
        await house.uploads.take(ada.id, pieces(bytes(MOST + 1)), OPAQUE, announced=announced)
    assert nothing_is_kept(house)


async def test_what_says_it_is_too_long_is_not_even_read(house: MediaHouse) -> None:
    ada = await house.person("ada")
    read = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal read
        read += 1
        yield b"x"

    with pytest.raises(TooLargeError):
        await house.uploads.take(ada.id, counted(), OPAQUE, announced=MOST + 1)
    assert read == 0


@pytest.mark.parametrize("error", [ConnectionError, asyncio.CancelledError, TimeoutError])
async def test_an_upload_that_breaks_off_leaves_nothing(
    house: MediaHouse, error: type[BaseException]
) -> None:
    ada = await house.person("ada")
    with pytest.raises(error):
        await house.uploads.take(ada.id, broken(bytes(200_000), error), OPAQUE, announced=300_000)
    assert nothing_is_kept(house)


async def test_more_than_one_person_may_keep_is_refused(house: MediaHouse) -> None:
    ada = await house.person("ada")
    house.quota = Quota(bytes=100_000, files=3)
    house.start()
    await house.upload(ada, bytes(60_000))
    for announced in (60_000, 0):
        with pytest.raises(QuotaError):
            await house.uploads.take(ada.id, pieces(bytes(60_000)), OPAQUE, announced=announced)
    await house.upload(ada, b"1")
    await house.upload(ada, b"2")
    with pytest.raises(QuotaError):
        await house.upload(ada, b"3")
    assert len(house.files.files) == len(house.blobs.blobs) == 3


async def test_an_id_takes_one_file_and_its_owners_alone(house: MediaHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    media_id, until = await house.uploads.reserve(ada.id)
    assert until == house.clock.now + 86_400_000
    for who in (ada, ben):
        with pytest.raises(NotYetUploadedError):
            await house.fetch(who, media_id)
    with pytest.raises(NoMediaError):
        await house.uploads.take(ben.id, pieces(b"x"), OPAQUE, announced=1, media_id=media_id)
    await house.uploads.take(ada.id, pieces(b"first"), OPAQUE, announced=5, media_id=media_id)
    with pytest.raises(MediaTakenError):
        await house.uploads.take(ada.id, pieces(b"other"), OPAQUE, announced=5, media_id=media_id)
    assert await house.fetch(ada, media_id) == b"first"


async def test_an_id_whose_upload_broke_off_takes_another_under_another_key(
    house: MediaHouse,
) -> None:
    ada = await house.person("ada")
    media_id, _ = await house.uploads.reserve(ada.id)
    with pytest.raises(ConnectionError):
        await house.uploads.take(
            ada.id, broken(b"x", ConnectionError), OPAQUE, announced=2, media_id=media_id
        )
    assert not house.blobs.blobs
    await house.uploads.take(ada.id, pieces(b"whole"), OPAQUE, announced=5, media_id=media_id)
    assert await house.fetch(ada, media_id) == b"whole"


async def test_two_files_of_one_content_have_nothing_in_common(house: MediaHouse) -> None:
    ada = await house.person("ada")
    await house.upload(ada, bytes(100_000))
    await house.upload(ada, bytes(100_000))
    one, other = house.blobs.blobs.values()
    assert one[:33] != other[:33]
    assert one[33:1000] != other[33:1000]


async def test_what_is_kept_shows_neither_content_nor_name_nor_type(house: MediaHouse) -> None:
    ada = await house.person("ada")
    said = FileFacts("image/x-canary", "a-canary.png")
    await house.upload(ada, b"canary" * 1000, said)
    kept = b"".join(house.blobs.blobs.values()) + repr(house.files.files).encode()
    assert b"canary" not in kept


async def test_nothing_is_held_but_a_piece(house: MediaHouse) -> None:
    ada = await house.person("ada")
    await house.uploads.take(ada.id, pieces(bytes(MOST), 100_000), OPAQUE, announced=MOST)
    assert house.blobs.largest_piece < 300_000


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 200_000])
async def test_its_uploader_has_back_what_was_uploaded(house: MediaHouse, size: int) -> None:
    ada = await house.person("ada")
    data = bytes(n % 251 for n in range(size))
    media_id = await house.upload(ada, data)
    file = await house.access.find(ada.reader, media_id)
    assert await house.fetch(ada, media_id) == data
    assert (file.size, file.facts()) == (size, FileFacts("image/png", "a.png"))
    assert repr(file) == f"File({media_id!r})"


async def test_nobody_else_finds_it(house: MediaHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    media_id = await house.upload(ada)
    with pytest.raises(UnknownMediaError):
        await house.fetch(ben, media_id)
    for other in ("", "x", media_id[:-1], media_id + "A", "../../etc/passwd"):
        with pytest.raises(UnknownMediaError):
            await house.fetch(ada, other)


async def test_who_has_no_keys_at_hand_opens_nothing(house: MediaHouse) -> None:
    ada = await house.person("ada")
    media_id = await house.upload(ada)
    house.keyring.forget(ada.reader.session or "")
    with pytest.raises(UnknownMediaError):
        await house.fetch(ada, media_id)


@pytest.mark.parametrize(
    "name",
    [
        "../a",
        "a/b",
        "a\\b",
        "..",
        ".",
        "a\nb",
        "a\0b",
        "a\x7f",
        "\u202egnp.exe",
        "a" * 256,
        "\ud800",
    ],
)
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(InvalidParameterError):
        facts_of("image/png", name)


@pytest.mark.parametrize(
    "kind", ["png", "image/", "image/png/x", "im age/png", "é/x", "/", "a/" + "b" * 128]
)
def test_a_type_that_is_none_is_refused(kind: str) -> None:
    with pytest.raises(InvalidParameterError):
        facts_of(kind, None)


def test_names_and_types_are_taken_as_people_have_them() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467 ähre.jpg"
    assert facts_of("Image/JPEG; charset=x", family) == FileFacts("image/jpeg", family)
    assert facts_of(None, None) == FileFacts("application/octet-stream")
    assert facts_of("", "") == FileFacts("application/octet-stream")
    assert repr(facts_of("image/png", "secret.png")) == "FileFacts(…)"
