"""The head of an answer as bytes: status line, date, and the headers all answers have."""

from collections.abc import Iterable
from email.utils import formatdate
from http import HTTPStatus

from halfdoor.web.cors import headers_of
from halfdoor.web.response import Header, Response

_CLOSE = (b"connection", b"close")


class Headings:
    """Heads up to the length of the body, kept until the next second begins (RFC 9110 §6.6.1)."""

    def __init__(self) -> None:
        self._usual: dict[int, bytes] = {}
        self._date = b""
        self.turn()

    def turn(self) -> None:
        """Another second began: heads are made anew."""
        self._usual.clear()
        self._date = formatdate(usegmt=True).encode()

    def of(self, response: Response, *, last: bool) -> bytes:
        """All of the head of *response* before the number of bytes; *last* closes the connection.

        ValueError for a header that would end its line early.
        """
        if last or response.headers or response.content_type != b"application/json":
            headers = headers_of(response)
            return self._make(response.status, [*headers, _CLOSE] if last else headers)
        head = self._usual.get(response.status)
        if head is None:
            head = self._usual[response.status] = self._make(response.status, headers_of(response))
        return head

    def _make(self, status: int, headers: Iterable[Header]) -> bytes:
        lines = [
            b"HTTP/1.1 %d %b" % (status, _phrase(status)),
            b"date: " + self._date,
            *(b"%b: %b" % header for header in headers),
            b"content-length: ",
        ]
        if any(b"\r" in line or b"\n" in line for line in lines):
            raise ValueError("a header cannot hold a line break")
        return b"\r\n".join(lines)


def _phrase(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        # 499 is nobody's but ours, and is never sent: the client had left.
        return b"Other"
