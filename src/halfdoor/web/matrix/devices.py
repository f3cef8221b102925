"""One's own devices (CS-API, "Device Management")."""

from typing import Any, Final

from halfdoor.accounts.devices import Devices
from halfdoor.accounts.records import DeviceRecord
from halfdoor.accounts.session import Session
from halfdoor.web.errors import InvalidParamError, MissingParamError
from halfdoor.web.matrix.proofs import Proofs, interactive
from halfdoor.web.request import Request
from halfdoor.web.response import Response, empty_object, json_response
from halfdoor.web.router import Route

_V3: Final = "/_matrix/client/v3"
_DEVICE: Final = f"{_V3}/devices/{{deviceId}}"


def routes(devices: Devices, proofs: Proofs) -> list[Route]:
    """Return the routes of this page; ending a device needs a proof."""

    async def everything(_request: Request, session: Session) -> Response:
        found = await devices.all(session.user)
        return json_response({"devices": [_shown(one) for one in found]})

    async def one(request: Request, session: Session) -> Response:
        return json_response(_shown(await devices.one(session.user, request.params["deviceId"])))

    async def rename(request: Request, session: Session) -> Response:
        body = await request.json()
        name = body.get("display_name")
        if name is not None and not isinstance(name, str):
            raise InvalidParamError("display_name", "must be a text")
        device = request.params["deviceId"]
        if name is None:
            # Nothing was asked for; whether there is such a device is answered all the same.
            await devices.one(session.user, device)
        else:
            await devices.rename(session, device, name)
        return empty_object()

    async def end(request: Request, session: Session) -> Response:
        await proofs.check(request, session, await request.json())
        await devices.delete(session, [request.params["deviceId"]])
        return empty_object()

    async def end_several(request: Request, session: Session) -> Response:
        body = await request.json()
        named = body.get("devices")
        if named is None:
            raise MissingParamError("devices")
        if not isinstance(named, list) or not all(isinstance(each, str) for each in named):
            raise InvalidParamError("devices", "must be a list of device ids")
        await proofs.check(request, session, body)
        await devices.delete(session, named)
        return empty_object()

    return [
        Route("GET", f"{_V3}/devices", everything, auth="pending_ok"),
        Route("GET", _DEVICE, one, auth="pending_ok"),
        Route("PUT", _DEVICE, rename, auth="pending_ok"),
        Route("DELETE", _DEVICE, interactive(end), auth="pending_ok", allow_empty_body=True),
        Route("POST", f"{_V3}/delete_devices", interactive(end_several), auth="pending_ok"),
    ]


def _shown(device: DeviceRecord) -> dict[str, Any]:
    shown = {
        "device_id": device.id,
        "display_name": device.display_name,
        "last_seen_ts": device.last_seen,
        "last_seen_ip": device.last_ip,
    }
    return {name: value for name, value in shown.items() if value is not None}
