"""Two people over XMPP: registered and signed in by blocking lines, then read by the epoll loop.

Plain TCP, SASL PLAIN, no stream management: what is measured is the way of a message, not of a
handshake. A stanza is known by the text it carries; XML around it is not parsed.
"""

import socket
from base64 import b64encode
from collections.abc import Callable

from bench.epoll import AnswerError, Loop

_PASSWORD = "quartz-otter-cedar-93-lantern"
_OPEN = (
    b"<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client'"
    b" xmlns:stream='http://etherx.jabber.org/streams'>"
)
_REGISTER = (
    b"<iq type='set' id='r' to='localhost'><query xmlns='jabber:iq:register'>"
    b"<username>%b</username><password>%b</password></query></iq>"
)
_BIND = (
    b"<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
    b"<resource>bench</resource></bind></iq>"
)
_PIECE = 1 << 16


class Stream:
    """A signed-in connection of *name*; afterwards the loop reads it for `wait`."""

    def __init__(self, port: int, name: str) -> None:
        self.jid = f"{name}@localhost".encode()
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._arrived = b""
        self._wanted = b""
        self._then: Callable[[], None] | None = None
        secret = b64encode(b"\0%b\0%b" % (name.encode(), _PASSWORD.encode()))
        self._say(_OPEN, b"</stream:features>")
        self._say(
            b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%b</auth>" % secret,
            b"<success",
        )
        self._say(_OPEN, b"</stream:features>")
        self._say(_BIND, b"</iq>")
        self._say(b"<presence/>", b"<presence")

    def wait(self, text: bytes, then: Callable[[], None]) -> None:
        """Call *then* once *text* has come."""
        self._wanted, self._then = text, then

    def send(self, stanza: bytes) -> None:
        self.sock.sendall(stanza)

    def readable(self) -> None:
        piece = self.sock.recv(_PIECE)
        if not piece:
            raise AnswerError("the server hung up")
        # What is not waited for only has to be short enough to be looked through again.
        self._arrived = (self._arrived + piece)[-2 * _PIECE :]
        if self._then is not None and self._wanted in self._arrived:
            then, self._then, self._arrived = self._then, None, b""
            then()

    def _say(self, what: bytes, until: bytes) -> None:
        self.sock.sendall(what)
        answer = b""
        while until not in answer:
            piece = self.sock.recv(_PIECE)
            if not piece or b"<failure" in piece:
                raise AnswerError(f"{answer + piece!r}"[:500])
            answer += piece


def register(port: int, names: list[str]) -> None:
    """Register *names* in band (XEP-0077)."""
    for name in names:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
            line.sendall(_OPEN + _REGISTER % (name.encode(), _PASSWORD.encode()))
            answer = b""
            while b"</iq>" not in answer and b"id='r'/>" not in answer:
                piece = line.recv(_PIECE)
                if not piece:
                    break
                answer += piece
            if b"type='result'" not in answer:
                raise AnswerError(f"{answer!r}"[:500])


class XmppTalk:
    """One pair. XMPP acknowledges nothing to the sender: a message counts when it has arrived."""

    def __init__(self, loop: Loop, port: int, number: int) -> None:
        self._sender = Stream(port, f"x{2 * number}")
        self._receiver = Stream(port, f"x{2 * number + 1}")
        self._head = b"<message type='chat' to='%b/bench' id='" % self._receiver.jid
        loop.add(self._sender)
        loop.add(self._receiver)

    def send(self, text: str, then: Callable[[], None]) -> None:
        number = text.split(" ", 2)[1].encode()
        self._sender.send(b"%bm%b'><body>%b</body></message>" % (self._head, number, text.encode()))
        then()

    def expect(self, text: str, then: Callable[[], None]) -> None:
        self._receiver.wait(text.encode(), then)
