"""A report filed by whoever runs the evidence helper, at their own server, with their own token."""

from typing import Any
from urllib.parse import quote

import httpx


class NotFiledError(Exception):
    """The server did not take the report; says what it answered."""


def file_report(
    server: str,
    token: str,
    room: str,
    event: str,
    body: dict[str, Any],
    transport: httpx.BaseTransport | None = None,
) -> dict[str, Any]:
    """Report *event* of *room* at *server* (its base address) and return what it answers.

    No redirect is followed: the token goes to that server alone. Raises `NotFiledError`.
    """
    path = f"/_matrix/client/v3/rooms/{quote(room, safe='')}/report/{quote(event, safe='')}"
    try:
        with httpx.Client(timeout=30.0, trust_env=False, transport=transport) as client:
            answer = client.post(
                server.rstrip("/") + path, json=body, headers={"Authorization": f"Bearer {token}"}
            )
            said = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise NotFiledError(f"The server cannot be asked: {type(error).__name__}") from None
    if answer.status_code != httpx.codes.OK:
        why = said.get("error", "") if isinstance(said, dict) else ""
        raise NotFiledError(f"The server answers {answer.status_code}: {why}")
    return said if isinstance(said, dict) else {}
