"""The files that pages load: read once, named by their content, kept by browsers for a year."""

import hashlib
from importlib import resources
from typing import Final

from halfdoor.web.console.headers import FILE
from halfdoor.web.errors import UnrecognizedError
from halfdoor.web.request import Request
from halfdoor.web.response import Response
from halfdoor.web.router import Route

_FOLDER: Final = "/static/"
_TYPES: Final = {
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "svg": b"image/svg+xml",
}


class Assets:
    """All of `static/`, by the address it is served under."""

    def __init__(self, *more: str) -> None:
        """*more* are packages whose `static/` is served too: a face adds its own to the tokens."""
        self._address: dict[str, str] = {}
        self._files: dict[str, Response] = {}
        for package in ("halfdoor.web.console", *more):
            for file in resources.files(package).joinpath("static").iterdir():
                stem, _, ending = file.name.rpartition(".")
                if ending in _TYPES:
                    self._add(stem, ending, file.read_bytes())

    def address(self, name: str) -> str:
        """Where *name*, such as `console.css`, is found; KeyError where there is no such file."""
        return self._address[name]

    def route(self) -> Route:
        """`GET /static/{file}`; anybody may ask, the sign-in page needs them too."""
        return Route("GET", f"{_FOLDER}{{file}}", self._serve, auth="none", limit="probe")

    async def _serve(self, request: Request, _session: None) -> Response:
        found = self._files.get(request.params["file"])
        if found is None:
            raise UnrecognizedError
        return found

    def _add(self, stem: str, ending: str, content: bytes) -> None:
        digest = hashlib.sha256(content).hexdigest()[:16]
        name = f"{stem}.{digest}.{ending}"
        self._address[f"{stem}.{ending}"] = _FOLDER + name
        self._files[name] = Response(200, content, FILE, _TYPES[ending], bare=True)
