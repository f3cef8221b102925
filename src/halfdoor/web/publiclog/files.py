"""The public log's files over HTTP (C2SP tlog-tiles), and the report beside them.

GET /checkpoint               the newest; caches may keep it for 5 s
GET /checkpoint/{day}         the last of that day (days since 1970)
GET /tile/…, /tile/entries/…  tiles and bundles of entries; these never change
GET /document/{sha256}        what an entry names by its digest, in hexadecimal
GET /proof/{index}            where an entry stands, as a C2SP tlog-proof under the newest head
GET /policy                   logs and witnesses as the operator names them (C2SP tlog-policy)
GET /report.json, /report.csv every number of the report, each `proved` or `declared`
GET /schema.json              JSON Schema of all entries
"""

import csv
import io
import re
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from halfdoor.merkle.checkpoint import parse_checkpoint
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.tiles import Tile
from halfdoor.merkle.tlog_proof import TlogProof
from halfdoor.transparency.errors import StoppedError
from halfdoor.transparency.leaf import schema
from halfdoor.transparency.leaf_times import DAY_S
from halfdoor.transparency.published import PublishedTree
from halfdoor.transparency.report import Number
from halfdoor.transparency.source import CHECKPOINT, UnreachableError
from halfdoor.web.errors import ApiError, UnrecognizedError
from halfdoor.web.publiclog.headers import FOR_EVER, NEWEST
from halfdoor.web.publiclog.reading import Files, Reading, report_of
from halfdoor.web.request import Request
from halfdoor.web.response import Header, Response
from halfdoor.web.router import Route

TEXT: Final = b"text/plain; charset=utf-8"
JSON: Final = b"application/json"
CSV: Final = b"text/csv; charset=utf-8; header=present"
BYTES: Final = b"application/octet-stream"
_DAY: Final = re.compile(r"0|[1-9][0-9]{0,6}", re.ASCII)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
# A tile's index in groups of three digits, and how wide a partial one is.
_MOST_SEGMENTS: Final = 8


class _Published(msgspec.Struct):
    """A report as it is published."""

    size: int
    numbers: tuple[Number, ...]
    v: int


class LogDoor:
    """All files of one log, from wherever it is read."""

    def __init__(self, reading: Reading, *, policy: bytes, now: Callable[[], int]) -> None:
        """*policy* is the file that is shown; *now* the time in s since 1970."""
        self._reading = reading
        self._source = reading.source
        self._policy = policy
        self._now = now
        self._schema = msgspec.json.format(msgspec.json.encode(schema()), indent=1)

    def routes(self) -> list[Route]:
        """Everything but the page; anybody may ask."""
        tiles = [
            "/tile/{level}/" + "/".join(f"{{n{number}}}" for number in range(count))
            for count in range(1, _MOST_SEGMENTS + 1)
        ]
        return [
            _route("/checkpoint", self._newest),
            _route("/checkpoint/{day}", self._day),
            *(_route(one, self._tile) for one in tiles),
            _route("/document/{digest}", self._document),
            _route("/proof/{index}", self._proof),
            _route("/policy", self._trust),
            _route("/report.json", self._report),
            _route("/report.csv", self._table),
            _route("/schema.json", self._schema_file),
        ]

    async def _newest(self, _request: Request) -> Response:
        return _file(await self._source.get(CHECKPOINT), NEWEST, TEXT)

    async def _day(self, request: Request) -> Response:
        day = request.params["day"]
        if _DAY.fullmatch(day) is None:
            raise UnrecognizedError
        # One whose day has only just passed may still be replaced by a publication under way.
        over = int(day) < self._now() // DAY_S - 1
        found = await self._source.get(f"{CHECKPOINT}/{day}")
        return _file(found, FOR_EVER if over else NEWEST, TEXT)

    async def _tile(self, request: Request) -> Response:
        tile = Tile.from_path("/".join(("tile", *request.params.values())))
        return _file(await self._source.get(tile.path), FOR_EVER, BYTES)

    async def _document(self, request: Request) -> Response:
        digest = request.params["digest"]
        if _DIGEST.fullmatch(digest) is None:
            raise UnrecognizedError
        return _file(await self._source.get(f"document/{digest}"), FOR_EVER, BYTES)

    async def _proof(self, request: Request) -> Response:
        index = request.params["index"]
        data = await self._source.get(CHECKPOINT)
        if data is None or _INDEX.fullmatch(index) is None:
            raise UnrecognizedError
        checkpoint = parse_checkpoint(data)
        tree = PublishedTree(Files(self._source), checkpoint.head.size)
        proof = TlogProof(int(index), tuple(await tree.inclusion(int(index))), checkpoint)
        return _file(str(proof).encode(), NEWEST, TEXT)

    async def _trust(self, _request: Request) -> Response:
        return _file(self._policy, NEWEST, TEXT)

    async def _report(self, _request: Request) -> Response:
        return _file(await report_of(self._reading), NEWEST, JSON)

    async def _table(self, _request: Request) -> Response:
        data = await report_of(self._reading)
        try:
            found = msgspec.json.decode(data, type=_Published)
        except msgspec.DecodeError:
            raise StoppedError("the published report is none") from None
        name: Header = (b"content-disposition", b'attachment; filename="report.csv"')
        return _file(csv_of(found.numbers), (*NEWEST, name), CSV)

    async def _schema_file(self, _request: Request) -> Response:
        return _file(self._schema, NEWEST, JSON)


def csv_of(numbers: tuple[Number, ...]) -> bytes:
    """Return *numbers* as RFC 4180 lines under a heading."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("row", "of", "count", "basis"))
    table.writerows((_cell(one.row), _cell(one.of), one.count, one.basis) for one in numbers)
    return text.getvalue().encode()


def _cell(word: str) -> str:
    # A report that was published by somebody else may hold anything; a sheet would run it.
    return f"'{word}" if word[:1] in {"=", "+", "-", "@", "\t", "\r"} else word


def _file(data: bytes | None, headers: tuple[Header, ...], kind: bytes) -> Response:
    if data is None:
        raise UnrecognizedError
    return Response(200, data, headers, kind, bare=True)


def _route(template: str, work: Callable[[Request], Awaitable[Response]]) -> Route:
    async def answer(request: Request, _session: None) -> Response:
        try:
            return await work(request)
        except RefusedError:
            raise UnrecognizedError from None
        except (UnreachableError, StoppedError):
            raise UNREACHABLE from None

    return Route("GET", template, answer, auth="none", limit="probe")


UNREACHABLE: Final = ApiError(503, "M_UNKNOWN", "The log cannot be read right now.")
