"""What a client needs to know of a server to talk to it."""

import ssl
from pathlib import Path
from typing import Protocol

from tests.journeys.raw_client import RawClient


class Served(Protocol):
    """A server that clients of any kind can reach."""

    @property
    def base_url(self) -> str:
        """Address with scheme and port."""

    @property
    def ca_file(self) -> Path:
        """Certificate authority that its clients must trust."""

    def tls_context(self) -> ssl.SSLContext:
        """A client's TLS context for it."""

    def client(self) -> RawClient:
        """A client without an SDK, not signed in."""

    def explain(self) -> str:
        """Its last words, for the message of a failed check."""
