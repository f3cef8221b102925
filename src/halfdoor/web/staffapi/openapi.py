"""The staff interface as an OpenAPI 3.1 document, made from its operations and Structs."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, Final

import msgspec

from halfdoor.web.staffapi.operations import ROOT, OpenOperation, Operation, parameters
from halfdoor.web.staffapi.shapes import Refusal

_REFERENCE: Final = "#/components/schemas/{name}"
_SESSION: Final = "session"
_ABOUT: Final = (
    "For platforms with a console of their own: cases, reveals, decisions and appeals, by the same"
    " services, roles, leases and log as Halfdoor's console. Times are ms since 1970."
)
_NAMED: Final = {"id": "A case.", "referral": "A referral of that case."}
_REFUSALS: Final = {
    "400": "The request makes no sense. Nothing was done.",
    "401": "There is no session of staff, or it has ended.",
    "403": "You have no role for this, or are too close to the people in it.",
    "404": "There is no such thing, or not for you.",
    "409": "It moved on, another person holds it, your hold has ended, a second person is needed,"
    " or it is not what was stored: errcode says which.",
    "413": "The body is too long.",
    "429": "Time for a break, or too many requests.",
    "503": "The server is busy. Try again.",
}


def document(operations: Sequence[Operation], outside: Sequence[OpenOperation]) -> dict[str, Any]:
    """Return the OpenAPI document of *operations*, and of those *outside* of a session."""
    shapes = [shape for one in operations for shape in (one.body, one.answer) if shape is not None]
    shapes += [one.answer for one in outside if one.answer is not None]
    _, schemas = msgspec.json.schema_components([*shapes, Refusal], ref_template=_REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(ROOT + one.path, {})[one.method.lower()] = _operation(one)
    for other in outside:
        paths.setdefault(ROOT + other.path, {})[other.method.lower()] = _outside(other)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Halfdoor staff interface",
            "version": version("halfdoor"),
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{_SESSION: []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                _SESSION: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token of a session of staff, from signing in by passkey.",
                }
            },
        },
    }


def _operation(one: Operation) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": _name(one.method, one.path),
        "summary": one.summary,
        "description": f"Roles: {', '.join(sorted(one.roles))}.",
        "responses": {"200": _content("Done.", _reference(one.answer)), **_refusals()},
    }
    asked = [
        *(_parameter(name, "path", _NAMED[name]) for name in parameters(one.path)),
        *(_parameter(name, "query", meaning) for name, meaning in one.query.items()),
    ]
    if asked:
        said["parameters"] = asked
    if one.body is not None:
        said["requestBody"] = {"required": True, **_content(None, _reference(one.body))}
    return said


def _outside(one: OpenOperation) -> dict[str, Any]:
    shape = {"type": "object"} if one.answer is None else _reference(one.answer)
    return {
        "operationId": _name(one.method, one.path),
        "summary": one.summary,
        "security": [],
        "responses": {"200": _content("Done.", shape), **_refusals()},
    }


def _refusals() -> dict[str, Any]:
    return {status: _content(said, _reference(Refusal)) for status, said in _REFUSALS.items()}


def _parameter(name: str, place: str, meaning: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": meaning,
        "schema": {"type": "string"},
    }


def _content(description: str | None, schema: dict[str, Any]) -> dict[str, Any]:
    content = {"content": {"application/json": {"schema": schema}}}
    return content if description is None else {"description": description, **content}


def _reference(shape: type[msgspec.Struct]) -> dict[str, Any]:
    return {"$ref": _REFERENCE.format(name=shape.__name__)}


def _name(method: str, path: str) -> str:
    words = [one.strip("{}") for part in path.split("/") for one in part.split("_") if one]
    return method.lower() + "".join(word[:1].upper() + word[1:] for word in words)
