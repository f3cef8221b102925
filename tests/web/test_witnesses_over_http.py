"""A witness behind its front door, and the way of a log to it: sizes, patience, addresses."""

import asyncio
from hashlib import sha256

import httpx
import pytest
from tests.transparency.log_fakes import KEYS, LOG, ORIGIN, FakeWitnessStore, StillClock

from halfdoor.merkle.add_checkpoint import AddCheckpoint
from halfdoor.merkle.checkpoint import Head
from halfdoor.merkle.tree import EMPTY_ROOT, leaf_hash
from halfdoor.store.errors import StoreUnavailableError
from halfdoor.transparency.cosigning import cosignature_in
from halfdoor.transparency.peers import NoAnswerError
from halfdoor.transparency.witnessing import Witness
from halfdoor.web.address import ClientAddresses
from halfdoor.web.app import App
from halfdoor.web.errors import ErrorTable
from halfdoor.web.logs import configure
from halfdoor.web.outbound.addresses import AddressError, check_address
from halfdoor.web.outbound.witnesses import HttpWitness
from halfdoor.web.witness.routes import MOST_BYTES, witness_app

KEY = KEYS["w1"]
URL = "http://127.0.0.1:9"
HASH = sha256(ORIGIN.encode()).hexdigest()


class Disk(FakeWitnessStore):
    full = False

    async def replace(self, origin: str, old: bytes | None, new: bytes) -> bool:
        if self.full:
            raise StoreUnavailableError("the disk is full")
        return await super().replace(origin, old, new)


class Door:
    def __init__(self) -> None:
        self.disk = Disk()
        errors = ErrorTable()
        errors.add(StoreUnavailableError, 503, "M_UNKNOWN", "Later.")
        witness = Witness(KEY, {ORIGIN: LOG.public}, self.disk, StillClock())
        app = witness_app(witness, [ORIGIN], errors, ClientAddresses(), configure("error"))
        self.app: App = app
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL)  # type: ignore[arg-type]


def request(size: int = 1, old: int = 0) -> bytes:
    root = leaf_hash(b"a") if size else EMPTY_ROOT
    return str(AddCheckpoint(old, (), LOG.sign(Head(ORIGIN, size, root)))).encode()


async def test_a_log_that_is_not_witnessed_is_not_known_here() -> None:
    door = Door()
    other = sha256(b"other.example/log").hexdigest()
    assert (await door.client.get(f"/newest/{other}")).status_code == 404
    assert (await door.client.get(f"/newest/{HASH}")).status_code == 404
    assert (await door.client.get("/newest/")).status_code == 404
    assert (await door.client.get("/add-checkpoint")).status_code == 405


@pytest.mark.parametrize("body", [b"", b"old 1\n", b"\xff\xfe", b"old 0\n\n" + b"x" * 1000])
async def test_what_is_no_request_is_refused_and_nothing_is_kept(body: bytes) -> None:
    door = Door()
    answer = await door.client.post("/add-checkpoint", content=body)
    assert answer.status_code == 400
    assert door.disk.kept == {}


async def test_a_request_that_is_too_large_is_refused() -> None:
    door = Door()
    answer = await door.client.post("/add-checkpoint", content=b"x" * (MOST_BYTES + 1))
    assert answer.status_code == 413


async def test_nothing_is_vouched_for_that_the_disk_does_not_keep() -> None:
    door = Door()
    door.disk.full = True
    answer = await door.client.post("/add-checkpoint", content=request())
    assert answer.status_code == 503
    assert KEY.public.name not in answer.text


async def test_a_cosignature_comes_in_the_form_of_the_protocol() -> None:
    door = Door()
    peer = HttpWitness(URL, door.client)
    answer = await peer.add_checkpoint(request())
    assert answer.status == 200
    signed = LOG.sign(Head(ORIGIN, 1, leaf_hash(b"a")))
    assert cosignature_in(answer.body, signed, KEY.public).name == KEY.public.name
    newest = await peer.newest(ORIGIN)
    assert newest.body.startswith(str(signed).encode())


async def test_a_wrong_old_size_is_answered_with_the_right_one() -> None:
    door = Door()
    await door.client.post("/add-checkpoint", content=request())
    answer = await door.client.post("/add-checkpoint", content=request())
    assert (answer.status_code, answer.text) == (409, "1\n")
    assert answer.headers["content-type"] == "text/x.tlog.size"


async def test_whoever_restarts_it_is_told_that_it_answers() -> None:
    assert (await Door().client.get("/health")).json() == {"status": "ok"}


@pytest.mark.parametrize(
    "url",
    [
        "http://w.example",
        "ftp://127.0.0.1",
        "https://",
        "https://u:p@w.example",
        "https://w.example/?a=b",
        "https://w.example:port",
        "http://127.0.0.1.evil.example",
        "w.example",
        "",
    ],
)
def test_an_address_where_anybody_could_answer_is_refused(url: str) -> None:
    with pytest.raises(AddressError):
        check_address(url)


@pytest.mark.parametrize(
    "url", ["https://w.example/a", "http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"]
)
def test_https_and_this_machine_are_taken(url: str) -> None:
    check_address(url)


async def answered(handler: httpx.AsyncBaseTransport, seconds: float = 5.0) -> str:
    async with httpx.AsyncClient(transport=handler) as client:
        with pytest.raises(NoAnswerError) as caught:
            await HttpWitness(URL, client, seconds=seconds).newest(ORIGIN)
    return str(caught.value)


class Endless(httpx.AsyncByteStream):
    async def __aiter__(self):  # type: ignore[no-untyped-def]
        while True:
            yield b"x" * 10_000


class Silent(httpx.AsyncBaseTransport):
    async def handle_async_request(self, _request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError


async def test_an_answer_without_end_is_no_answer() -> None:
    said = await answered(httpx.MockTransport(lambda _: httpx.Response(200, stream=Endless())))
    assert "longer than" in said


async def test_a_witness_that_says_nothing_is_not_waited_for() -> None:
    assert "in time" in await answered(Silent(), seconds=0.01)


async def test_a_witness_that_is_gone_is_no_answer() -> None:
    def gone(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[secret]")

    assert await answered(httpx.MockTransport(gone)) == "it cannot be reached: ConnectError"


async def test_a_witness_that_sends_elsewhere_is_not_followed() -> None:
    asked: list[httpx.URL] = []

    def elsewhere(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        headers = {"location": "https://evil.example/"}
        return httpx.Response(302, headers=headers, stream=httpx.ByteStream(b""))

    async with httpx.AsyncClient(transport=httpx.MockTransport(elsewhere)) as client:
        answer = await HttpWitness(URL, client).newest(ORIGIN)
    assert answer.status == 302
    assert [url.host for url in asked] == ["127.0.0.1"]
