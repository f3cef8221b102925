"""A platform is told that something happened in a case, and nothing about whom or what."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfdoor.apps.announcing import body_of
from halfdoor.readers.review.records import ModerationEvent
from halfdoor.readers.review.webhooks import TYPES, webhook_of

NOW = 1_795_000_000_000
SECRETS = ("@mallory:a.example", "cara", "do not tell your mum", "!room:a.example", "$event")


def event(kind: str, detail: object = None, **changes: object) -> ModerationEvent:
    said = {
        "case": "case_one",
        "n": 3,
        "number": 41,
        "at": NOW,
        "kind": kind,
        "actor": SECRETS[1],
        **changes,
    }
    return msgspec.structs.replace(
        msgspec.convert(said, ModerationEvent), detail=msgspec.json.encode(detail or {})
    )


@pytest.mark.parametrize(
    "kind",
    ["claimed", "released", "revealed", "unmasked", "denied", "judged", "taken_over", "", "x"],
)
def test_what_reviewers_do_among_themselves_is_not_told(kind: str) -> None:
    assert webhook_of(event(kind)) is None


@given(st.sampled_from(sorted(TYPES)), st.sampled_from(SECRETS), st.text(max_size=10))
def test_nothing_of_a_detail_goes_out(kind: str, secret: str, name: str) -> None:
    told = webhook_of(event(kind, {name: secret, "late": secret, "reason": secret, "user": secret}))
    assert told is not None
    body = body_of(told).decode()
    assert not any(one in body for one in SECRETS)
    assert set(msgspec.json.decode(body)["data"]) == {"case", "number"}


@pytest.mark.parametrize("detail", [[], "late", 7, None, {"late": ["claim"]}, {"late": None}])
def test_a_detail_of_another_form_breaks_nothing(detail: object) -> None:
    told = webhook_of(event("alarm", detail))
    assert told is not None
    assert told.late is None


def test_an_alarm_says_what_came_too_late() -> None:
    told = webhook_of(event("alarm", {"late": "claim"}))
    assert told is not None
    assert msgspec.json.decode(body_of(told)) == {
        "type": "case.alarm",
        "timestamp": "2026-11-18T11:06:40.000+00:00",
        "data": {"case": "case_one", "number": 41, "late": "claim"},
    }


def test_one_event_has_one_name_however_often_it_is_sent() -> None:
    assert [webhook_of(event("decided")).id for _ in range(2)] == ["evt_41"] * 2  # type: ignore[union-attr]


def test_a_decision_of_two_people_is_told_once() -> None:
    kinds = ("proposed", "confirmed", "decided")
    told = [webhook_of(event(kind)) for kind in kinds]
    assert [one.type for one in told if one is not None] == ["case.proposed", "case.decided"]
