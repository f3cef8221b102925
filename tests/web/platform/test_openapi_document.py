"""The OpenAPI document says what the routes do, no more and no less."""

from typing import Any

import msgspec
import pytest
from tests.web.house_fixture import PLATFORM, WholeHouse, good

from halfdoor.web.platform import shapes


@pytest.fixture
async def document(house: WholeHouse) -> Any:
    return good(await house.http.get(f"{PLATFORM}/openapi.json"))


def references(value: Any) -> set[str]:
    """Every `$ref` in a JSON value."""
    if isinstance(value, list):
        return set().union(*map(references, value))
    if not isinstance(value, dict):
        return set()
    here = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
    return here.union(*map(references, value.values()))


async def test_the_document_names_every_route_and_no_other(
    house: WholeHouse, document: Any
) -> None:
    assert house.doors is not None
    routes = {(route.method.lower(), route.template) for route in house.doors[1]}
    described = {(method, path) for path, item in document["paths"].items() for method in item}
    assert described == routes
    assert len(described) == 9


async def test_whatever_needs_no_signature_says_so(house: WholeHouse, document: Any) -> None:
    assert house.doors is not None
    for route in house.doors[1]:
        described = document["paths"][route.template][route.method.lower()]
        is_open = described.get("security", document["security"]) == []
        assert is_open == (route.auth == "none")
    assert document["security"] == [{"signed": []}]
    assert "signed" in document["components"]["securitySchemes"]


async def test_every_parameter_of_a_path_is_described(document: Any) -> None:
    for path, item in document["paths"].items():
        inside = [one[1:-1] for one in path.split("/") if one.startswith("{")]
        for operation in item.values():
            assert [one["name"] for one in operation.get("parameters", [])] == inside


async def test_every_reference_leads_somewhere(document: Any) -> None:
    schemas = document["components"]["schemas"]
    for reference in references(document):
        assert reference.rpartition("/")[2] in schemas


async def test_every_operation_has_a_name_of_its_own(document: Any) -> None:
    names = [one["operationId"] for item in document["paths"].values() for one in item.values()]
    assert len(names) == len(set(names))
    assert document["openapi"] == "3.1.0"


async def test_the_answers_have_the_shape_that_is_described(house: WholeHouse) -> None:
    people = {"people": [{"user": "alice", "age_band": "adult"}, {"user": "bob"}]}
    pairs = {"connections": [["alice", "bob"]]}
    for shape, answer in (
        (shapes.PeopleResults, await house.told("PUT", "/people", people)),
        (shapes.ConnectionResults, await house.told("PUT", "/connections", pairs)),
        (shapes.PersonShown, await house.told("GET", "/people/alice")),
        (shapes.Nothing, await house.told("PUT", "/blocks/alice/bob")),
        (shapes.Refusal, await house.told("PUT", "/people", {"people": [{"user": "A"}]})),
        (shapes.Erasure, await house.told("DELETE", "/people/bob")),
    ):
        decoded = msgspec.json.decode(answer.content, type=shape)
        # Nothing is in the answer that the shape does not name.
        assert msgspec.json.decode(msgspec.json.encode(decoded)) == answer.json()


async def test_a_body_that_the_schema_names_is_closed_to_other_fields(document: Any) -> None:
    for name in ("PutPeople", "PersonFacts", "PutConnections", "Suspension", "ErasePerson"):
        assert document["components"]["schemas"][name]["additionalProperties"] is False
