"""Templates to answers: escaped throughout, and a name that is missing is an error, not a blank."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from halfdoor.web.console import times
from halfdoor.web.console.assets import Assets
from halfdoor.web.console.headers import PAGE
from halfdoor.web.console.inert import inert, plain
from halfdoor.web.response import Header, Response

_HTML: Final = b"text/html; charset=utf-8"

SEVERITY: Final = ("critical", "high", "medium", "low")


class Pages:
    """All templates, compiled once each. `now` is the time they speak of, in ms since 1970."""

    def __init__(self, assets: Assets, now: Callable[[], int], *, demo: bool = False) -> None:
        self.now = now
        self._templates = Environment(
            loader=PackageLoader("halfdoor.web.console", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.filters.update(
            inert=inert, plain=plain, moment=times.moment, stamp=times.stamp
        )
        self._templates.globals.update(
            asset=assets.address, clock=times.clock, severity=SEVERITY, demo_house=demo
        )

    def page(
        self, template: str, status: int = 200, headers: Iterable[Header] = (), **values: Any
    ) -> Response:
        """*template* filled with *values* as an HTML answer that no cache keeps."""
        text = self._templates.get_template(template).render(now=self.now(), **values)
        return Response(status, text.encode(), (*PAGE, *headers), _HTML, bare=True)


def see(place: str, headers: Iterable[Header] = ()) -> Response:
    """After a form: look at *place* (RFC 9110 §15.4.4). Its text is ASCII from our own routes."""
    return Response(
        303, b"", (*PAGE, (b"location", place.encode("ascii")), *headers), _HTML, bare=True
    )
