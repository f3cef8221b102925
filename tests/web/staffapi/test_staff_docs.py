"""docs/staff-api.md names every request, every refusal and every kind of message."""

import json
import re
from pathlib import Path

import pytest
from tests.readers.review.test_webhooks_tell_little import event
from tests.web.conftest import Build
from tests.web.staffapi.staff_side import StaffSide

from halfdoor.apps.announcing import body_of
from halfdoor.readers.review.webhooks import TYPES, webhook_of
from halfdoor.web.staffapi.operations import ROOT
from halfdoor.web.staffapi.refusals import ANSWERS

TEXT = (Path(__file__).parents[3] / "docs" / "staff-api.md").read_text(encoding="utf-8")


@pytest.fixture
def side(build: Build) -> StaffSide:
    return StaffSide(build)


def test_every_request_is_in_the_table_and_no_other(side: StaffSide) -> None:
    served = {f"{route.method} {route.template.removeprefix(ROOT)}" for route in side.routes}
    named = set(re.findall(r"^\| `((?:GET|POST) [^`]+)`", TEXT, re.MULTILINE))
    assert named == served - {"GET /openapi.json"}
    assert f"`GET {ROOT}/openapi.json`" in TEXT


def test_the_roles_in_the_table_are_those_of_the_doors(side: StaffSide) -> None:
    for one in side.operations():
        found = re.search(rf"`{one.method} {re.escape(one.path)}` \| ([^|]+) \|", TEXT)
        assert found is not None
        said = {word.strip() for word in found[1].split(",")}
        if said != {"any"}:
            assert said <= set(one.roles)


def test_every_refusal_is_explained() -> None:
    for status, errcode in set(ANSWERS.values()):
        if status != 400:
            assert f"| {status} | `{errcode}` |" in TEXT


def test_every_kind_of_message_is_named() -> None:
    for kind in TYPES.values():
        assert f"`{kind}`" in TEXT


def test_the_message_in_the_text_is_the_message() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    told = webhook_of(event("alarm", {"late": "claim"}))
    assert told is not None
    assert json.loads(body_of(told)) == json.loads(shown)
