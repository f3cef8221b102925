"""From a child's report to a file for the authority, through a whole house on disk."""

import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.readers.review.xml_reading import read_xml
from tests.web.house_fixture import DAY, SERVER, WholeHouse, good, whole_house
from tests.web.receiver import receiver

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.apps.desk import Desk
from halfdoor.apps.long_work import work_in
from halfdoor.apps.outgoing import Outgoing
from halfdoor.config.desk import CyberTip
from halfdoor.readers.review.choices import Action, Choice
from halfdoor.readers.review.cyber_tip_facts import IncidentType
from halfdoor.readers.review.cyber_tip_schema import TipRefusedError
from halfdoor.readers.review.errors import SecondPersonError
from halfdoor.readers.review.records import CaseState
from halfdoor.readers.review.referral_events import ReferralRequest
from halfdoor.safety.measures import Kind

CANARY = "do not tell your mum \x07 <b>"
CARA = StaffMember(id="cara", name="Stork", roles=frozenset({"child_safety"}), place="FI")
CARL = StaffMember(id="carl", name="Ibis", roles=frozenset({"child_safety"}), place="FI")
CHOICE = Choice(
    reason="child_safety.grooming", actions=(Action(kind=Kind.TERMINATED),), facts="He asked a lot."
)
REQUEST = ReferralRequest(incident=IncidentType.ENTICEMENT, note="Please hurry.")


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[WholeHouse]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "keys"))
    async with whole_house(tmp_path) as house:
        yield house


async def reported(house: WholeHouse) -> str:
    """Let a girl of 16 report what an adult connected with them wrote; return the case."""
    people = [
        {"user": "mallory", "age_band": "adult", "region": "FI", "display_name": "Mal"},
        {"user": "kim", "age_band": "16-17", "age_source": "id-check", "dm_choice": True},
    ]
    names = {"people": [{"user": "mallory"}, {"user": "kim"}]}
    good(await house.told("PUT", "/people", names))
    pair = {"connections": [["mallory", "kim"]]}
    good(await house.told("PUT", "/connections", pair))
    mallory = (await house.sign_in_by_jwt("mallory"))["access_token"]
    kim = (await house.sign_in_by_jwt("kim"))["access_token"]
    # Signing in says more of people in these tests: what counts here is said last.
    good(await house.told("PUT", "/people", {"people": people}))
    body = {"preset": "trusted_private_chat", "invite": [f"@kim:{SERVER}"]}
    room = good(await house.ask("POST", "/createRoom", body, token=mallory))["room_id"]
    good(await house.ask("POST", f"/rooms/{room}/join", {}, token=kim))
    events = []
    for n, text in enumerate((CANARY, "and something else")):
        path = f"/rooms/{room}/send/m.room.message/{n}"
        said = {"body": text, "msgtype": "m.text"}
        events.append(good(await house.ask("PUT", path, said, token=mallory))["event_id"])
    path = f"/rooms/{quote(room)}/report/{quote(events[0])}"
    more = {"reason": "child_safety.grooming", "events": events[1:]}
    good(await house.ask("POST", path, {"org.halfdoor.report": more}, token=kim))
    (case,) = await desk(house).store.cases_about(f"@mallory:{SERVER}")
    return case.id


def desk(house: WholeHouse) -> Desk:
    return house.house.desk


def told_who_files(house: WholeHouse) -> None:
    """Let the configuration name who files; before the vault is first asked for."""
    tip = CyberTip(first_name="Ada", last_name="Lo", email="safety@a.example", service="Chat")
    house.house.setting = replace(house.house.setting, cyber_tip=tip)


async def decided(house: WholeHouse) -> str:
    """Let two people decide, of whom one viewed the first message."""
    case = await reported(house)
    rooms = desk(house)
    await rooms.cases.claim(CARA, case)
    view = await rooms.cases.view(CARA, case)
    await rooms.reveals.reveal(CARA, case, view.evidence[0].id, "to judge the report")
    with pytest.raises(SecondPersonError):
        await rooms.decisions.decide(CARA, case, CHOICE)
    await rooms.decisions.confirm(CARL, case)
    house.clock.now += 60_000
    return case


async def test_where_nobody_is_named_who_files_nothing_is_made(house: WholeHouse) -> None:
    case = await decided(house)
    await desk(house).referrals.propose(CARA, case, REQUEST)
    with pytest.raises(TipRefusedError, match="nobody who files"):
        await desk(house).referrals.confirm(CARL, case)
    assert not (house.house.setting.data_dir / "vault").exists()


async def test_a_report_holds_what_was_viewed_and_lies_sealed(
    house: WholeHouse, tmp_path: Path
) -> None:
    told_who_files(house)
    case = await decided(house)
    await desk(house).referrals.propose(CARA, case, REQUEST)
    made = await desk(house).referrals.confirm(CARL, case)
    path = house.house.setting.data_dir / "vault" / f"{made.id}.sealed"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"do not tell" not in path.read_bytes()
    key = tmp_path / "child_safety.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600

    package = await desk(house).referrals.export(CARA, case, made.id, "to file it")
    report = read_xml(package.report)
    content = report.findtext("internetDetails/chatImIncident/content") or ""
    assert "> do not tell your mum [U+0007] <b>" in content
    assert "something else" not in package.report.decode()
    said = report.findtext("internetDetails/chatImIncident/additionalInfo") or ""
    assert "No person of ours viewed them" in said
    subject = report.find("personOrUserReported")
    assert subject is not None
    assert subject.findtext("espIdentifier") == f"@mallory:{SERVER}"
    assert subject.findtext("displayName") == "Mal"
    assert subject.findtext("estimatedLocation/countryCode") == "FI"
    assert report.findtext("victim/espIdentifier") == f"@kim:{SERVER}"
    assert "16-17" in (report.findtext("victim/additionalInfo") or "")
    (file,) = package.files
    # What XML cannot carry stands in the file, to the character.
    assert b"do not tell your mum \\u0007 <b>" in file.content
    assert file.viewed
    assert desk(house).vault.counted() == {"made": 1, "filed": 0, "failed": 0}


async def test_after_a_year_nothing_is_left_but_the_proof(house: WholeHouse) -> None:
    told_who_files(house)
    case = await decided(house)
    await desk(house).referrals.propose(CARA, case, REQUEST)
    await desk(house).referrals.confirm(CARL, case)
    house.clock.now += 364 * DAY
    await desk(house).sweep(house.clock.now)
    assert len(await desk(house).store.evidence(case)) == 2
    house.clock.now += 2 * DAY
    await desk(house).sweep(house.clock.now)
    assert await desk(house).store.evidence(case) == []
    closed = await desk(house).store.case(case)
    assert closed is not None
    assert (closed.state, closed.key_sealed) == (CaseState.CLOSED, b"")
    assert list((house.house.setting.data_dir / "vault").iterdir()) == []
    assert [one.kind for one in await desk(house).store.events(case)][-1] == "destroyed"
    line = (await desk(house).store.staff_log(0, 500))[-1]
    assert (line.what, line.staff, line.case) == ("destroy", "", case)


async def test_what_is_to_be_sent_is_filed_and_its_number_known(
    house: WholeHouse, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    password.write_text("password\n")
    password.chmod(0o600)
    rooms = house.house
    with receiver("tipline", tmp_path / "ncmec") as ncmec:
        tip = CyberTip(
            send=True,
            endpoint=f"{ncmec.url}/ispws",
            username="esp",
            password_file=password,
            email="safety@a.example",
        )
        rooms.setting = replace(rooms.setting, cyber_tip=tip)
        rooms.outgoing = Outgoing(rooms)
        rooms.work = work_in(rooms)
        case = await decided(house)
        await desk(house).referrals.propose(CARA, case, REQUEST)
        made = await desk(house).referrals.confirm(CARL, case)
        for _ in range(6):
            await rooms.work.go_on(seconds=5)
            await rooms.work.rest()
            house.clock.now += 1000
        assert ncmec.verbs() == ["submit", "upload", "fileinfo", "finish"]
    (one,) = await desk(house).referrals.of(CARA, case)
    assert (one.id, one.state, one.report) == (made.id, "filed", 7001)
    assert desk(house).vault.counted() == {"made": 1, "filed": 1, "failed": 0}
