"""A reported file opens only whole, in its case, and only as it was reported."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from msgspec.structs import replace
from tests.readers.review.franking_client import b64

from halfdoor.readers.review.case_keys import new_case_key, public_key
from halfdoor.readers.review.file_opening import FileOpener, OpenedFile
from halfdoor.readers.review.records import Case, CaseKind, CaseState, Evidence, EvidenceFile
from halfdoor.sealing.cases import seal_case_media
from halfdoor.sealing.labels import Denied, H
from halfdoor.sealing.media import seal_media, seal_media_facts

ADA = "@ada:a.example"
KEY = bytes(range(32))
PICTURE = bytes(range(256)) * 600
NOTHING = b"{}"


class Copies:
    """Sealed copies in memory, read in odd pieces."""

    def __init__(self) -> None:
        self.files: dict[tuple[str, str], bytes] = {}

    async def read(self, case: str, media_id: str, digest: bytes) -> AsyncIterator[bytes]:
        data = self.files.get((case, media_id))
        if data is None:
            raise Denied
        for at in range(0, len(data), 9_999):
            yield data[at : at + 9_999]


class Shelf:
    """A case with one reported file of *data*."""

    def __init__(self, data: bytes = PICTURE, facts: bytes = b'{"type":"image/png"}') -> None:
        public, private = new_case_key()
        self.case = Case(
            id="case_one",
            kind=CaseKind.REPORT,
            subject="@ben:a.example",
            reason="x",
            queue="x",
            rank=1,
            state=CaseState.OPEN,
            opened=0,
            due=1,
            key_public=public,
            key_sealed=private,
        )
        self.sealed = seal_media(KEY, "media", data)
        self.file = EvidenceFile(
            media_id="media",
            key=self.key_for(self.sealed),
            digest=H(self.sealed),
            stored=len(self.sealed),
            facts=seal_media_facts(KEY, "media", facts),
        )
        self.evidence = Evidence(
            id="evd_one",
            report="rep_one",
            case="case_one",
            reporter=ADA,
            room="!r:a.example",
            event_id="$e",
            sender="@ben:a.example",
            ts=0,
            seq=1,
            hh=bytes(32),
            header=b"",
            fields=b"",
            body=b"",
            blob=b"",
            files=(self.file,),
        )
        self.copies = Copies()
        self.copies.files["case_one", "media"] = self.sealed
        self.opener = FileOpener(self.copies)

    def key_for(self, sealed: bytes, key: bytes = KEY) -> bytes:
        return seal_case_media(public_key(self.case), "case_one", ADA, "media", H(sealed), key)

    async def open(self, content: bytes = NOTHING, **other: Any) -> OpenedFile:
        file = other.pop("file", self.file)
        return await self.opener.open(
            other.pop("case", self.case), replace(self.evidence, **other), file, content
        )


async def everything(opened: OpenedFile) -> bytes:
    return b"".join([piece async for piece in opened.pieces])


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.mark.parametrize("at", [0, 5, 40, 70_000, -1])
async def test_one_turned_bit_is_found_before_anything_is_shown(shelf: Shelf, at: int) -> None:
    changed = bytearray(shelf.sealed)
    changed[at] ^= 1
    shelf.copies.files["case_one", "media"] = bytes(changed)
    with pytest.raises(Denied):
        await shelf.open()


@pytest.mark.parametrize("length", [0, 20, 33, 65_585, -1])
async def test_a_copy_that_is_cut_short_is_refused(shelf: Shelf, length: int) -> None:
    shelf.copies.files["case_one", "media"] = shelf.sealed[:length]
    with pytest.raises(Denied):
        await shelf.open()


async def test_another_file_under_the_same_key_is_refused(shelf: Shelf) -> None:
    """Whoever has the key and the database could write it: the case knows the one reported."""
    shelf.copies.files["case_one", "media"] = seal_media(KEY, "media", b"another")
    with pytest.raises(Denied):
        await shelf.open()


async def test_another_case_reporter_file_or_key_opens_nothing(shelf: Shelf) -> None:
    other = Shelf()
    for wrong in (
        {"case": None},
        {"case": other.case},
        {"case": replace(shelf.case, id="case_two")},
        {"case": replace(shelf.case, key_sealed=b"")},
        {"reporter": "@cleo:a.example"},
        {"file": replace(shelf.file, media_id="other")},
        {"file": replace(shelf.file, digest=bytes(32))},
        {"file": replace(shelf.file, key=other.file.key)},
        {"file": replace(shelf.file, key=shelf.key_for(shelf.sealed, bytes(32)))},
    ):
        with pytest.raises(Denied):
            await shelf.open(**wrong)


async def test_facts_that_are_none_are_refused() -> None:
    for facts in (b"[]", b"\xff", b'{"type":7}'):
        with pytest.raises(Denied):
            await Shelf(facts=facts).open()


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 200_000])
async def test_what_was_reported_opens_whole(size: int) -> None:
    data = (PICTURE * 2)[:size]
    opened = await Shelf(data).open()
    assert (opened.type, opened.size) == ("image/png", size)
    assert await everything(opened) == data
    assert repr(opened) == f"OpenedFile({size} bytes)"


async def test_a_file_that_its_senders_client_encrypted_opens_by_the_key_in_its_message() -> None:
    inner, iv = bytes(range(32, 64)), bytes(8) + bytes(8)
    encrypting = Cipher(AES256(inner), CTR(iv)).encryptor()
    hidden = encrypting.update(PICTURE) + encrypting.finalize()
    shelf = Shelf(hidden, b'{"type":"application/octet-stream"}')
    file = {
        "url": "mxc://a.example/media",
        "key": {"alg": "A256CTR", "k": b64(inner).rstrip("=")},
        "iv": b64(iv),
        "hashes": {"sha256": b64(H(hidden))},
    }
    content = {"file": file, "info": {"mimetype": "image/webp"}}
    opened = await shelf.open(json.dumps(content).encode())
    assert (opened.type, opened.size) == ("image/webp", len(PICTURE))
    assert await everything(opened) == PICTURE
    other = {**content, "file": {**file, "hashes": {"sha256": b64(bytes(32))}}}
    with pytest.raises(Denied):
        await shelf.open(json.dumps(other).encode())
