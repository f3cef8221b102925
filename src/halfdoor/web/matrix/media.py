"""Files: upload, download, small pictures (CS-API, "Content repository"; MATRIX §1.2).

Nothing here holds more of a file than a piece, and nothing is answered before the first piece of it
has been opened. Addresses of other servers are never fetched, and neither are pages (previews).
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

from halfdoor.messaging.media_access import File, MediaAccess
from halfdoor.messaging.media_errors import UnknownMediaError
from halfdoor.messaging.media_names import facts_of
from halfdoor.messaging.media_uploads import Uploads
from halfdoor.messaging.reading import Reader
from halfdoor.messaging.small_pictures import SmallPictures
from halfdoor.messaging.thumbnails import MAX_SOURCE_BYTES, nearest
from halfdoor.web.errors import ApiError, InvalidParamError, UnrecognizedError, error_response
from halfdoor.web.matrix.asker import Asker, reader_of, writer_of
from halfdoor.web.matrix.media_headers import RangeError, file_headers, part_of, picture_headers
from halfdoor.web.matrix.transfers import Transfers
from halfdoor.web.request import Request
from halfdoor.web.response import Response, json_response
from halfdoor.web.router import Route
from halfdoor.web.streamed import Streamed

_CLIENT: Final = "/_matrix/client/v1/media"
_MEDIA: Final = "/_matrix/media"
_FILE: Final = "{serverName}/{mediaId}"


class MediaPages:
    """The pages of files of one server."""

    def __init__(
        self,
        *,
        uploads: Uploads,
        access: MediaAccess,
        small: SmallPictures,
        server_name: str,
    ) -> None:
        """Take in with *uploads*, hand out with *access*."""
        self._uploads = uploads
        self._access = access
        self._small = small
        self._server_name = server_name
        self._transfers = Transfers()

    def routes(self) -> list[Route]:
        """Return the routes: upload, create, download, thumbnail, config."""
        return [
            Route("POST", f"{_MEDIA}/v3/upload", self._upload, limit="send"),
            Route("POST", f"{_MEDIA}/v1/create", self._create, limit="send", allow_empty_body=True),
            Route("PUT", f"{_MEDIA}/v3/upload/{_FILE}", self._put, limit="send"),
            Route("GET", f"{_CLIENT}/config", self._config, auth="pending_ok"),
            Route("GET", f"{_CLIENT}/preview_url", _no_previews, auth="pending_ok"),
            Route("GET", f"{_CLIENT}/download/{_FILE}", self._download),
            Route("GET", f"{_CLIENT}/download/{_FILE}/{{fileName}}", self._download),
            Route("GET", f"{_CLIENT}/thumbnail/{_FILE}", self._thumbnail),
        ]

    async def _config(self, _request: Request, _session: Asker) -> Response:
        return json_response({"m.upload.size": self._uploads.most_bytes})

    async def _create(self, _request: Request, session: Asker) -> Response:
        media_id, until = await self._uploads.reserve(writer_of(session).user)
        return json_response({"content_uri": self._address(media_id), "unused_expires_at": until})

    async def _upload(self, request: Request, session: Asker) -> Response:
        media_id = await self._take(request, writer_of(session), None)
        return json_response({"content_uri": self._address(media_id)})

    async def _put(self, request: Request, session: Asker) -> Response:
        writer = writer_of(session)
        if request.params["serverName"] != self._server_name:
            raise UnknownMediaError("there is no such file")
        await self._take(request, writer, request.params["mediaId"])
        return json_response({})

    async def _take(self, request: Request, writer: Reader, media_id: str | None) -> str:
        facts = facts_of(request.header(b"content-type"), request.query.get("filename"))
        with self._transfers.one(writer.user):
            async with aclosing(request.pieces(self._uploads.most_bytes)) as pieces:
                return await self._uploads.take(
                    writer.user,
                    pieces,
                    facts,
                    announced=request.declared_length(),
                    media_id=media_id,
                )

    async def _download(self, request: Request, session: Asker) -> Response:
        name = request.params.get("fileName")
        if name is not None:
            # It is said back to the client, so it must be a name.
            facts_of(None, name)
        reader = reader_of(session)
        file = await self._find(request, reader)
        kind, headers = file_headers(file.facts(), name)
        headers += ((b"accept-ranges", b"bytes"),)
        try:
            part = part_of(request.header(b"range"), file.size)
        except RangeError as outside:
            return _no_part(outside)
        start, stop = part or (0, file.size)
        status = 200
        if part is not None:
            status = 206
            headers += ((b"content-range", b"bytes %d-%d/%d" % (start, stop - 1, file.size)),)
        pieces = self._pieces(reader, file, start, stop)
        if request.method != "HEAD":
            pieces = await begun(pieces)
        return Streamed(pieces, stop - start, status=status, headers=headers, content_type=kind)

    async def _thumbnail(self, request: Request, session: Asker) -> Response:
        query = request.query
        for name in ("width", "height"):
            query.need(name)
        width, height = (query.integer(name, 0, least=1) for name in ("width", "height"))
        method = query.get("method") or "scale"
        if method not in {"crop", "scale"}:
            raise InvalidParamError("method", "must be crop or scale")
        reader = reader_of(session)
        file = await self._find(request, reader)
        if file.size > MAX_SOURCE_BYTES:
            raise ApiError(413, "M_TOO_LARGE", "No small picture is made of a file this large.")
        size = nearest(width, height)
        with self._transfers.one(reader.user):
            small = await self._small.of(file, *size, crop=method == "crop")
        return Response(
            200,
            small.data,
            picture_headers(small.content_type),
            content_type=small.content_type.encode(),
        )

    async def _find(self, request: Request, reader: Reader) -> File:
        if request.params["serverName"] != self._server_name:
            raise UnknownMediaError("files of other servers are not fetched")
        return await self._access.find(reader, request.params["mediaId"])

    async def _pieces(
        self, reader: Reader, file: File, start: int, stop: int
    ) -> AsyncGenerator[bytes, None]:
        with self._transfers.one(reader.user):
            async with aclosing(self._access.read(file, start, stop)) as pieces:
                async for piece in pieces:
                    yield piece

    def _address(self, media_id: str) -> str:
        return f"mxc://{self._server_name}/{media_id}"


async def begun(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Return *pieces* once the first is there: what cannot be read at all is refused in words."""
    try:
        first = await anext(pieces)
    except StopAsyncIteration:
        first = b""

    async def again() -> AsyncGenerator[bytes, None]:
        async with aclosing(pieces):
            if first:
                yield first
            async for piece in pieces:
                yield piece

    return again()


def _no_part(outside: RangeError) -> Response:
    response = error_response(outside.status, outside.errcode, outside.text)
    response.headers += ((b"content-range", b"bytes */%d" % outside.size),)
    return response


async def _no_previews(_request: Request, _session: Any) -> Response:
    # Whoever fetched the page would tell it who reads what (MATRIX §1.2).
    raise UnrecognizedError
