"""Public keys of devices and people (CS-API, "End-to-End Encryption"): up, down, and what changed.

Nothing of it is read here; who may have which is decided in `e2ee`.
"""

from typing import Any, Final

from halfdoor.e2ee.claims import Claims
from halfdoor.e2ee.queries import Queries
from halfdoor.e2ee.uploads import Uploads
from halfdoor.messaging.sync_e2ee import SyncE2ee
from halfdoor.messaging.sync_token import parse_token
from halfdoor.web.matrix.asker import Asker, reader_of, writer_of
from halfdoor.web.request import Request
from halfdoor.web.response import Response, json_response
from halfdoor.web.router import Route

_KEYS: Final = "/_matrix/client/v3/keys"


def routes(uploads: Uploads, queries: Queries, claims: Claims, changes: SyncE2ee) -> list[Route]:
    """Return the routes of this page: upload, query, claim, changes."""

    async def upload(request: Request, session: Asker) -> Response:
        writer = writer_of(session)
        body = await request.json()
        counts = await uploads.upload(writer.user, writer.device, body)
        # /sync says the same under another name (MATRIX §2, item 11).
        return json_response({"one_time_key_counts": counts})

    async def query(request: Request, session: Asker) -> Response:
        return json_response(await queries.query(session.user, await request.json()))

    async def claim(request: Request, session: Asker) -> Response:
        found = await claims.claim(writer_of(session).user, await request.json())
        answer: dict[str, Any] = {"one_time_keys": found, "failures": {}}
        return json_response(answer)

    async def changed(request: Request, session: Asker) -> Response:
        since, to = (parse_token(request.query.need(name)) for name in ("from", "to"))
        return json_response(await changes.between(reader_of(session), since, to))

    return [
        Route("POST", f"{_KEYS}/upload", upload, limit="send", allow_empty_body=True),
        Route("POST", f"{_KEYS}/query", query),
        Route("POST", f"{_KEYS}/claim", claim, limit="send"),
        Route("GET", f"{_KEYS}/changes", changed),
    ]
