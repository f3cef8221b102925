"""The platform interface as an OpenAPI 3.1 document, made from its operations and Structs."""

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any, Final

import msgspec

from halfdoor.web.platform.operations import ROOT, Operation, parameters
from halfdoor.web.platform.shapes import Refusal

_REFERENCE: Final = "#/components/schemas/{name}"
_SIGNED: Final = "signed"
_ABOUT: Final = (
    "How the platform tells this server who people are, who knows whom and who is suspended."
    " Every request is signed for itself: docs/platform-api.md."
)
_SIGNATURE: Final = (
    "A JWT (RFC 7519) for this one request: iss, aud (`<server name>/_halfdoor/platform/v1`), exp"
    " (at most five minutes from now), iat, jti (used once), htm (the method), htu (the path) and"
    " digest (base64url without padding of the body's SHA-256). Asymmetric algorithms only."
)
_REFUSALS: Final = {
    "400": "The request makes no sense. Nothing was done.",
    "401": "The token is none of the platform's. Nothing was done.",
    "403": "The token signs another request, or was used before. Nothing was done.",
    "413": "The body is too long.",
    "503": "The keys cannot be read, or the server is busy. Try again.",
}


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """Return the OpenAPI document of *operations* as JSON values."""
    shapes = [shape for one in operations for shape in (one.body, one.answer) if shape is not None]
    _, schemas = msgspec.json.schema_components([*shapes, Refusal], ref_template=_REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(ROOT + one.path, {})[one.method.lower()] = _operation(one)
    paths[f"{ROOT}/openapi.json"] = {
        "get": {
            "operationId": "getOpenapi",
            "summary": "This document.",
            "security": [],
            "responses": {"200": _content("This document.", {"type": "object"})},
        }
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Halfdoor platform interface",
            "version": version("halfdoor"),
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{_SIGNED: []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                _SIGNED: {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": _SIGNATURE,
                }
            },
        },
    }


def _operation(one: Operation) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": _name(one.method.lower(), one.path),
        "summary": one.summary,
        "responses": _responses(one),
    }
    named = parameters(one.path)
    if named:
        said["parameters"] = [
            {
                "name": name,
                "in": "path",
                "required": True,
                "description": "A local part, or a full user id of this server.",
                "schema": {"type": "string"},
            }
            for name in named
        ]
    if one.body is not None:
        said["requestBody"] = {"required": not one.empty, **_content(None, _reference(one.body))}
    return said


def _responses(one: Operation) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    if one.answer is not None:
        responses["200"] = _content("Done.", _reference(one.answer))
    if one.answer is not None and one.accepted is not None:
        responses["202"] = _content(one.accepted, _reference(one.answer))
    refusals = dict(_REFUSALS)
    if one.missing is not None:
        refusals["404"] = one.missing
    for status in sorted(refusals):
        responses[status] = _content(refusals[status], _reference(Refusal))
    return responses


def _content(description: str | None, schema: dict[str, Any]) -> dict[str, Any]:
    content = {"content": {"application/json": {"schema": schema}}}
    return content if description is None else {"description": description, **content}


def _reference(shape: type[msgspec.Struct]) -> dict[str, Any]:
    return {"$ref": _REFERENCE.format(name=shape.__name__)}


def _name(method: str, path: str) -> str:
    words: Iterable[str] = (one.strip("{}") for one in path.split("/") if one)
    return method + "".join(word.capitalize() for word in words)
