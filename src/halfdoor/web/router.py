"""Which handler answers a path. Split first, decode second, so that `%2F` stays inside an id.

docs/decisions/0008-asgi-raw-paths.md says why these lines are our own.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
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
_SHORT = 256


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

    def towards(
        self, segment: str, values: tuple[str, ...]
    ) -> Iterator[tuple["_Node", tuple[str, ...]]]:
        """Go on by *segment*: to a literal first, then to a parameter, which takes its value."""
        named = self.named.get(segment)
        if named is not None:
            yield named, values
        if self.wild is not None and segment:
            yield self.wild, (*values, segment)


class Router:
    """All routes as a tree of segments. A literal segment goes before a parameter."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Build the tree; ValueError for a template that is given twice."""
        self._root = _Node()
        # All messages of a conversation share their path but for its last segment.
        self._reach_again = lru_cache(maxsize=4096)(self._reach)
        for route in routes:
            self._add(route, route.template)
            if route.template.startswith(_V3):
                # matrix-commander still asks under r0 (MATRIX §1.2).
                self._add(route, f"/_matrix/client/r0/{route.template.removeprefix(_V3)}")

    def find(self, method: str, raw_path: bytes) -> tuple[Route, dict[str, str]]:
        """The route and its decoded parameters; UnrecognizedError 404 or 405, ApiError 400."""
        parent, slash, last = raw_path.rpartition(b"/")
        # Long ones would fill the memory.
        reach = self._reach_again if len(parent) <= _SHORT else self._reach
        nodes, segment = reach(parent + slash), decode_segments(slash + last)[0]
        for node, values in nodes:
            for end, all_values in node.towards(segment, values):
                if end.routes:
                    return _choose(end, method, all_values)
        raise UnrecognizedError

    def _reach(self, folder: bytes) -> list[tuple[_Node, tuple[str, ...]]]:
        """Return where the path *folder*, which ends in a slash, leads: the best first."""
        nodes: list[tuple[_Node, tuple[str, ...]]] = [(self._root, ())]
        for segment in decode_segments(folder)[:-1]:
            nodes = [end for node, values in nodes for end in node.towards(segment, values)]
        return nodes

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


def _is_hex(char: str) -> bool:
    return char in "0123456789abcdefABCDEF"


def _bad_path() -> ApiError:
    return ApiError(400, "M_INVALID_PARAM", "The path is not percent-encoded UTF-8.")


def _choose(node: _Node, method: str, values: tuple[str, ...]) -> tuple[Route, dict[str, str]]:
    found = node.routes.get(method)
    if found is None:
        if method == "HEAD" and "GET" in node.routes:
            found = node.routes["GET"]
        else:
            raise UnrecognizedError(405, (*sorted(node.routes), "OPTIONS"))
    route, names = found
    return route, dict(zip(names, values, strict=True))
