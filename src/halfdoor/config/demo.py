"""What `halfdoor demo` is told."""

from pathlib import Path
from typing import Literal

import msgspec


class DemoOptions(msgspec.Struct, frozen=True, kw_only=True):
    """A throwaway house on loopback.

    *data* None means a temporary folder that goes with the process. *json* prints one machine
    readable line, *play* plays the story and ends. *access_token_seconds* and *jwks* (a file with
    the platform's public keys) let test suites try refresh and sign-in by JWT.
    """

    port: int = 0
    data: Path | None = None
    json: bool = False
    play: bool = False
    development: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    tls_cert: Path | None = None
    tls_key: Path | None = None
    access_token_seconds: int | None = None
    jwks: Path | None = None
