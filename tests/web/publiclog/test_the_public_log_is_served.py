"""The files of a public log over HTTP: what is there, for how long, and what is refused."""

import csv
import hashlib
import json

import pytest
from tests.transparency.log_fakes import POLICY
from tests.transparency.public_log import PublicLog
from tests.web.publiclog.conftest import Visitor, visitor_of
from tests.web.publiclog.public_house import policy_file

from halfdoor.merkle.checkpoint import parse_checkpoint
from halfdoor.merkle.tlog_proof import parse_proof
from halfdoor.merkle.trust_policy import parse_policy
from halfdoor.transparency.leaf import schema
from halfdoor.transparency.memory import Memory
from halfdoor.transparency.report import Basis, Number
from halfdoor.transparency.source import CHECKPOINT, REPORT, UnreachableError
from halfdoor.transparency.verifying import Verifier
from halfdoor.web.publiclog.files import csv_of

HOSTILE = [
    "/tile/0/0",
    "/tile/0/000.p/0",
    "/tile/0/000.p/256",
    "/tile/00/000",
    "/tile/64/000",
    "/tile/0/x000/000",
    "/tile/0/..%2f..%2fetc%2fpasswd",
    "/tile/entries/../../../etc/passwd",
    "/tile/" + "/".join(["x001"] * 7) + "/000",
    "/tile/" + "/".join(["x001"] * 30) + "/000",
    "/checkpoint/latest",
    "/checkpoint/-1",
    "/checkpoint/020001",
    "/checkpoint/99999999",
    "/checkpoint/%D9%A1",
    "/document/..",
    "/document/" + "0" * 63,
    "/document/" + "A" * 64,
    "/proof/-1",
    "/proof/12",
    "/proof/9999999999999999999",
    "/proof/" + "9" * 400,
    "/policy/x",
    "/nothing",
]


@pytest.mark.parametrize("path", HOSTILE)
async def test_what_is_no_file_of_the_log_is_not_there(visitor: Visitor, path: str) -> None:
    got = await visitor.get(path)
    assert got.status in {400, 404}
    assert json.loads(got.body)["errcode"] in {"M_UNRECOGNIZED", "M_INVALID_PARAM"}


async def test_a_log_that_cannot_be_read_says_so_and_tells_nothing_else(visitor: Visitor) -> None:
    async def lost(path: str) -> bytes | None:
        raise UnreachableError(f"/secret/place/{path}")

    visitor.log.get = lost  # type: ignore[method-assign]
    for path in ("/checkpoint", "/tile/0/000", "/report.json", "/proof/0"):
        got = await visitor.get(path)
        assert got.status == 503
        assert b"secret" not in got.body


async def test_nothing_is_changed_by_anybody(visitor: Visitor) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert (await visitor.get("/checkpoint", method)).status == 405


async def test_everything_that_verify_reads_is_served_and_found_good(visitor: Visitor) -> None:
    class ByHttp:
        async def get(self, path: str) -> bytes | None:
            got = await visitor.get(f"/{path}")
            assert got.status in {200, 404}
            return got.body if got.status == 200 else None

    now = visitor.log.clock.now // 1000
    run = Verifier(ByHttp(), POLICY, Memory(origin=POLICY.logs[0].key.name), now=now)
    verdict = await run.run()
    assert verdict.findings == ()
    assert verdict.size == 12


async def test_what_never_changes_is_kept_for_a_year_and_heads_for_seconds(
    visitor: Visitor,
) -> None:
    [first, *_] = visitor.log.documents
    today = visitor.log.day
    for path in ("/tile/0/000.p/12", "/tile/entries/000.p/12", f"/{first}", "/checkpoint/20000"):
        assert b"immutable" in (await visitor.get(path)).headers[b"cache-control"]
    for path in ("/checkpoint", f"/checkpoint/{today}", f"/checkpoint/{today - 1}", "/report.json"):
        got = await visitor.get(path)
        assert got.status == 200
        assert got.headers[b"cache-control"] == b"public, max-age=5, must-revalidate"


async def test_pages_of_others_may_read_files_and_nothing_runs_in_them(visitor: Visitor) -> None:
    [first, *_] = visitor.log.documents
    for path in ("/checkpoint", "/tile/entries/000.p/12", f"/{first}", "/schema.json"):
        headers = (await visitor.get(path)).headers
        assert headers[b"access-control-allow-origin"] == b"*"
        assert headers[b"x-content-type-options"] == b"nosniff"
        assert headers[b"content-security-policy"] == b"default-src 'none'; sandbox"


async def test_a_document_is_what_its_name_says(visitor: Visitor) -> None:
    for path in visitor.log.documents:
        got = await visitor.get(f"/{path}")
        assert hashlib.sha256(got.body).hexdigest() == path.partition("/")[2]


async def test_a_proof_convinces_whoever_has_the_keys(visitor: Visitor) -> None:
    for index, placed in enumerate(visitor.log.store.placed):
        proof = parse_proof((await visitor.get(f"/proof/{index}")).body)
        assert proof.index == index
        assert len(proof.check(placed.leaf, POLICY)) >= 3


async def test_the_keys_and_the_schema_are_files_too(visitor: Visitor) -> None:
    assert parse_policy((await visitor.get("/policy")).body) == POLICY
    assert policy_file() == (await visitor.get("/policy")).body
    found = json.loads((await visitor.get("/schema.json")).body)
    assert found == json.loads(json.dumps(schema()))


async def test_every_number_says_what_it_rests_on_as_json_and_as_csv(visitor: Visitor) -> None:
    found = json.loads((await visitor.get("/report.json")).body)
    assert found["size"] == 12
    rows = list(csv.DictReader((await visitor.get("/report.csv")).text.splitlines()))
    assert [{**row, "count": int(row["count"])} for row in rows] == found["numbers"]
    assert {row["basis"] for row in rows} == {"proved", "declared"}
    assert {"row": "grants by jurisdiction", "of": "FI", "count": 2, "basis": "proved"} in found[
        "numbers"
    ]


async def test_without_a_published_report_the_entries_are_counted(visitor: Visitor) -> None:
    published = await visitor.get("/report.json")
    visitor.log.shown[REPORT] = None
    assert (await visitor.get("/report.json")).body == published.body
    # It is about the newest head, however lately anybody looked.
    await visitor.log.append(visitor.log.grant("B" * 42 + "A="))
    size = parse_checkpoint((await visitor.get("/checkpoint")).body).head.size
    assert json.loads((await visitor.get("/report.json")).body)["size"] == size == 13


async def test_a_published_report_that_is_none_is_no_table(visitor: Visitor) -> None:
    visitor.log.shown[REPORT] = b"{}"
    assert (await visitor.get("/report.csv")).status == 503


def test_a_cell_that_a_sheet_would_run_is_only_text() -> None:
    text = csv_of((Number("=cmd()", "+1", 3, Basis.DECLARED), Number("-1", "@x", 1, Basis.PROVED)))
    assert text.decode().splitlines()[1:] == ["'=cmd(),'+1,3,declared", "'-1,'@x,1,proved"]


async def test_before_the_first_checkpoint_there_is_nothing(visitor: Visitor) -> None:
    empty = await visitor_of(PublicLog())
    empty.log.shown[CHECKPOINT] = None
    assert (await empty.get("/checkpoint")).status == 404
    assert (await empty.get("/proof/0")).status == 404
    empty.log.shown[REPORT] = None
    assert (await empty.get("/report.json")).status == 503


async def test_what_was_read_is_not_read_again(visitor: Visitor) -> None:
    seen = await visitor.reading.renew()
    assert await visitor.reading.renew() is seen
    visitor.log.clock.now += 61_000
    again = await visitor.reading.renew()
    assert again is not seen
    assert again.verdict.size == seen.verdict.size == 12


async def test_who_was_shown_another_tree_keeps_what_was_true(visitor: Visitor) -> None:
    other = PublicLog()
    await other.append(other.policy())
    visitor.log.shown[CHECKPOINT] = await other.get(CHECKPOINT)
    seen = await visitor.reading.renew()
    assert {one.check for one in seen.verdict.findings} >= {"log-shrank"}
    del visitor.log.shown[CHECKPOINT]
    assert (await visitor.reading.renew()).verdict.good
