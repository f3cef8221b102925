"""A session as the rest of the house sees it, and what a login or refresh hands to the client."""

from typing import final

import msgspec


@final
class Session(msgspec.Struct, frozen=True, gc=False):
    """Who asks: the session `id` names the keyring and the slots.

    While `pending`, only what SEALING §2 lists is allowed. `kid` is the user key its slots hold;
    `closed` says that this is a former key: old history may be read, nothing may be written.
    """

    id: str
    user: str
    device: str
    kid: bytes | None
    pending: bool
    closed: bool = False

    def __repr__(self) -> str:
        return f"Session(user={self.user!r}, device={self.device!r}, pending={self.pending})"


class LoginRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What any login may ask for, beside who it is.

    `refresh` asks for a refresh token (and so for an access token that expires); `recovery_key` is
    the one that the person kept; `ip` is where the request came from.
    """

    device: str | None = None
    display_name: str | None = None
    refresh: bool = False
    recovery_key: str | None = None
    ip: str | None = None

    def __repr__(self) -> str:
        return f"LoginRequest(device={self.device!r}, refresh={self.refresh})"


@final
class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a login: the tokens exist here and with the client, nowhere else.

    `recovery_key` and `recovery_kit` are set where session slots would be the only ones; the client
    shows them once (`org.halfdoor.recovery_key`, `org.halfdoor.recovery_kit`).
    """

    session: Session
    access_token: str
    refresh_token: str | None = None
    expires_in_ms: int | None = None
    recovery_key: str | None = None
    recovery_kit: dict[str, object] | None = None

    def __repr__(self) -> str:
        return f"SignedIn({self.session!r})"


@final
class Refreshed(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a refresh: a new pair."""

    access_token: str
    refresh_token: str
    expires_in_ms: int

    def __repr__(self) -> str:
        return "Refreshed(…)"


class Lifetimes(msgspec.Struct, frozen=True, kw_only=True):
    """How long things of an account last, in ms; SEALING §2 gives the days and hours."""

    access_token: int = 3_600_000
    login_token: int = 120_000
    start_over_delay: int = 72 * 3_600_000
    # A session that was used this recently can still object to starting over.
    recently: int = 30 * 86_400_000
    former_key: int = 30 * 86_400_000
    fresh_jwt: int = 300_000
