"""The page about the log (FACES T1): all of it is text, and a script checks it where it is read.

GET /            where the log stands, who vouches for it, the custodians, the report
GET /?entry=12   the same with one entry
"""

from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from halfdoor.merkle.errors import RefusedError
from halfdoor.transparency.errors import StoppedError
from halfdoor.transparency.findings import Gravity
from halfdoor.transparency.published import PublishedTree
from halfdoor.transparency.source import UnreachableError
from halfdoor.web.console import times
from halfdoor.web.console.assets import Assets
from halfdoor.web.console.inert import inert, plain
from halfdoor.web.errors import InvalidParamError
from halfdoor.web.publiclog.headers import PAGE
from halfdoor.web.publiclog.reading import Files, Reading, Seen
from halfdoor.web.publiclog.values import (
    EntryRow,
    entry_row,
    groups_of,
    policy_row,
    quorum_words,
    totals_of,
    witness_rows,
)
from halfdoor.web.request import Request
from halfdoor.web.response import Response
from halfdoor.web.router import Route

_HTML: Final = b"text/html; charset=utf-8"


class LogPage:
    """The one page of the public log."""

    def __init__(self, reading: Reading, assets: Assets) -> None:
        self._reading = reading
        self._assets = assets
        self._templates = Environment(
            loader=PackageLoader("halfdoor.web.publiclog", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.filters.update(
            inert=inert,
            plain=plain,
            moment=lambda at: times.moment(at * 1000),
            stamp=lambda at: times.stamp(at * 1000),
        )
        # The log may lie below a prefix that only a proxy knows: every address is relative.
        self._templates.globals.update(asset=lambda name: assets.address(name)[1:])

    def routes(self) -> list[Route]:
        """The page, and the files it loads."""
        return [
            Route("GET", "/", self._look, auth="none", limit="probe"),
            self._assets.route(),
        ]

    async def _look(self, request: Request, _session: None) -> Response:
        try:
            index = request.query.integer("entry", -1)
        except InvalidParamError:
            index = -2
        seen = self._reading.seen
        if seen is None:
            done, size = self._reading.progress
            return self._html(503, "waiting.html", done=done, size=size)
        entry = None if index == -1 else await self._entry(seen, index)
        status = 404 if index != -1 and entry is None else 200
        policy = self._reading.policy
        return self._html(
            status,
            "log.html",
            seen=seen,
            demo=seen.verdict.policy is not None and seen.verdict.policy.entry.demo == 1,
            head=None if seen.checkpoint is None else seen.checkpoint.head,
            note=str(seen.checkpoint or ""),
            witnesses=witness_rows(seen, policy),
            quorum=quorum_words(policy),
            failed=[one for one in seen.verdict.findings if one.gravity is Gravity.FAILED],
            notes=[one for one in seen.verdict.findings if one.gravity is not Gravity.FAILED],
            circles=seen.verdict.circles,
            rules=[policy_row(one) for one in (seen.verdict.policy, *seen.verdict.coming) if one],
            totals=totals_of(seen.verdict.numbers),
            groups=groups_of(seen.verdict.numbers),
            recent=[entry_row(*one) for one in reversed(seen.recent)],
            asked=index != -1,
            entry=entry,
        )

    async def _entry(self, seen: Seen, index: int) -> EntryRow | None:
        """Return the entry *index* of the log as it was last seen, None where it has none."""
        if seen.checkpoint is None or not 0 <= index < seen.checkpoint.head.size:
            return None
        tree = PublishedTree(Files(self._reading.source), seen.checkpoint.head.size)
        try:
            return entry_row(index, await tree.entry(index))
        except (RefusedError, StoppedError, UnreachableError):
            return None

    def _html(self, status: int, template: str, **values: Any) -> Response:
        text = self._templates.get_template(template).render(**values)
        return Response(status, text.encode(), PAGE, _HTML, bare=True)
