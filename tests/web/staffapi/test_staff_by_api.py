"""A platform's own console can do what Halfdoor's can, under the same rules and the same log."""

from base64 import b64decode
from typing import Any

import pytest
from msgspec.structs import replace
from tests.readers.review.desk_scene import (
    ADAM,
    ANNA,
    AUDREY,
    BAD,
    BERT,
    CARA,
    KID,
    LEA,
    member,
    say,
)
from tests.readers.review.xml_reading import read_xml
from tests.web.conftest import Build
from tests.web.staffapi.staff_side import StaffSide, good, refusal

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.readers.review.errors import (
    BreakError,
    ReviewError,
    TooManyReportsError,
)
from halfdoor.readers.review.records import Case
from halfdoor.readers.review.store import DeskChange
from halfdoor.sealing.labels import Denied
from halfdoor.web.limits import Limits, Rate
from halfdoor.web.staffapi.refusals import ANSWERS, api_error

CANARY = "canary-of-what-was-said"
CARL = member("carl", "child_safety")
WHY = {"reason": "to judge the report"}
WARN = {"reason": "harassment.targeted", "actions": [{"kind": "warning"}]}
END = {
    "reason": "child_safety.grooming",
    "actions": [{"kind": "terminated"}],
    "refer": True,
}
ENTICE = {"incident": "Online Enticement of Children for Sexual Acts"}


@pytest.fixture
def side(build: Build) -> StaffSide:
    return StaffSide(build)


async def reported(side: StaffSide, reason: str = "harassment.targeted") -> tuple[Case, str]:
    """Put a reported message on the desk; return case and evidence."""
    case = await side.case(reason)
    _, evidence = await side.report(case, say(CANARY))
    return case, evidence[0].id


async def hold(side: StaffSide, case: Case, by: StaffMember) -> None:
    good(await side.ask("POST", f"/cases/{case.id}/claim", by=by))


# --- refusals -----------------------------------------------------------------------------------


async def test_without_a_session_nothing_is_answered(side: StaffSide) -> None:
    case, _ = await reported(side)
    for one in side.operations():
        path = one.path.replace("{id}", case.id).replace("{referral}", "ref_1")
        for token in (None, "", "token-nobody", "token-anna"):
            answer = await side.ask(one.method, path, {}, token=token)
            assert refusal(answer) == (401, "M_UNKNOWN_TOKEN"), one.path
            assert CANARY.encode() not in answer.body


async def test_a_token_in_the_address_is_none(side: StaffSide) -> None:
    side.doors.let_in(ANNA)
    answer = await side.ask("GET", "/me", query="access_token=token-anna")
    assert refusal(answer) == (401, "M_UNKNOWN_TOKEN")


async def test_an_admin_gets_no_content_and_no_case(side: StaffSide) -> None:
    case, item = await reported(side)
    for one in side.operations():
        if one.path == "/me":
            continue
        path = one.path.replace("{id}", case.id).replace("{referral}", "ref_1")
        answer = await side.ask(one.method, path, {"item": item, **WHY}, by=ADAM)
        assert refusal(answer) == (403, "M_FORBIDDEN"), one.path
        assert case.id.encode() not in answer.body
        assert CANARY.encode() not in answer.body


@pytest.mark.parametrize("staff", [ANNA, LEA, AUDREY])
async def test_nobody_else_learns_that_a_case_of_the_vault_exists(
    side: StaffSide, staff: StaffMember
) -> None:
    case, item = await reported(side, "child_safety.grooming")
    queue = await side.ask("GET", "/queue", by=staff)
    if staff is not AUDREY:
        assert good(queue) == {"cases": []}
        assert good(await side.ask("POST", "/next", by=staff)) == {"case": None}
    assert good(await side.ask("GET", "/events", by=staff))["events"] == []
    for verb, body in (("claim", None), ("reveal", {"item": item, **WHY}), ("referrals", ENTICE)):
        answer = await side.ask("POST", f"/cases/{case.id}/{verb}", body, by=staff)
        assert answer.status in {403, 404}
        assert CANARY.encode() not in answer.body
    assert side.logged() == []


async def test_only_an_auditor_reads_the_log(side: StaffSide) -> None:
    for staff in (ANNA, CARA, LEA, ADAM):
        assert refusal(await side.ask("GET", "/log", by=staff)) == (403, "M_FORBIDDEN")


async def test_a_case_that_nobody_holds_opens_for_nobody(side: StaffSide) -> None:
    case, item = await reported(side)
    answer = await side.ask("POST", f"/cases/{case.id}/reveal", {"item": item, **WHY}, by=ANNA)
    assert refusal(answer) == (409, "ORG.HALFDOOR.NOT_HELD")
    assert CANARY.encode() not in answer.body
    assert side.logged() == []


async def test_of_two_reviewers_one_holds_the_case(side: StaffSide) -> None:
    case, _ = await reported(side)
    await hold(side, case, ANNA)
    answer = await side.ask("POST", f"/cases/{case.id}/claim", by=BERT)
    assert refusal(answer) == (409, "ORG.HALFDOOR.HELD")


async def test_whoever_is_reported_does_not_judge_it(side: StaffSide) -> None:
    case, _ = await reported(side)
    answer = await side.ask("POST", f"/cases/{case.id}/claim", by=replace(ANNA, people=(BAD,)))
    assert refusal(answer) == (403, "ORG.HALFDOOR.CONFLICT_OF_INTEREST")


async def test_a_message_that_nobody_reported_is_not_there(side: StaffSide) -> None:
    case, _ = await reported(side)
    other, item = await reported(side)
    await hold(side, case, ANNA)
    for name in (item, "evd_none", other.id):
        answer = await side.ask("POST", f"/cases/{case.id}/reveal", {"item": name, **WHY}, by=ANNA)
        assert refusal(answer) == (404, "M_NOT_FOUND")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("reveal", {"item": "evd_1"}),
        ("reveal", {"item": "evd_1", "reason": ""}),
        ("reveal", {"item": "evd_1", "reason": "x" * 501}),
        ("reveal", {"item": "evd_1", "reason": "to see", "all": True}),
        ("decide", {"reason": "harassment.targeted", "actions": [{"kind": "burn"}]}),
        ("decide", {"reason": "harassment.targeted", "actions": [{"kind": "no_media", "days": 5}]}),
        ("decide", {"reason": "harassment.targeted", "action": "warning"}),
        ("decide", []),
        ("escalate", {"reason": "x", "to": "admin"}),
        ("unmask", {"label": 7, "reason": "x"}),
    ],
)
async def test_a_body_that_makes_no_sense_does_nothing(
    side: StaffSide, path: str, body: Any
) -> None:
    case, _ = await reported(side)
    await hold(side, case, ANNA)
    before = side.desk.everything()
    assert (await side.ask("POST", f"/cases/{case.id}/{path}", body, by=ANNA)).status == 400
    assert side.desk.everything() == before


async def test_a_field_that_is_not_known_is_called_so(side: StaffSide) -> None:
    case, _ = await reported(side)
    body = {"item": "evd_1", "reason": "to see", "all": True}
    answer = await side.ask("POST", f"/cases/{case.id}/reveal", body, by=ANNA)
    assert answer.json["error"] == "The body has a field that is not known here."


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/queue", "limit=0"),
        ("/queue", "limit=201"),
        ("/queue", "limit=x"),
        ("/queue", "minor=yes"),
        ("/queue", "state=closed"),
        ("/queue", "posture=secret"),
        ("/events", "after=-1"),
        ("/events", "limit=501"),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(
    side: StaffSide, path: str, query: str
) -> None:
    answer = await side.ask("GET", path, by=ANNA, query=query)
    assert refusal(answer) == (400, "M_INVALID_PARAM")


def test_every_refusal_of_the_desk_has_a_number() -> None:
    def below(kind: type[Exception]) -> set[type[Exception]]:
        return {kind}.union(*(below(one) for one in kind.__subclasses__()))

    named = below(ReviewError)
    assert {ANSWERS[one][0] for one in named if one in ANSWERS} == {400, 403, 404, 409, 429}
    assert api_error(ArithmeticError()) is None
    assert api_error(BreakError("Time for a break.")).status == 429  # type: ignore[union-attr]
    late = api_error(TooManyReportsError("Later.", 5000))
    assert late is not None
    assert late.extras == {"retry_after_ms": 5000}
    denied = api_error(Denied())
    assert denied is not None
    assert (denied.status, denied.errcode) == (409, "ORG.HALFDOOR.NOT_GENUINE")


async def test_after_the_budget_of_a_day_it_is_time_for_a_break(build: Build) -> None:
    plain = StaffSide(build).review
    tired = replace(plain, wellness=replace(plain.wellness, reveals_a_day=1))
    side = StaffSide(build, tired)
    case, item = await reported(side)
    await hold(side, case, ANNA)
    body = {"item": item, **WHY}
    good(await side.ask("POST", f"/cases/{case.id}/reveal", body, by=ANNA))
    answer = await side.ask("POST", f"/cases/{case.id}/reveal", body, by=ANNA)
    assert refusal(answer) == (429, "M_LIMIT_EXCEEDED")


async def test_rates_count_by_person_and_wrong_tokens_by_address(build: Build) -> None:
    few = Rate(per_minute=1, burst=2)
    limits = Limits(by_address={}, by_session={"other": few}, strays=few)
    side = StaffSide(build, limits=limits)
    for staff in (ANNA, BERT):
        for _ in range(2):
            good(await side.ask("GET", "/me", by=staff))
        late = await side.ask("GET", "/me", by=staff)
        assert refusal(late) == (429, "M_LIMIT_EXCEEDED")
        assert late.json["retry_after_ms"] > 0
    for status in (401, 401, 429):
        assert (await side.ask("GET", "/me", token="token-guess")).status == status


async def test_evidence_that_was_altered_is_not_shown(side: StaffSide) -> None:
    case = await side.case()
    report, evidence = side.filed(case, say(CANARY))
    forged = replace(evidence[0], sender=KID)
    await side.desk.commit(DeskChange(reports=(report,), evidence=(forged,)))
    await hold(side, case, ANNA)
    body = {"item": forged.id, **WHY}
    answer = await side.ask("POST", f"/cases/{case.id}/reveal", body, by=ANNA)
    assert refusal(answer) == (409, "ORG.HALFDOOR.NOT_GENUINE")
    assert CANARY.encode() not in answer.body


# --- what works ---------------------------------------------------------------------------------


async def test_signing_in_takes_a_passkey_and_a_session_ends(side: StaffSide) -> None:
    side.doors.let_in(ANNA)
    assert good(await side.ask("POST", "/sign_in/begin", {})) == {"challenge": "abc"}
    wrong = await side.ask("POST", "/sign_in/finish", {"passkey": "somebody"})
    assert refusal(wrong) == (403, "M_FORBIDDEN")
    token = good(await side.ask("POST", "/sign_in/finish", {"passkey": "anna"}))["token"]
    assert good(await side.ask("GET", "/me", token=token))["roles"] == ["reviewer"]
    good(await side.ask("POST", "/sign_out", {}, token=token))
    assert (await side.ask("GET", "/me", token=token)).status == 401


async def test_a_case_is_listed_and_looked_at_without_content_or_names(side: StaffSide) -> None:
    case, item = await reported(side)
    listed = await side.ask("GET", "/queue", by=ANNA, query="group=harassment&limit=10")
    assert [one["id"] for one in good(listed)["cases"]] == [case.id]
    view = await side.ask("GET", f"/cases/{case.id}", by=ANNA)
    assert [one["id"] for one in good(view)["evidence"]] == [item]
    claimed = await side.ask("POST", "/next", by=ANNA)
    assert good(claimed)["case"]["id"] == case.id
    mine = await side.ask("GET", "/queue", by=ANNA, query="state=mine")
    assert [one["id"] for one in good(mine)["cases"]] == [case.id]
    for answer in (listed, view, claimed, mine):
        for secret in (CANARY, BAD, KID, "key_sealed"):
            assert secret.encode() not in answer.body


async def test_a_reveal_stands_in_the_log_just_as_one_of_the_console(side: StaffSide) -> None:
    case, item = await reported(side)
    await hold(side, case, ANNA)
    body = {"item": item, **WHY}
    shown = good(await side.ask("POST", f"/cases/{case.id}/reveal", body, by=ANNA))
    assert shown["content"]["body"] == CANARY
    assert (shown["verdict"], shown["by"]) == ("genuine", "Person A")
    assert side.logged()[-1] == ("anna", "reveal", case.id, item, WHY["reason"])
    body = {"label": "Person A", **WHY}
    assert good(await side.ask("POST", f"/cases/{case.id}/unmask", body, by=ANNA))["user"] == BAD
    assert side.logged()[-1] == ("anna", "unmask", case.id, BAD, WHY["reason"])


async def test_a_lease_is_kept_and_given_back(side: StaffSide) -> None:
    case, _ = await reported(side)
    await hold(side, case, ANNA)
    before = (await side.kept(case.id)).lease_until
    side.clock.pass_minutes(1)
    good(await side.ask("POST", f"/cases/{case.id}/heartbeat", by=ANNA))
    assert (await side.kept(case.id)).lease_until == before + 60_000
    good(await side.ask("POST", f"/cases/{case.id}/release", by=ANNA))
    await hold(side, case, BERT)
    good(await side.ask("POST", f"/cases/{case.id}/escalate", {"reason": "hard"}, by=BERT))
    assert (await side.kept(case.id)).state.value == "escalated"


async def test_only_a_lead_enters_what_an_authority_demands(side: StaffSide) -> None:
    case, _ = await reported(side)
    demand = {"until": side.clock.now + 86_400_000, "order": "order 7 of the court"}
    path = f"/cases/{case.id}/silence"
    assert (await side.ask("POST", path, demand, by=ANNA)).status == 403
    assert (await side.ask("POST", path, {**demand, "until": 1}, by=LEA)).status == 400
    good(await side.ask("POST", path, demand, by=LEA))
    assert [one.kind for one in await side.store.events(case.id)][-1] == "silence"
    # The order stands in the log, so that it can be asked for.
    assert side.desk.log[-1].reason == "order 7 of the court"


async def test_duplicates_become_one_case(side: StaffSide) -> None:
    case, _ = await reported(side)
    other, _ = await reported(side)
    await hold(side, case, ANNA)
    body = {"into": other.id, "reason": "the same messages"}
    assert good(await side.ask("POST", f"/cases/{case.id}/merge", body, by=ANNA))["reports"] == 2
    assert (await side.kept(case.id)).merged_into == other.id


async def test_a_decision_is_previewed_made_and_taken_back(side: StaffSide) -> None:
    case, _ = await reported(side)
    await hold(side, case, ANNA)
    options = good(await side.ask("GET", f"/cases/{case.id}/options", by=ANNA))
    assert "harassment.targeted" in [one["reason"]["key"] for one in options["offers"]]
    preview = await side.ask("POST", f"/cases/{case.id}/preview", WARN, by=ANNA)
    assert good(preview)["measures"][0]["kind"] == "warning"
    assert BAD.encode() not in preview.body
    done = good(await side.ask("POST", f"/cases/{case.id}/decide", WARN, by=ANNA))
    assert done["state"] == "decided"
    good(await side.ask("POST", f"/cases/{case.id}/undo", by=ANNA))
    assert (await side.kept(case.id)).state.value == "claimed"


async def test_what_is_severe_is_kept_for_a_second_person(side: StaffSide) -> None:
    case, _ = await reported(side, "child_safety.grooming")
    await hold(side, case, CARA)
    answer = await side.ask("POST", f"/cases/{case.id}/decide", END, by=CARA)
    assert refusal(answer) == (409, "ORG.HALFDOOR.SECOND_PERSON")
    proposal = await side.ask("GET", f"/cases/{case.id}/proposal", by=CARL)
    name = good(proposal)["id"]
    assert good(proposal)["choice"]["refer"] is True
    body = {"proposal": name}
    again = await side.ask("POST", f"/cases/{case.id}/confirm", body, by=CARA)
    assert refusal(again) == (409, "ORG.HALFDOOR.SECOND_PERSON")
    stale = await side.ask("POST", f"/cases/{case.id}/confirm", {"proposal": "dec_x"}, by=CARL)
    assert refusal(stale) == (409, "ORG.HALFDOOR.STALE")
    done = await side.ask("POST", f"/cases/{case.id}/confirm", body, by=CARL)
    assert good(done)["state"] == "decided"


async def test_a_child_is_referred_from_report_to_file(side: StaffSide) -> None:
    case, item = await reported(side, "child_safety.grooming")
    await hold(side, case, CARA)
    body = {"item": item, **WHY}
    good(await side.ask("POST", f"/cases/{case.id}/reveal", body, by=CARA))
    await side.ask("POST", f"/cases/{case.id}/decide", {**END, "refer": False}, by=CARA)
    good(await side.ask("POST", f"/cases/{case.id}/confirm", {}, by=CARL))
    side.clock.pass_minutes(1)
    base = f"/cases/{case.id}/referrals"
    assert good(await side.ask("POST", base, ENTICE, by=CARA))["state"] == "proposed"
    again = await side.ask("POST", f"{base}/confirm", by=CARA)
    assert refusal(again) == (409, "ORG.HALFDOOR.SECOND_PERSON")
    made = good(await side.ask("POST", f"{base}/confirm", by=CARL))
    assert made["state"] == "made"
    export = good(await side.ask("POST", f"{base}/{made['id']}/export", WHY, by=CARL))
    report = read_xml(b64decode(export["report"]))
    assert CANARY in (report.findtext("internetDetails/chatImIncident/content") or "")
    assert [one["viewed"] for one in export["files"]] == [True]
    good(await side.ask("POST", f"{base}/{made['id']}/filed", {"report": 4711}, by=CARL))
    (one,) = good(await side.ask("GET", base, by=CARA))["referrals"]
    assert (one["state"], one["report"]) == ("filed", 4711)


async def test_a_referral_can_be_refused(side: StaffSide) -> None:
    case, _ = await reported(side, "child_safety.grooming")
    await hold(side, case, CARA)
    await side.ask("POST", f"/cases/{case.id}/decide", {**END, "refer": False}, by=CARA)
    good(await side.ask("POST", f"/cases/{case.id}/confirm", {}, by=CARL))
    side.clock.pass_minutes(1)
    good(await side.ask("POST", f"/cases/{case.id}/referrals", ENTICE, by=CARA))
    good(await side.ask("POST", f"/cases/{case.id}/referrals/refuse", WHY, by=CARL))
    (one,) = good(await side.ask("GET", f"/cases/{case.id}/referrals", by=CARA))["referrals"]
    assert one["state"] == "refused"


async def test_an_auditor_reads_who_did_what_in_pages(side: StaffSide) -> None:
    case, item = await reported(side)
    await hold(side, case, ANNA)
    good(await side.ask("POST", f"/cases/{case.id}/reveal", {"item": item, **WHY}, by=ANNA))
    first = good(await side.ask("GET", "/log", by=AUDREY, query="limit=1"))
    rest = good(await side.ask("GET", "/log", by=AUDREY, query=f"after={first['next']}"))
    said = [(one["staff"], one["what"]) for one in (*first["lines"], *rest["lines"])]
    assert ("anna", "reveal") in said
    assert len({one["chain"] for one in (*first["lines"], *rest["lines"])}) == len(said)
    assert CANARY not in str(rest)


async def test_whoever_missed_a_webhook_asks_from_its_number_on(side: StaffSide) -> None:
    case, _ = await reported(side)
    hidden, _ = await reported(side, "child_safety.grooming")
    await hold(side, case, ANNA)
    good(await side.ask("POST", f"/cases/{case.id}/decide", WARN, by=ANNA))
    all_ = good(await side.ask("GET", "/events", by=CARA))
    seen = good(await side.ask("GET", "/events", by=ANNA))
    assert {one["case"] for one in all_["events"]} == {case.id, hidden.id}
    assert {one["case"] for one in seen["events"]} == {case.id}
    assert seen["next"] == all_["next"]
    assert [one["type"] for one in seen["events"]] == ["case.reported", "case.decided"]
    after = seen["events"][0]["number"]
    later = good(await side.ask("GET", "/events", by=ANNA, query=f"after={after}"))
    assert later["events"] == seen["events"][1:]
    end = good(await side.ask("GET", "/events", by=ANNA, query=f"after={seen['next']}"))
    assert end == {"events": [], "next": seen["next"]}


async def test_appeals_wait_for_whoever_did_not_decide(side: StaffSide) -> None:
    assert good(await side.ask("GET", "/appeals", by=ANNA)) == {"appeals": []}
    answer = await side.ask("GET", "/appeals/case_none", by=ANNA)
    assert refusal(answer) == (404, "M_NOT_FOUND")
    body = {"uphold": True, "reason": "it was right"}
    answer = await side.ask("POST", "/appeals/case_none/answer", body, by=ANNA)
    assert refusal(answer) == (404, "M_NOT_FOUND")
