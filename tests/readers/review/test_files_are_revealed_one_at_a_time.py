"""Each file of a reported message is a reveal of its own: logged first, refused like a message."""

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace
from tests.readers.review.desk_scene import ANNA, BERT, SIGNER, Scene, say

from halfdoor.readers.review.case_keys import public_key
from halfdoor.readers.review.errors import NotHeldError, RoleError, UnknownCaseError
from halfdoor.readers.review.evidence_opening import EvidenceOpener
from halfdoor.readers.review.file_opening import FileOpener
from halfdoor.readers.review.records import Case, Evidence, EvidenceFile
from halfdoor.readers.review.reveal import Reveals
from halfdoor.readers.review.staff_days import StaffDays
from halfdoor.readers.review.store import DeskChange
from halfdoor.sealing.cases import seal_case_media
from halfdoor.sealing.labels import Denied, H
from halfdoor.sealing.media import seal_media, seal_media_facts

KEY = bytes(range(32))
FACTS = b'{"type":"image/png"}'


class Files(Scene):
    """A desk where reported messages have files."""

    def __init__(self) -> None:
        super().__init__()
        self.copies: dict[str, bytes] = {}
        self.reveals = Reveals(
            self.desk,
            self.review,
            self.clock,
            self.conflicts,
            StaffDays(self.desk),
            EvidenceOpener(self.desk, SIGNER.public, self.shelf),
            FileOpener(self),
        )

    async def read(self, case: str, media_id: str, digest: bytes) -> AsyncIterator[bytes]:
        yield self.copies[media_id]

    async def with_files(self, *pictures: bytes, reason: str = "harassment.targeted") -> Evidence:
        """Put a case on the desk whose one message names *pictures*."""
        case = await self.case(reason)
        report, (evidence,) = self.filed(case, say("look at this"))
        evidence = replace(
            evidence,
            files=tuple(self._file(case, evidence, n, one) for n, one in enumerate(pictures)),
        )
        await self.desk.commit(DeskChange(reports=(report,), evidence=(evidence,)))
        return evidence

    def _file(self, case: Case, evidence: Evidence, number: int, data: bytes) -> EvidenceFile:
        media_id = f"media{number}"
        sealed = self.copies[media_id] = seal_media(KEY, media_id, data)
        key = seal_case_media(
            public_key(case), case.id, evidence.reporter, media_id, H(sealed), KEY
        )
        facts = seal_media_facts(KEY, media_id, FACTS)
        return EvidenceFile(
            media_id=media_id, key=key, digest=H(sealed), stored=len(sealed), facts=facts
        )


@pytest.fixture
def desk() -> Files:
    return Files()


@pytest.mark.parametrize("number", [-1, 2, 100])
async def test_a_file_that_is_not_there_is_refused_and_not_logged(desk: Files, number: int) -> None:
    evidence = await desk.with_files(b"one", b"two")
    await desk.cases.claim(ANNA, evidence.case)
    before = desk.logged()
    with pytest.raises(UnknownCaseError):
        await desk.reveals.reveal_file(ANNA, evidence.case, evidence.id, number, "to judge")
    assert desk.logged() == before


async def test_a_note_has_no_files(desk: Files) -> None:
    case = await desk.case()
    report, _ = await desk.report(case, note="he sent me a picture")
    await desk.cases.claim(ANNA, case.id)
    before = desk.logged()
    with pytest.raises(UnknownCaseError):
        await desk.reveals.reveal_file(ANNA, case.id, report.id, 0, "to judge")
    assert desk.logged() == before


async def test_who_does_not_hold_the_case_sees_no_file(desk: Files) -> None:
    evidence = await desk.with_files(b"one")
    await desk.cases.claim(ANNA, evidence.case)
    with pytest.raises(NotHeldError):
        await desk.reveals.reveal_file(BERT, evidence.case, evidence.id, 0, "to judge")


async def test_a_desk_that_has_no_files_shows_none() -> None:
    scene = Files()
    evidence = await scene.with_files(b"one")
    await scene.cases.claim(ANNA, evidence.case)
    _, bare = scene.server(scene.desk)
    with pytest.raises(UnknownCaseError):
        await bare.reveal_file(ANNA, evidence.case, evidence.id, 0, "to judge")


async def test_a_file_that_does_not_open_is_noted_in_the_case(desk: Files) -> None:
    evidence = await desk.with_files(b"one")
    await desk.cases.claim(ANNA, evidence.case)
    desk.copies["media0"] = seal_media(KEY, "media0", b"another")
    with pytest.raises(Denied):
        await desk.reveals.reveal_file(ANNA, evidence.case, evidence.id, 0, "to judge")
    assert (await desk.kinds(evidence.case))[-2:] == ["revealed", "denied"]


async def test_one_file_opens_after_the_log_says_so_and_the_other_stays_closed(
    desk: Files,
) -> None:
    evidence = await desk.with_files(b"one", b"two")
    await desk.cases.claim(ANNA, evidence.case)
    shown = await desk.reveals.reveal(ANNA, evidence.case, evidence.id, "to judge")
    assert shown.files == 2
    found = await desk.reveals.reveal_file(ANNA, evidence.case, evidence.id, 1, "to judge")
    assert (found.type, found.size) == ("image/png", 3)
    assert desk.logged()[-1] == (
        ANNA.id,
        "reveal",
        evidence.case,
        f"{evidence.id}/1",
        "to judge",
    )
    _, detail = await desk.last(evidence.case)
    assert (detail["evidence"], detail["file"]) == (evidence.id, "1")
    # As often as a browser asks, within one look.
    for _ in range(2):
        opened = await found.again()
        assert b"".join([piece async for piece in opened.pieces]) == b"two"
    assert repr(found) == "RevealedFile(3 bytes)"


async def test_pictures_of_the_vault_follow_a_rule_of_their_own(desk: Files) -> None:
    evidence = await desk.with_files(b"one", reason="child_safety.csam")
    holder = replace(ANNA, roles=frozenset({"child_safety"}))
    await desk.cases.claim(holder, evidence.case)
    before = desk.logged()
    with pytest.raises(RoleError, match="pictures"):
        await desk.reveals.reveal_file(holder, evidence.case, evidence.id, 0, "to judge")
    assert desk.logged() == before
