"""Backups of session keys (CS-API, "Server-side key backups"): versions, and keys by place.

A device that waits for approval gets nothing of this (SEALING §2); a session with a former key
reads and changes nothing.
"""

from typing import Any, Final

import msgspec

from halfdoor.e2ee.key_backup import BackedUpKey
from halfdoor.e2ee.key_backup_store import Backup, Description, Standing
from halfdoor.e2ee.key_backups import KeyBackups
from halfdoor.messaging.reading import Reader
from halfdoor.web.errors import InvalidParamError
from halfdoor.web.matrix.asker import Asker, writer_of
from halfdoor.web.request import Request
from halfdoor.web.response import Response, empty_object, json_response
from halfdoor.web.router import Route

_KEYS: Final = "/_matrix/client/v3/room_keys/keys"
_ROOM: Final = f"{_KEYS}/{{roomId}}"
_SESSION: Final = f"{_ROOM}/{{sessionId}}"
_VERSIONS: Final = "/_matrix/client/v3/room_keys/version"
_VERSION: Final = f"{_VERSIONS}/{{version}}"
MAX_BODY_BYTES: Final = 4 * 2**20


class _Room(msgspec.Struct, frozen=True):
    """The keys of one room by session (`RoomKeyBackup`)."""

    sessions: dict[str, BackedUpKey]


class _Rooms(msgspec.Struct, frozen=True):
    """Keys by room."""

    rooms: dict[str, _Room]


class _NewDescription(msgspec.Struct, frozen=True):
    """What is to be said of a backup; *version* may be named once more."""

    algorithm: str
    auth_data: dict[str, Any]
    version: str | None = None


def routes(backups: KeyBackups) -> list[Route]:
    """Return the fourteen routes."""
    return [*_version_routes(backups), *_key_routes(backups)]


def _version_routes(backups: KeyBackups) -> list[Route]:
    async def create(request: Request, session: Asker) -> Response:
        writer = writer_of(session)
        about = await request.json_as(Description)
        return json_response({"version": await backups.create(writer.user, writer.device, about)})

    async def current(_request: Request, session: Asker) -> Response:
        return _shown(await backups.current(session.user))

    async def one(request: Request, session: Asker) -> Response:
        return _shown(await backups.one(session.user, request.params["version"]))

    async def describe(request: Request, session: Asker) -> Response:
        writer, version = writer_of(session), request.params["version"]
        asked = await request.json_as(_NewDescription)
        if asked.version not in {None, version}:
            raise InvalidParamError("version", "is another one in the body than in the path")
        about = Description(asked.algorithm, asked.auth_data)
        await backups.describe(writer.user, writer.device, version, about)
        return empty_object()

    async def delete(request: Request, session: Asker) -> Response:
        writer = writer_of(session)
        await backups.delete(writer.user, writer.device, request.params["version"])
        return empty_object()

    return [
        Route("POST", _VERSIONS, create),
        Route("GET", _VERSIONS, current),
        Route("GET", _VERSION, one),
        Route("PUT", _VERSION, describe),
        Route("DELETE", _VERSION, delete, allow_empty_body=True),
    ]


def _key_routes(backups: KeyBackups) -> list[Route]:
    async def put(request: Request, writer: Reader, rooms: dict[str, _Room]) -> Response:
        version = request.query.need("version")
        keys = {room: one.sessions for room, one in rooms.items()}
        return _stands(await backups.put(writer.user, writer.device, version, keys))

    async def put_all(request: Request, session: Asker) -> Response:
        writer = writer_of(session)
        return await put(request, writer, (await request.json_as(_Rooms)).rooms)

    async def put_room(request: Request, session: Asker) -> Response:
        writer, room = writer_of(session), request.params["roomId"]
        return await put(request, writer, {room: await request.json_as(_Room)})

    async def put_one(request: Request, session: Asker) -> Response:
        writer, params = writer_of(session), request.params
        room = _Room({params["sessionId"]: await request.json_as(BackedUpKey)})
        return await put(request, writer, {params["roomId"]: room})

    async def get_all(request: Request, session: Asker) -> Response:
        return Response(200, await backups.rooms(session.user, request.query.need("version")))

    async def get_room(request: Request, session: Asker) -> Response:
        version = request.query.need("version")
        return Response(
            200, await backups.sessions(session.user, version, request.params["roomId"])
        )

    async def get_one(request: Request, session: Asker) -> Response:
        version, params = request.query.need("version"), request.params
        key = await backups.key(session.user, version, params["roomId"], params["sessionId"])
        return Response(200, key)

    async def delete(request: Request, session: Asker) -> Response:
        writer, version = writer_of(session), request.query.need("version")
        names = ("roomId", "sessionId")
        place = [request.params[name] for name in names if name in request.params]
        return _stands(await backups.drop(writer.user, writer.device, version, *place))

    puts = ((_KEYS, put_all), (_ROOM, put_room), (_SESSION, put_one))
    gets = ((_KEYS, get_all), (_ROOM, get_room), (_SESSION, get_one))
    return [
        *(Route("PUT", path, handler, max_body_bytes=MAX_BODY_BYTES) for path, handler in puts),
        *(Route("GET", path, handler) for path, handler in gets),
        *(
            Route("DELETE", path, delete, allow_empty_body=True)
            for path in (_KEYS, _ROOM, _SESSION)
        ),
    ]


def _shown(backup: Backup) -> Response:
    return json_response(
        {
            "version": str(backup.version),
            "algorithm": backup.about.algorithm,
            "auth_data": backup.about.auth_data,
            **_facts(backup.standing),
        }
    )


def _stands(standing: Standing) -> Response:
    return json_response(_facts(standing))


def _facts(standing: Standing) -> dict[str, Any]:
    return {"etag": str(standing.etag), "count": standing.count}
