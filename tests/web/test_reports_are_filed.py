"""Reports reach NCMEC's web services as they ask for them, and a refusal is told from silence."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from tests.readers.review.test_cyber_tip import TIP
from tests.web.receiver import Receiver, receiver

from halfdoor.config.model import Config
from halfdoor.readers.review.cyber_tip import cyber_tip_xml
from halfdoor.readers.review.sealed_files import TipFile
from halfdoor.readers.review.tip_files import file_details_xml
from halfdoor.web.outbound.cyber_tip import TEST_ENDPOINT, CyberTipline
from halfdoor.web.outbound.filing import FilingError, FilingRefusedError
from halfdoor.web.outbound.jwks_url import outbound_client

FILE = TipFile(name="messages.json", content=b'[{"text":"\\u0007"}]', evidence=(), viewed=True)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with receiver("tipline", tmp_path_factory.mktemp("tipline")) as running:
        yield running


@pytest.fixture
def ncmec(running: Receiver) -> Receiver:
    running.answers()
    (running.folder / "received.jsonl").unlink(missing_ok=True)
    return running


@pytest.fixture
async def tipline(ncmec: Receiver) -> AsyncIterator[CyberTipline]:
    async with outbound_client() as client:
        yield CyberTipline(client, "esp", "password", f"{ncmec.url}/ispws/")


def test_reports_go_to_the_test_system_unless_somebody_says_otherwise() -> None:
    assert TEST_ENDPOINT == "https://exttest.cybertip.org/ispws"
    assert Config().cyber_tip.endpoint == TEST_ENDPOINT
    assert not Config().cyber_tip.send


async def test_a_wrong_password_is_no_answer_that_counts(ncmec: Receiver) -> None:
    async with outbound_client() as client:
        stranger = CyberTipline(client, "esp", "guess", ncmec.url)
        with pytest.raises(FilingError) as caught:
            await stranger.submit(cyber_tip_xml(TIP))
    assert not isinstance(caught.value, FilingRefusedError)


async def test_what_does_not_fit_the_schema_is_refused_there_too(tipline: CyberTipline) -> None:
    with pytest.raises(FilingRefusedError) as caught:
        await tipline.submit(b"<report/>")
    assert caught.value.code == 4100


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "nonsense",
        "<reportResponse/>",
        "<reportResponse><responseCode>x</responseCode></reportResponse>",
        "<reportResponse><responseCode>0</responseCode></reportResponse>",
        '<!DOCTYPE r [<!ENTITY a "0">]><r><responseCode>&a;</responseCode></r>',
    ],
)
async def test_an_answer_that_makes_no_sense_is_no_number(
    ncmec: Receiver, tipline: CyberTipline, raw: str
) -> None:
    ncmec.answers(raw=raw)
    with pytest.raises(FilingError) as caught:
        await tipline.submit(cyber_tip_xml(TIP))
    assert not isinstance(caught.value, FilingRefusedError)


@pytest.mark.parametrize("status", [302, 401, 404, 500, 503])
async def test_no_other_status_and_no_redirect_counts(
    ncmec: Receiver, tipline: CyberTipline, status: int
) -> None:
    ncmec.answers(status=status, headers={"location": f"{ncmec.url}/elsewhere"})
    with pytest.raises(FilingError):
        await tipline.submit(cyber_tip_xml(TIP))
    assert ncmec.verbs() == ["submit"]


async def test_where_nobody_listens_nothing_of_the_report_is_told() -> None:
    async with outbound_client() as client:
        nobody = CyberTipline(client, "esp", "password", "http://127.0.0.1:1")
        with pytest.raises(FilingError) as caught:
            await nobody.submit(b"<canary/>")
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert "password" not in repr(nobody)


async def test_a_report_is_submitted_with_its_file_and_finished(
    ncmec: Receiver, tipline: CyberTipline
) -> None:
    number = await tipline.submit(cyber_tip_xml(TIP))
    file_id = await tipline.upload(number, FILE.name, FILE.content)
    await tipline.fileinfo(file_details_xml(number, file_id, FILE))
    assert await tipline.finish(number) == number == 7001
    assert file_id == "f-1"
    assert ncmec.verbs() == ["submit", "upload", "fileinfo", "finish"]
    submit, upload, fileinfo, _ = ncmec.received()
    assert submit.body == cyber_tip_xml(TIP)
    assert submit.headers["content-type"] == "text/xml; charset=utf-8"
    assert FILE.content in upload.body
    assert b'filename="messages.json"' in upload.body
    assert b"<fileViewedByEsp>true</fileViewedByEsp>" in fileinfo.body


async def test_an_unfinished_report_is_taken_back(ncmec: Receiver, tipline: CyberTipline) -> None:
    await tipline.retract(7001)
    with pytest.raises(FilingRefusedError):
        await tipline.retract(7002)
    assert ncmec.verbs() == ["retract", "retract"]


async def test_too_long_an_answer_is_none() -> None:
    def long(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b"<a>" + bytes(2 << 20))

    async with httpx.AsyncClient(transport=httpx.MockTransport(long)) as client:
        with pytest.raises(FilingError):
            await CyberTipline(client, "esp", "password").submit(b"<report/>")
