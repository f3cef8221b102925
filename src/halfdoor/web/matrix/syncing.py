"""GET /sync: what happened since, and waiting for it (CS-API, "Syncing")."""

from typing import Final

from halfdoor.messaging.sync import Syncer
from halfdoor.messaging.sync_rooms import SyncOptions
from halfdoor.messaging.sync_token import parse_token
from halfdoor.web.matrix.asker import Asker, reader_of
from halfdoor.web.matrix.kept_filters import KeptFilters
from halfdoor.web.query import Query
from halfdoor.web.request import Request
from halfdoor.web.response import Response
from halfdoor.web.router import Route

# Proxies give up on a silent answer after a minute or more; no client asks for longer.
MAX_WAIT_MS: Final = 60_000

# Whoever waits for less, waits for a reason.
_LONG_MS: Final = 10_000

# matrix-js-sdk asks for, and reads, the name from before the specification took it (MSC4222).
_STATE_AFTER: Final = ("org.matrix.msc4222.use_state_after", "org.matrix.msc4222.state_after")


class Spread:
    """Ends long polls at different times. The specification names the longest wait, not the wait.

    After a restart everybody asks in the same second; with equal timeouts they would do so again
    every half minute, and hold up whoever talks at that moment.
    """

    def __init__(self) -> None:
        self._turn = 0.0

    def shorten(self, timeout_ms: int) -> int:
        """*timeout_ms*, or up to a fifth less of one that is long."""
        if timeout_ms < _LONG_MS:
            return timeout_ms
        # Steps of the golden ratio fill the range evenly, however many there are.
        self._turn = (self._turn + 0.618034) % 1.0
        return timeout_ms - int(timeout_ms * self._turn / 5)


def routes(syncer: Syncer, filters: KeptFilters) -> list[Route]:
    """GET /sync. A device that waits for approval is answered with nothing, after its timeout."""
    spread = Spread()

    async def sync(request: Request, session: Asker) -> Response:
        query = request.query
        given = query.get("since")
        since = parse_token(given) if given is not None else None
        timeout_ms = spread.shorten(min(query.integer("timeout", 0), MAX_WAIT_MS))
        full_state = query.boolean("full_state")
        state_after = _state_after(query)
        wanted = await filters.find(session.user, query.get("filter"))
        reader, line = reader_of(session), request.line
        if session.pending:
            return Response(200, await syncer.wait_for_approval(reader, since, timeout_ms, line))
        options = SyncOptions(filter=wanted, full_state=full_state, state_after=state_after)
        return Response(200, await syncer.sync(reader, since, timeout_ms, options, line))

    return [Route("GET", "/_matrix/client/v3/sync", sync, auth="pending_ok", limit="sync")]


def _state_after(query: Query) -> str | None:
    """Return the key to give the state under, None for plain `state`."""
    asked, key = _STATE_AFTER
    if query.boolean(asked):
        return key
    return "state_after" if query.boolean("use_state_after") else None
