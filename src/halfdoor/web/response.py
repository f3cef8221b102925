"""Answers: a status, bytes, and the few headers that differ from the usual ones."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

Header = tuple[bytes, bytes]

_encode = msgspec.json.Encoder().encode


class Response:
    """One answer. *headers* are added to those every answer carries; names in lower case.

    A *bare* answer carries its own alone: a page of the console is for no other origin.
    """

    __slots__ = ("bare", "body", "content_type", "headers", "status")

    def __init__(
        self,
        status: int = 200,
        body: bytes = b"",
        headers: Iterable[Header] = (),
        content_type: bytes = b"application/json",
        *,
        bare: bool = False,
    ) -> None:
        self.bare = bare
        self.status = status
        self.body = body
        self.headers: tuple[Header, ...] = tuple(headers)
        self.content_type = content_type

    def __repr__(self) -> str:
        """Status and size: a body may hold what people wrote to one another."""
        return f"Response(status={self.status}, size={len(self.body)})"


def json_response(
    content: Mapping[str, Any] | msgspec.Struct | msgspec.Raw,
    status: int = 200,
    headers: Iterable[Header] = (),
) -> Response:
    """*content* as JSON. `msgspec.Raw` inside it goes out as it is, without being read again."""
    return Response(status, _encode(content), headers)


def empty_object() -> Response:
    """`{}`, the answer of many Matrix endpoints."""
    return Response(200, b"{}")
