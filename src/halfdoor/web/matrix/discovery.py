"""What a client asks before all else: where the server is, what it speaks, what it allows."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from halfdoor.sealing.epochs import Posture
from halfdoor.web.errors import ApiError
from halfdoor.web.request import Request
from halfdoor.web.response import Response, json_response
from halfdoor.web.router import Route

# js-sdk knows v1.1 to v1.13; newer clients look for up to v1.15 (MATRIX §1.2).
VERSIONS: Final = tuple(f"v1.{minor}" for minor in range(1, 16))
ROOM_VERSION: Final = "11"


class Contact(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody to turn to (client-server API, `/.well-known/matrix/support`)."""

    role: str
    email_address: str | None = None
    matrix_id: str | None = None


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """What this server says of itself.

    *base_url* is asked each time: a port chosen at start is known only later. *allowed* are the
    postures that a conversation may have here, *default* that of one whose creator names none.
    """

    base_url: Callable[[], str]
    allowed: tuple[Posture, ...] = ("standard",)
    default: Posture = "standard"
    contact: Contact | None = None
    support_page: str | None = None


def routes(discovery: Discovery, has_password: Callable[[Any], Awaitable[bool]]) -> list[Route]:
    """Well-known files, versions, capabilities. *has_password* is asked of the session."""

    async def client(_request: Request, _session: None) -> Response:
        found: dict[str, Any] = {"m.homeserver": {"base_url": discovery.base_url()}}
        if discovery.allowed == ("standard",):
            # Element then offers no switch that this server would refuse.
            found["io.element.e2ee"] = {"default": False, "force_disable": True}
        elif discovery.default == "standard":
            # Without it Element would ask for encryption each time, as if people had chosen so.
            found["io.element.e2ee"] = {"default": False}
        return json_response(found)

    async def support(_request: Request, _session: None) -> Response:
        found: dict[str, Any] = {}
        if discovery.contact is not None:
            found["contacts"] = [discovery.contact]
        if discovery.support_page is not None:
            found["support_page"] = discovery.support_page
        if not found:
            raise ApiError(404, "M_NOT_FOUND", "No support contact is configured.")
        return json_response(found)

    async def versions(_request: Request, _session: None) -> Response:
        return json_response({"versions": VERSIONS, "unstable_features": {}})

    async def capabilities(_request: Request, session: Any) -> Response:
        allowed = {
            "m.room_versions": {"default": ROOM_VERSION, "available": {ROOM_VERSION: "stable"}},
            "m.change_password": {"enabled": await has_password(session)},
            "m.3pid_changes": {"enabled": False},
            "m.profile_fields": {"enabled": True},
            "org.halfdoor.postures": {"allowed": discovery.allowed, "default": discovery.default},
        }
        return json_response({"capabilities": allowed})

    return [
        Route("GET", "/.well-known/matrix/client", client, auth="none"),
        Route("GET", "/.well-known/matrix/support", support, auth="none"),
        Route("GET", "/_matrix/client/versions", versions, auth="none"),
        Route("GET", "/_matrix/client/v3/capabilities", capabilities, auth="pending_ok"),
    ]
