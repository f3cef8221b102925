"""What every answer carries, errors included, so that browsers let clients read it.

Client-server API, "Web Browser Clients": without these an error looks like a broken network.
"""

from halfdoor.web.response import Header, Response

ORIGIN: Header = (b"access-control-allow-origin", b"*")
METHODS: Header = (b"access-control-allow-methods", b"GET, POST, PUT, DELETE, OPTIONS")
NAMES: Header = (
    b"access-control-allow-headers",
    b"X-Requested-With, Content-Type, Authorization",
)
# Answers hold messages and tokens: no proxy and no browser cache may keep them.
NO_STORE: Header = (b"cache-control", b"no-store")
NO_SNIFF: Header = (b"x-content-type-options", b"nosniff")

EVERYWHERE: tuple[Header, ...] = (ORIGIN, METHODS, NAMES, NO_STORE, NO_SNIFF)

_JSON: list[Header] = [(b"content-type", b"application/json"), *EVERYWHERE]


def headers_of(response: Response) -> list[Header]:
    """All headers of *response*; the usual answer shares one list, which nobody may change."""
    if not response.headers and response.content_type == b"application/json":
        return _JSON
    if response.bare:
        return [(b"content-type", response.content_type), *response.headers]
    return [(b"content-type", response.content_type), *EVERYWHERE, *response.headers]


def preflight() -> Response:
    """The answer to OPTIONS on any path; browsers may remember it for a day."""
    return Response(200, b"{}", ((b"access-control-max-age", b"86400"),))
