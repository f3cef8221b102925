"""The OpenAPI document of the staff interface says what the routes do, no more and no less."""

from typing import Any

import pytest
from tests.web.conftest import Build
from tests.web.staffapi.staff_side import StaffSide, good

from halfdoor.web.staffapi.operations import EVERYBODY


@pytest.fixture
def side(build: Build) -> StaffSide:
    return StaffSide(build)


@pytest.fixture
async def document(side: StaffSide) -> Any:
    return good(await side.ask("GET", "/openapi.json"))


def references(value: Any) -> set[str]:
    """Every `$ref` in a JSON value."""
    if isinstance(value, list):
        return set().union(*map(references, value))
    if not isinstance(value, dict):
        return set()
    here = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
    return here.union(*map(references, value.values()))


def test_every_route_is_described_and_no_other(side: StaffSide, document: Any) -> None:
    routes = {(route.method.lower(), route.template) for route in side.routes}
    described = {(method, path) for path, item in document["paths"].items() for method in item}
    assert described == routes
    assert len(described) > 35


def test_whatever_needs_no_session_says_so(side: StaffSide, document: Any) -> None:
    sessions = {one.path for one in side.operations()}
    assert document["security"] == [{"session": []}]
    for path, item in document["paths"].items():
        for operation in item.values():
            is_open = operation.get("security", document["security"]) == []
            assert is_open == (path.removeprefix("/_halfdoor/review/v1") not in sessions)


def test_every_parameter_of_a_path_is_described(document: Any) -> None:
    for path, item in document["paths"].items():
        inside = [one[1:-1] for one in path.split("/") if one.startswith("{")]
        for operation in item.values():
            named = [one for one in operation.get("parameters", []) if one["in"] == "path"]
            assert [one["name"] for one in named] == inside
            assert all(one["description"] for one in operation.get("parameters", []))


def test_every_reference_leads_somewhere(document: Any) -> None:
    schemas = document["components"]["schemas"]
    for reference in references(document):
        assert reference.rpartition("/")[2] in schemas


def test_every_operation_has_a_name_of_its_own_and_says_who_may(
    side: StaffSide, document: Any
) -> None:
    operations = [one for item in document["paths"].values() for one in item.values()]
    names = [one["operationId"] for one in operations]
    assert len(names) == len(set(names))
    assert all(one["summary"] for one in operations)
    for one in side.operations():
        assert one.roles
        assert one.roles <= EVERYBODY


def test_a_body_is_closed_to_fields_that_nobody_knows(side: StaffSide, document: Any) -> None:
    bodies = {one.body.__name__ for one in side.operations() if one.body is not None}
    assert len(bodies) > 8
    for name in bodies:
        assert document["components"]["schemas"][name]["additionalProperties"] is False


def test_nothing_that_goes_out_has_a_place_for_a_key(document: Any) -> None:
    for name, schema in document["components"]["schemas"].items():
        assert not {"key_sealed", "key_public", "blob"} & set(schema.get("properties", {})), name
