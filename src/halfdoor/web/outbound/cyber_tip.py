"""Files reports with NCMEC's CyberTipline by its web services; the test endpoint by default."""

from typing import Any, Final, final
from xml.etree.ElementTree import ParseError

import httpx
import xmlschema

from halfdoor.web.outbound.filing import FilingError, FilingRefusedError

# Reports filed here are tests, and reach nobody; the real endpoint is a decision of the operator.
TEST_ENDPOINT: Final = "https://exttest.cybertip.org/ispws"
_XML: Final = {"content-type": "text/xml; charset=utf-8"}
_MOST_BYTES: Final = 1 << 20


@final
class CyberTipline:
    """The web services: HTTP Basic, XML in and out; a report counts once it is finished.

    Reports that are never finished are dropped at the other end (after an hour without a change).
    """

    def __init__(
        self, client: httpx.AsyncClient, username: str, password: str, endpoint: str = TEST_ENDPOINT
    ) -> None:
        """*client* follows no redirects and checks certificates; whoever made it closes it."""
        self._client = client
        self._auth = httpx.BasicAuth(username, password)
        self._endpoint = endpoint.rstrip("/")

    async def submit(self, report: bytes) -> int:
        """Open a report from its XML and return its number; `FilingError`."""
        return int(_one(await self._post("submit", "reportId", content=report, headers=_XML)))

    async def upload(self, report: int, name: str, content: bytes) -> str:
        """Add a file to an open report and return its id; `FilingError`."""
        answer = await self._post(
            "upload",
            "fileId",
            data={"id": str(report)},
            files={"file": (name, content, "application/octet-stream")},
        )
        return _one(answer)

    async def fileinfo(self, details: bytes) -> None:
        """Tell what a file is (`fileDetails`); `FilingError`."""
        await self._post("fileinfo", None, content=details, headers=_XML)

    async def finish(self, report: int) -> int:
        """Close an open report, which files it, and return its number; `FilingError`."""
        return int(_one(await self._post("finish", "reportId", data={"id": str(report)})))

    async def retract(self, report: int) -> None:
        """Take back a report that is not finished; `FilingError`."""
        await self._post("retract", None, data={"id": str(report)})

    async def _post(self, verb: str, wanted: str | None, **sent: Any) -> list[str]:
        """Return the texts of *wanted* in the answer, which must carry code 0."""
        try:
            answer = await self._client.post(
                f"{self._endpoint}/{verb}", auth=self._auth, follow_redirects=False, **sent
            )
        except httpx.HTTPError as error:
            # No more than its kind: the text of an error may quote what was sent.
            raise FilingError(f"no answer to {verb}: {type(error).__name__}") from None
        if answer.status_code != httpx.codes.OK or len(answer.content) > _MOST_BYTES:
            raise FilingError(f"{verb} is answered with {answer.status_code}")
        try:
            root = xmlschema.XMLResource(answer.content, defuse="always").root
            code = int(root.findtext("responseCode", ""))
        except (xmlschema.XMLResourceError, xmlschema.XMLSchemaException, ParseError, ValueError):
            raise FilingError(f"{verb} is answered with something unreadable") from None
        if code:
            raise FilingRefusedError(code)
        return [one.text or "" for one in root.iter(wanted)] if wanted else []

    def __repr__(self) -> str:
        return f"CyberTipline({self._endpoint!r})"


def _one(found: list[str]) -> str:
    if len(found) != 1 or not found[0].strip():
        raise FilingError("the answer names no number")
    return found[0].strip()
