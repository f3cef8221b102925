"""Files over HTTP: what is refused, how they come back, and that nothing in them runs."""

import io
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from PIL import Image
from tests.web.house_fixture import SERVER, WholeHouse, good, refusal, whole_house

from halfdoor.accounts.records import MeasureRecord
from halfdoor.web.matrix.media_headers import RangeError, part_of

UPLOAD = "/_matrix/media/v3/upload"
CREATE = "/_matrix/media/v1/create"
CLIENT = "/_matrix/client/v1/media"
DATA = bytes(n % 251 for n in range(200_000))


class People:
    """A house in which alice and bob know each other and share a conversation."""

    def __init__(self, house: WholeHouse) -> None:
        self.house = house
        self.tokens: dict[str, str] = {}
        self.room = ""
        self.sent = 0

    async def arrive(self) -> None:
        for name in ("alice", "bob", "eve"):
            await self.house.person(name)
            self.tokens[name] = (await self.house.sign_in(name))["access_token"]
        await self.house.house.facts.connect(f"@alice:{SERVER}", f"@bob:{SERVER}", "platform")
        body = {"preset": "trusted_private_chat", "invite": [f"@bob:{SERVER}"]}
        self.room = good(await self.ask("alice", "POST", "/createRoom", body))["room_id"]
        good(await self.ask("bob", "POST", f"/join/{self.room}", {}))

    async def ask(
        self, who: str, method: str, path: str, body: Any = None, **query: Any
    ) -> httpx.Response:
        return await self.house.ask(method, path, body, token=self.tokens[who], **query)

    async def upload(
        self,
        who: str,
        data: bytes = DATA,
        kind: str | None = "image/png",
        path: str = UPLOAD,
        method: str = "POST",
        **query: Any,
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.tokens[who]}"}
        if kind is not None:
            headers["content-type"] = kind
        return await self.house.http.request(
            method, path, content=data, headers=headers, params=query or None
        )

    async def fetch(
        self, who: str, address: str, path: str = "download", method: str = "GET", **headers: str
    ) -> httpx.Response:
        name = address.removeprefix("mxc://")
        headers["authorization"] = f"Bearer {self.tokens[who]}"
        return await self.house.http.request(method, f"{CLIENT}/{path}/{name}", headers=headers)

    async def small(self, who: str, address: str, **query: Any) -> httpx.Response:
        """Ask for a small picture."""
        return await self.house.http.get(
            f"{CLIENT}/thumbnail/{address.removeprefix('mxc://')}",
            params=query,
            headers={"authorization": f"Bearer {self.tokens[who]}"},
        )

    async def show(self, who: str, address: str) -> None:
        self.sent += 1
        content = {"msgtype": "m.image", "body": "a.png", "url": address}
        path = f"/rooms/{self.room}/send/m.room.message/t{self.sent}"
        good(await self.ask(who, "PUT", path, content))


@pytest.fixture
async def people(tmp_path: Path) -> AsyncIterator[People]:
    async with whole_house(tmp_path) as house:
        people = People(house)
        await people.arrive()
        yield people


def address_of(answer: httpx.Response) -> str:
    address: str = good(answer)["content_uri"]
    assert address.startswith(f"mxc://{SERVER}/")
    return address


def png(size: tuple[int, int] = (1000, 500), **how: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, how.pop("kind", "PNG"), **how)
    return out.getvalue()


def no_file_lies(people: People) -> bool:
    folder = people.house.house.setting.data_dir / "media"
    return not any(one.is_file() for one in folder.rglob("*"))


# -- what is refused -----------------------------------------------------------------------------


async def test_files_are_for_those_who_are_signed_in(people: People) -> None:
    for method, path in (
        ("POST", UPLOAD),
        ("POST", CREATE),
        ("GET", f"{CLIENT}/config"),
        ("GET", f"{CLIENT}/download/{SERVER}/abc"),
        ("GET", f"{CLIENT}/thumbnail/{SERVER}/abc"),
    ):
        assert refusal(await people.house.ask(method, path)) == (401, "M_MISSING_TOKEN")


async def test_the_old_ways_without_a_token_are_not_there(people: People) -> None:
    old = ("download/a.example/abc", "thumbnail/a.example/abc", "config", "preview_url")
    for version, path in product(("v3", "r0", "v1"), (*old, "download/a/b/c")):
        answer = await people.house.ask("GET", f"/_matrix/media/{version}/{path}")
        assert refusal(answer) == (404, "M_UNRECOGNIZED")


async def test_no_page_is_fetched_for_a_preview(people: People) -> None:
    answer = await people.ask("alice", "GET", f"{CLIENT}/preview_url", url="https://x.example")
    assert refusal(answer) == (404, "M_UNRECOGNIZED")


async def test_too_much_is_refused_before_it_is_read(people: People) -> None:
    headers = {
        "authorization": f"Bearer {people.tokens['alice']}",
        "content-length": str((100 << 20) + 1),
    }
    answer = await people.house.http.post(UPLOAD, content=b"x", headers=headers)
    assert refusal(answer) == (413, "M_TOO_LARGE")
    assert no_file_lies(people)


async def test_a_lying_length_leaves_nothing(people: People) -> None:
    for length in ("5", "100", "-1", "ten"):
        headers = {"authorization": f"Bearer {people.tokens['alice']}", "content-length": length}
        answer = await people.house.http.post(UPLOAD, content=b"ten bytes!", headers=headers)
        assert answer.status_code == 400
    assert no_file_lies(people)


async def test_a_name_that_is_no_name_is_refused(people: People) -> None:
    for name in ("../x", "a/b", "a\\b", "a\x01b", "\u202egnp.exe", "x" * 256):
        answer = await people.upload("alice", filename=name)
        assert refusal(answer) == (400, "M_INVALID_PARAM")
    assert no_file_lies(people)


async def test_a_type_that_is_no_type_is_refused(people: People) -> None:
    answer = await people.upload("alice", kind="text/<script>")
    assert refusal(answer) == (400, "M_INVALID_PARAM")
    assert no_file_lies(people)


async def test_who_may_send_no_media_uploads_and_shows_none(people: People) -> None:
    address = address_of(await people.upload("alice"))
    record = await people.house.house.people.person(f"@alice:{SERVER}")
    measure = MeasureRecord(
        id="m1", kind="no_media", decision="d1", starts=0, ends=None, scope="", reversed=None
    )
    limited = replace(record, measures=(measure,))
    people.house.house.people._persons.put(record.user, limited)
    for answer in (
        await people.upload("alice"),
        await people.ask("alice", "POST", CREATE),
        await people.ask(
            "alice", "PUT", f"/profile/@alice:{SERVER}/avatar_url", {"avatar_url": address}
        ),
    ):
        assert refusal(answer) == (403, "M_FORBIDDEN")
        assert answer.json()["org.halfdoor.reason"] == "own_no_media"


async def test_a_file_of_another_server_is_not_fetched(people: People) -> None:
    address = address_of(await people.upload("alice")).replace(SERVER, "b.example")
    assert refusal(await people.fetch("alice", address)) == (404, "M_NOT_FOUND")
    answer = await people.upload("alice", path=f"{UPLOAD}/b.example/x", method="PUT")
    assert refusal(answer) == (404, "M_NOT_FOUND")


async def test_nobody_fetches_what_was_not_sent_to_them(people: People) -> None:
    address = address_of(await people.upload("alice"))
    for who in ("bob", "eve"):
        for path in ("download", "thumbnail"):
            answer = await people.house.http.get(
                f"{CLIENT}/{path}/{address.removeprefix('mxc://')}",
                params={"width": "1", "height": "1"},
                headers={"authorization": f"Bearer {people.tokens[who]}"},
            )
            assert refusal(answer) == (404, "M_NOT_FOUND")
    await people.show("alice", address)
    assert (await people.fetch("bob", address)).content == DATA
    assert refusal(await people.fetch("eve", address)) == (404, "M_NOT_FOUND")


# -- up and down ---------------------------------------------------------------------------------


async def test_a_file_comes_back_as_it_was(people: People) -> None:
    for data in (b"", b"x", DATA, bytes(3 << 20)):
        address = address_of(await people.upload("alice", data, filename="a b.png"))
        answer = await people.fetch("alice", address)
        assert answer.status_code == 200
        assert answer.content == data
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["content-length"] == str(len(data))
        assert answer.headers["content-disposition"] == 'inline; filename="a b.png"'
        assert answer.headers["accept-ranges"] == "bytes"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        head = await people.fetch("alice", address, method="HEAD")
        assert (head.content, head.headers["content-length"]) == (b"", str(len(data)))


async def test_a_part_comes_alone(people: People) -> None:
    address = address_of(await people.upload("alice"))
    parts = {
        "bytes=0-": (0, 200_000),
        "bytes=0-0": (0, 1),
        "bytes=65535-65536": (65_535, 65_537),
        "bytes=-5": (199_995, 200_000),
        "bytes=-999999": (0, 200_000),
        "bytes=199999-999999": (199_999, 200_000),
    }
    for asked, part in parts.items():
        answer = await people.fetch("alice", address, range=asked)
        assert answer.status_code == 206
        assert answer.content == DATA[slice(*part)]
        assert answer.headers["content-range"] == f"bytes {part[0]}-{part[1] - 1}/200000"


async def test_a_part_that_is_not_there_is_refused(people: People) -> None:
    address = address_of(await people.upload("alice"))
    for asked in ("bytes=200000-", "bytes=200000-200001", "bytes=-0"):
        answer = await people.fetch("alice", address, range=asked)
        assert refusal(answer) == (416, "M_INVALID_PARAM")
        assert answer.headers["content-range"] == "bytes */200000"


async def test_a_question_that_makes_no_sense_gets_all(people: People) -> None:
    address = address_of(await people.upload("alice"))
    for asked in ("lines=1-2", "bytes=", "bytes=-", "bytes=5-1", "bytes=a-b", "bytes=0-1,5-6", "x"):
        answer = await people.fetch("alice", address, range=asked)
        assert (answer.status_code, len(answer.content)) == (200, 200_000)


def test_an_empty_file_has_no_parts() -> None:
    assert part_of(None, 0) is None
    for asked in ("bytes=0-", "bytes=-1"):
        with pytest.raises(RangeError):
            part_of(asked, 0)


async def test_what_could_run_is_only_ever_saved(people: People) -> None:
    page = b"<script>alert(1)</script>"
    opaque = "application/octet-stream"
    kinds = {
        "text/html": opaque,
        "image/svg+xml": opaque,
        "application/xhtml+xml": opaque,
        "text/javascript": opaque,
        "application/pdf": "application/pdf",
        None: opaque,
    }
    for kind, told in kinds.items():
        address = address_of(await people.upload("alice", page, kind, filename='a"; x="y.html'))
        answer = await people.fetch("alice", address)
        assert answer.content == page
        assert answer.headers["content-type"] == told
        name = answer.headers["content-disposition"]
        assert name == "attachment; filename*=utf-8''a%22%3B%20x%3D%22y.html"


async def test_the_name_in_the_address_goes_first(people: People) -> None:
    address = address_of(await people.upload("alice", filename="a.png"))
    answer = await people.fetch("alice", f"{address}/b%C3%A4r.png")
    assert answer.headers["content-disposition"] == "inline; filename*=utf-8''b%C3%A4r.png"
    for name in ("a%2Fb", "%2E%2E", "a%0D%0Aset-cookie%3A%20x"):
        answer = await people.fetch("alice", f"{address}/{name}")
        assert refusal(answer) == (400, "M_INVALID_PARAM")


async def test_an_address_may_come_before_the_file(people: People) -> None:
    made = good(await people.ask("alice", "POST", CREATE))
    address = made["content_uri"]
    assert made["unused_expires_at"] == people.house.clock.now + 86_400_000
    assert refusal(await people.fetch("alice", address)) == (504, "M_NOT_YET_UPLOADED")
    path = f"{UPLOAD}/{address.removeprefix('mxc://')}"
    answer = await people.upload("bob", path=path, method="PUT")
    assert refusal(answer) == (404, "M_NOT_FOUND")
    assert good(await people.upload("alice", path=path, method="PUT")) == {}
    answer = await people.upload("alice", path=path, method="PUT")
    assert refusal(answer) == (409, "M_CANNOT_OVERWRITE_MEDIA")
    assert (await people.fetch("alice", address)).content == DATA


async def test_clients_are_told_how_much_a_file_may_be(people: People) -> None:
    assert good(await people.ask("alice", "GET", f"{CLIENT}/config")) == {
        "m.upload.size": 100 << 20
    }


# -- small pictures ------------------------------------------------------------------------------


async def test_a_small_picture_is_made(people: People) -> None:
    address = address_of(await people.upload("alice", png()))
    for method, size in (("scale", (320, 160)), ("crop", (320, 240))):
        answer = await people.small("alice", address, width=300, height=200, method=method)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["content-disposition"] == 'inline; filename="thumbnail.jpeg"'
        assert Image.open(io.BytesIO(answer.content)).size == size


async def test_a_small_picture_has_a_size(people: People) -> None:
    address = address_of(await people.upload("alice", png()))
    wrong: list[dict[str, Any]] = [
        {},
        {"width": "1"},
        {"width": "0", "height": "1"},
        {"width": "a", "height": "1"},
        {"width": "1", "height": "1", "method": "stretch"},
    ]
    for query in wrong:
        assert (await people.small("alice", address, **query)).status_code == 400


async def test_no_picture_is_made_of_what_is_none(people: People) -> None:
    for data in (b"", b"<svg/>", png()[:200], png(kind="TIFF")):
        address = address_of(await people.upload("alice", data))
        answer = await people.small("alice", address, width=32, height=32)
        assert refusal(answer) == (400, "M_UNKNOWN")


# -- profiles ------------------------------------------------------------------------------------


async def test_everybody_fetches_the_picture_that_a_profile_shows(people: People) -> None:
    address = address_of(await people.upload("alice"))
    path = f"/profile/@alice:{SERVER}/avatar_url"
    assert refusal(await people.fetch("eve", address)) == (404, "M_NOT_FOUND")
    good(await people.ask("alice", "PUT", path, {"avatar_url": address}))
    assert (await people.fetch("eve", address)).content == DATA
    other = address_of(await people.upload("alice", b"other"))
    good(await people.ask("alice", "PUT", path, {"avatar_url": other}))
    assert refusal(await people.fetch("eve", address)) == (404, "M_NOT_FOUND")
    assert (await people.fetch("eve", other)).content == b"other"
    good(await people.ask("alice", "DELETE", path))
    assert refusal(await people.fetch("eve", other)) == (404, "M_NOT_FOUND")


async def test_a_profile_that_names_somebody_elses_file_shows_it_to_nobody(people: People) -> None:
    address = address_of(await people.upload("alice"))
    await people.show("alice", address)
    path = f"/profile/@bob:{SERVER}/avatar_url"
    good(await people.ask("bob", "PUT", path, {"avatar_url": address}))
    assert (await people.fetch("bob", address)).content == DATA
    assert refusal(await people.fetch("eve", address)) == (404, "M_NOT_FOUND")


async def test_a_picture_named_again_stays(people: People) -> None:
    address = address_of(await people.upload("alice"))
    path = f"/profile/@alice:{SERVER}/avatar_url"
    for _ in range(2):
        good(await people.ask("alice", "PUT", path, {"avatar_url": address}))
    assert (await people.fetch("eve", address)).content == DATA
    good(await people.ask("alice", "PUT", path, {"avatar_url": "mxc://b.example/x"}))
    assert refusal(await people.fetch("eve", address)) == (404, "M_NOT_FOUND")
