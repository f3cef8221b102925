"""Which handler answers a path. Split first, decode second, so that `%2F` stays inside an id.

docs/decisions/0008-asgi-raw-paths.md says why these lines are our own.
"""

from collections.abc import Awaitable, Callable, Iterable
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

import msgspec

from halfdoor.web.errors import ApiError, UnrecognizedError
from halfdoor.web.request import Request
from halfdoor.web.response import Response

# The second argument is what the route's gate admitted: a session, the platform, or None.
Handler = Callable[[Request, Any], Awaitable[Response]]
Auth = Literal["none", "session", "pending_ok", "platform"]
LimitClass = Literal["login", "register", "send", "sync", "other", "probe"]

_V3 = "/_matrix/client/v3/"
_SHORT = 128


class Route(msgspec.Struct, frozen=True):
    """One method of one path template, e.g. `/_matrix/client/v3/rooms/{roomId}/state`.

    `session` needs an approved device's token, `pending_ok` any token, `platform` the platform's
    signature. *max_body_bytes* replaces the general limit. An empty body reads as `{}` where
    *allow_empty_body* says so.
    """

    method: Literal["GET", "PUT", "POST", "DELETE"]
    template: str
    handler: Handler
    auth: Auth = "session"
    limit: LimitClass = "other"
    allow_empty_body: bool = False
    max_body_bytes: int | None = None


class _Node:
    __slots__ = ("named", "routes", "wild")

    def __init__(self) -> None:
        self.named: dict[str, _Node] = {}
        self.wild: _Node | None = None
        self.routes: dict[str, tuple[Route, tuple[str, ...]]] = {}


class Router:
    """All routes as a tree of segments. A literal segment goes before a parameter."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Build the tree; ValueError for a template that is given twice."""
        self._root = _Node()
        for route in routes:
            self._add(route, route.template)
            if route.template.startswith(_V3):
                # matrix-commander still asks under r0 (MATRIX §1.2).
                self._add(route, f"/_matrix/client/r0/{route.template.removeprefix(_V3)}")

    def find(self, method: str, raw_path: bytes) -> tuple[Route, dict[str, str]]:
        """The route and its decoded parameters; UnrecognizedError 404 or 405, ApiError 400."""
        values: list[str] = []
        node = _walk(self._root, decode_segments(raw_path), 0, values)
        if node is None:
            raise UnrecognizedError
        found = node.routes.get(method)
        if found is None:
            if method == "HEAD" and "GET" in node.routes:
                found = node.routes["GET"]
            else:
                raise UnrecognizedError(405, (*sorted(node.routes), "OPTIONS"))
        route, names = found
        return route, dict(zip(names, values, strict=True))

    def _add(self, route: Route, template: str) -> None:
        node, names = self._root, []
        for segment in template.split("/")[1:]:
            if segment.startswith("{"):
                names.append(segment[1:-1])
                if node.wild is None:
                    node.wild = _Node()
                node = node.wild
            else:
                node = node.named.setdefault(segment, _Node())
        if route.method in node.routes:
            raise ValueError(f"{route.method} {template} is given twice")
        node.routes[route.method] = (route, tuple(names))


def decode_segments(raw_path: bytes) -> list[str]:
    """The segments of *raw_path* after the first slash, each decoded on its own (RFC 3986 §2.4).

    ApiError 400 M_INVALID_PARAM for a broken escape, bytes that are not UTF-8, or a NUL.
    """
    try:
        path = raw_path.decode("ascii")
    except UnicodeDecodeError:
        raise _bad_path() from None
    if path[:1] != "/":
        raise UnrecognizedError
    segments = path[1:].split("/")
    if "%" not in path:
        return segments
    return [_decode(segment) if "%" in segment else segment for segment in segments]


def _decode(segment: str) -> str:
    # Room ids and event types come again and again; long segments would fill the memory.
    return _decode_again(segment) if len(segment) <= _SHORT else _decode_once(segment)


def _decode_once(segment: str) -> str:
    for tail in segment.split("%")[1:]:
        if len(tail) < 2 or not _is_hex(tail[0]) or not _is_hex(tail[1]):
            raise _bad_path()
    try:
        text = unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        raise _bad_path() from None
    if "\0" in text:
        raise _bad_path()
    return text


_decode_again = lru_cache(maxsize=4096)(_decode_once)


def _is_hex(char: str) -> bool:
    return char in "0123456789abcdefABCDEF"


def _bad_path() -> ApiError:
    return ApiError(400, "M_INVALID_PARAM", "The path is not percent-encoded UTF-8.")


def _walk(node: _Node, segments: list[str], depth: int, values: list[str]) -> _Node | None:
    for at in range(depth, len(segments)):
        segment = segments[at]
        named = node.named.get(segment)
        if node.wild is None or not segment:
            if named is None:
                return None
            node = named
            continue
        if named is not None:
            held = len(values)
            deeper = _walk(named, segments, at + 1, values)
            if deeper is not None:
                return deeper
            del values[held:]
        values.append(segment)
        node = node.wild
    return node if node.routes else None
