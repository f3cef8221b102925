"""One operation of the platform interface: its route, and what its OpenAPI document says of it."""

from typing import Final, Literal

import msgspec

from halfdoor.web.platform.shapes import Nothing
from halfdoor.web.router import Handler, Route

ROOT: Final = "/_halfdoor/platform/v1"
# A thousand people with everything that can be said of them.
_BULK_BYTES: Final = 4 << 20


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """A method of a path below `ROOT`; *body* and *answer* are the Structs it reads and writes.

    *missing* says what a 404 means here, where there is one; *bulk* allows a long body, *empty*
    none; *accepted* says what a 202 with the same answer means.
    """

    method: Literal["GET", "PUT", "DELETE"]
    path: str
    summary: str
    handler: Handler
    body: type[msgspec.Struct] | None = None
    answer: type[msgspec.Struct] | None = Nothing
    missing: str | None = None
    bulk: bool = False
    empty: bool = False
    accepted: str | None = None

    def route(self) -> Route:
        """Return the route, which takes signed requests only."""
        return Route(
            self.method,
            ROOT + self.path,
            self.handler,
            auth="platform",
            max_body_bytes=_BULK_BYTES if self.bulk else None,
            allow_empty_body=self.empty,
        )


def parameters(path: str) -> list[str]:
    """Return the names of the parameters in a path template."""
    return [one[1:-1] for one in path.split("/") if one.startswith("{")]
