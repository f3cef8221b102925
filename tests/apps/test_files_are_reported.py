"""Reported files travel to their case and open there, one at a time, for one person."""

import os
import re
from collections.abc import AsyncIterator
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from msgspec.structs import replace
from tests.apps.console_house import Browser
from tests.apps.encrypted_scene import Scene, message_key
from tests.apps.opened_house import SERVER
from tests.readers.review.franking_client import b64
from tests.readers.review.megolm import plain

from halfdoor.messaging.media_names import FileFacts
from halfdoor.readers.review.records import Evidence, EvidenceFile
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.media import sealed_size
from halfdoor.web.streamed import Streamed

# Two chunks of 64 KiB and something.
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 700
SHOWN = "The reported picture"
REASON = {"reason": "harassment.targeted"}


class Desk(Scene):
    """The same scene, with files."""

    async def upload(self, data: bytes, kind: str = "image/png") -> str:
        async def pieces() -> AsyncIterator[bytes]:
            yield data

        return await self.at.house.media.uploads.take(
            self.ben.user, pieces(), FileFacts(kind, "holiday.png"), announced=len(data)
        )

    async def picture(self, data: bytes = PICTURE, kind: str = "image/png") -> str:
        """Send a picture in a standard conversation; return the event."""
        media_id = await self.upload(data, kind)
        content = {"msgtype": "m.image", "body": "holiday.png", "url": mxc(media_id)}
        return await self.send(content, "m.room.message")

    async def hidden_picture(self, **said: Any) -> tuple[str, str]:
        """Send a picture that Ben's client encrypted; return event and id of the file."""
        key, iv = os.urandom(32), os.urandom(8) + bytes(8)
        sealing = Cipher(AES256(key), CTR(iv)).encryptor()
        sealed = sealing.update(PICTURE) + sealing.finalize()
        media_id = await self.upload(sealed, "application/octet-stream")
        file = {
            "url": mxc(media_id),
            "key": {"alg": "A256CTR", "k": url64(key), "kty": "oct", "ext": True},
            "iv": b64(iv).rstrip("="),
            "hashes": {"sha256": b64(sha256(sealed).digest()).rstrip("=")},
            "v": "v2",
            **said,
        }
        content = {"msgtype": "m.image", "file": file, "info": {"mimetype": "image/png"}}
        pt = plain("holiday.png", self.room, content={"body": "holiday.png", **content})
        return await self.send(self.talk.encrypt(pt)), media_id

    async def file_report(self, event: str, *evidence: Any, reason: Any = None) -> None:
        path = f"/rooms/{quote(self.room)}/report/{quote(event)}"
        body = {"org.halfdoor.report": reason or REASON, "org.halfdoor.evidence": list(evidence)}
        await self.ada.must("POST", path, body)

    async def looked(self, browser: Browser, item: Evidence, number: int = 0) -> tuple[int, str]:
        """Reveal a file; return the page."""
        path = f"/cases/{item.case}/items/{item.id}/files/{number}/reveal"
        status, page = await browser.post(path, why="judge")
        return status, unescape(page)

    async def lines(self) -> list[tuple[str, str | None]]:
        """Return what the staff log says was done with what."""
        log = await self.at.house.desk.store.staff_log(0, 100)
        return [(one.what, one.about) for one in log if one.case is not None]


def mxc(media_id: str) -> str:
    return f"mxc://{SERVER}/{media_id}"


def url64(data: bytes) -> str:
    return b64(data).rstrip("=").translate(str.maketrans("+/", "-_"))


def ticket_in(page: str) -> str:
    found = re.search(r'src="(/cases/[^"]+)"', page)
    assert found is not None
    return found[1]


async def fetched(browser: Browser, address: str) -> tuple[int, bytes, dict[bytes, bytes]]:
    """Return what a browser gets that shows the picture at *address*."""
    kept = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    scope = {
        "type": "http",
        "method": "GET",
        "raw_path": address.encode(),
        "query_string": b"",
        "headers": [(b"cookie", kept.encode())],
        "client": ("127.0.0.1", 50_000),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    answer = await browser.apps.answer(scope, receive)
    body = answer.body
    if isinstance(answer, Streamed):
        body = b"".join([piece async for piece in answer.pieces])
        assert len(body) == answer.length
    return answer.status, body, {**dict(answer.headers), b"content-type": answer.content_type}


@pytest.fixture
async def standard(tmp_path: Path) -> AsyncIterator[Desk]:
    found = Desk(tmp_path)
    await found.begin(name="holidays")
    yield found
    await found.at.house.close()


@pytest.fixture
async def encrypted(tmp_path: Path) -> AsyncIterator[Desk]:
    found = Desk(tmp_path)
    await found.begin()
    yield found
    await found.at.house.close()


# --- refused --------------------------------------------------------------------------------------


async def test_a_file_shows_for_nobody_but_who_revealed_it_and_not_for_long(
    standard: Desk,
) -> None:
    await standard.file_report(await standard.picture())
    browser, item = await standard.claimed()
    address = ticket_in((await standard.looked(browser, item))[1])
    other = await standard.at.staff("Heron", "reviewer")
    assert (await fetched(other, address))[0] == 404
    assert (await fetched(Browser(standard.at.apps), address))[0] == 303
    for guessed in ("x", "", "0"):
        assert (await fetched(browser, f"/cases/{item.case}/files/{guessed}"))[0] == 404
    standard.at.clock.now += 300_001
    assert (await fetched(browser, address))[0] in {303, 404}


async def test_what_is_not_there_is_refused_and_not_logged(standard: Desk) -> None:
    await standard.file_report(await standard.picture())
    browser, item = await standard.claimed()
    before = await standard.lines()
    for number in (1, 99):
        assert (await standard.looked(browser, item, number))[0] == 404
    path = f"/cases/{item.case}/items/{item.id}/files"
    assert (await browser.post(f"{path}/-1/reveal", why="judge"))[0] == 400
    assert (await browser.post(f"{path}/0/reveal", why="because"))[0] == 400
    assert (await browser.post(f"/cases/{item.case}/items/evd_x/files/0/reveal", why="judge"))[
        0
    ] == 404
    other = await standard.at.staff("Heron", "reviewer")
    assert (await standard.looked(other, item))[0] == 409
    assert await standard.lines() == before


async def test_pictures_of_the_vault_are_viewed_by_nobody_where_the_policy_says_so(
    standard: Desk,
) -> None:
    await standard.file_report(await standard.picture(), reason={"reason": "child_safety.csam"})
    browser = await standard.at.staff("Robin", "child_safety")
    await browser.post("/queue/next")
    (case,) = await standard.at.house.desk.store.cases_about(standard.ben.user)
    (item,) = await standard.at.house.desk.store.evidence(case.id)
    assert len(item.files) == 1
    status, page = await standard.looked(browser, item)
    assert status == 403
    assert "Nobody views pictures" in page
    assert ("reveal", f"{item.id}/0") not in await standard.lines()


@pytest.mark.parametrize("at", [40, -1])
async def test_a_copy_that_was_changed_shows_nothing_and_the_case_says_so(
    standard: Desk, at: int
) -> None:
    await standard.file_report(await standard.picture())
    browser, item = await standard.claimed()
    (copy,) = await standard.at.house.media.files.case_blobs(item.case)
    (found,) = list(standard.at.house.setting.data_dir.rglob(copy.blob.rpartition("/")[2]))
    data = bytearray(found.read_bytes())
    data[at] ^= 1
    found.chmod(0o600)
    found.write_bytes(data)
    status, page = await standard.looked(browser, item)
    assert status >= 400
    assert SHOWN not in page
    assert (await standard.lines())[-1] == ("denied", item.id)


async def test_the_key_of_a_file_opens_it_in_its_own_case_alone(standard: Desk) -> None:
    await standard.file_report(await standard.picture())
    await standard.file_report(await standard.picture(), reason={"reason": "scam.fraud"})
    store = standard.at.house.desk.store
    cases = await store.cases_about(standard.ben.user)
    (one,), (other,) = [await store.evidence(case.id) for case in cases]
    by_name = {case.id: case for case in cases}
    opener = standard.at.house.desk.reveals._files
    assert opener is not None
    opened = await opener.open(by_name[one.case], one, one.files[0], b"{}")
    assert b"".join([piece async for piece in opened.pieces]) == PICTURE
    mine: EvidenceFile = one.files[0]
    for case, item, file in (
        (by_name[other.case], one, mine),
        (by_name[one.case], one, other.files[0]),
        (by_name[one.case], replace(one, reporter="@cleo:example.org"), mine),
        (by_name[one.case], one, replace(mine, digest=bytes(32))),
        (by_name[one.case], one, replace(mine, media_id=other.files[0].media_id)),
    ):
        with pytest.raises(Denied):
            await opener.open(case, item, file, b"{}")


async def test_what_a_browser_could_run_is_not_shown(standard: Desk) -> None:
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    await standard.file_report(await standard.picture(svg, "image/svg+xml"))
    browser, item = await standard.claimed()
    status, page = await standard.looked(browser, item)
    assert status == 200
    assert "stays sealed" in page
    assert SHOWN not in page
    assert 'src="/cases/' not in page


# --- given ----------------------------------------------------------------------------------------


async def test_a_reported_picture_opens_blurred_after_the_log_says_so(standard: Desk) -> None:
    event = await standard.picture()
    await standard.file_report(event)
    browser, item = await standard.claimed()
    said = f"/cases/{item.case}/items/{item.id}/reveal"
    page = (await browser.post(said, why="judge"))[1]
    assert "Reveal file 1, blurred and grey" in page
    assert SHOWN not in page
    status, page = await standard.looked(browser, item)
    assert status == 200
    assert (await standard.lines())[-1] == ("reveal", f"{item.id}/0")
    status, body, headers = await fetched(browser, ticket_in(page))
    assert (status, body) == (200, PICTURE)
    assert headers[b"content-type"] == b"image/png"
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert b"sandbox" in headers[b"content-security-policy"]


async def test_the_copy_stays_when_the_file_itself_is_gone(standard: Desk) -> None:
    event = await standard.picture()
    await standard.file_report(event)
    house = standard.at.house
    (media_id,) = [one.media_id for one in (await standard.claimed())[1].files]
    record = await house.media.files.media(media_id)
    assert record is not None
    assert record.blob is not None
    await house.media.blobs.delete(record.blob)
    (case,) = await house.desk.store.cases_about(standard.ben.user)
    (item,) = await house.desk.store.evidence(case.id)
    pieces = [one async for one in house.desk.files.read(case.id, media_id, item.files[0].digest)]
    assert sha256(b"".join(pieces)).digest() == item.files[0].digest


@pytest.mark.parametrize("gone", [True, False], ids=["gone", "changed"])
async def test_a_report_is_taken_also_where_the_file_is_gone_or_was_changed(
    standard: Desk, gone: bool
) -> None:
    event = await standard.picture()
    house = standard.at.house
    (found,) = [
        one
        for one in house.setting.data_dir.rglob("*")
        if one.is_file() and one.stat().st_size == sealed_size(len(PICTURE))
    ]
    if gone:
        found.unlink()
    else:
        found.chmod(0o600)
        found.write_bytes(bytes(found.stat().st_size))
    await standard.file_report(event)
    browser, item = await standard.claimed()
    assert item.files == ()
    said = f"/cases/{item.case}/items/{item.id}/reveal"
    assert "holiday.png" in (await browser.post(said, why="judge"))[1]


async def test_a_second_report_of_the_same_picture_makes_no_second_copy(standard: Desk) -> None:
    event = await standard.picture()
    await standard.file_report(event)
    await standard.file_report(event, reason={**REASON, "note": "once more"})
    (case,) = await standard.at.house.desk.store.cases_about(standard.ben.user)
    assert len(await standard.at.house.desk.store.evidence(case.id)) == 2
    assert len(await standard.at.house.media.files.case_blobs(case.id)) == 1


async def test_the_picture_of_a_message_that_was_deleted_since_is_reported_too(
    standard: Desk,
) -> None:
    event = await standard.picture()
    await standard.ben.must("PUT", f"/rooms/{quote(standard.room)}/redact/{quote(event)}/r", {})
    await standard.file_report(event)
    browser, item = await standard.claimed()
    _, page = await standard.looked(browser, item)
    assert (await fetched(browser, ticket_in(page)))[1] == PICTURE


async def test_a_message_without_a_file_brings_none(standard: Desk) -> None:
    await standard.upload(PICTURE)
    event = await standard.send({"msgtype": "m.text", "body": "no picture"}, "m.room.message")
    await standard.file_report(event)
    assert (await standard.claimed())[1].files == ()


# --- encrypted ------------------------------------------------------------------------------------


async def test_without_the_messages_key_nobody_can_tell_which_file_it_names(
    encrypted: Desk,
) -> None:
    event, _ = await encrypted.hidden_picture()
    await encrypted.file_report(event)
    assert (await encrypted.claimed())[1].files == ()


@pytest.mark.parametrize(
    "lie",
    [
        {"hashes": {"sha256": b64(bytes(32))}},
    ],
)
async def test_a_picture_that_is_not_what_its_message_says_shows_nothing(
    encrypted: Desk, lie: dict[str, Any]
) -> None:
    event, _ = await encrypted.hidden_picture(**lie)
    await encrypted.file_report(event, message_key(event, encrypted.talk.key(0)))
    browser, item = await encrypted.claimed()
    status, page = await encrypted.looked(browser, item)
    assert status >= 400
    assert SHOWN not in page


async def test_an_encrypted_picture_opens_by_the_key_in_its_message(encrypted: Desk) -> None:
    await encrypted.upload(b"another file of the same day", "application/octet-stream")
    event, media_id = await encrypted.hidden_picture()
    await encrypted.file_report(event, message_key(event, encrypted.talk.key(0)))
    browser, item = await encrypted.claimed()
    assert [one.media_id for one in item.files] == [media_id]
    status, page = await encrypted.looked(browser, item)
    assert status == 200
    status, body, headers = await fetched(browser, ticket_in(page))
    assert (status, headers[b"content-type"]) == (200, b"image/png")
    assert body == PICTURE
