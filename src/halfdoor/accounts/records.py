"""The rows of an account, as values; the store adds bucket, outer layer and mac (SEALING §2).

Times are int ms since 1970. A `kid` is 32 bytes, `public` is `suite ‖ raw` (1,217 bytes). Structs
that carry a wrap, salt or verifier show none of it.
"""

import msgspec


class AccountRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An account. `kid` and `public` are None until its user key is made.

    `revision` goes up with every `Change`: a request that decided on an older one is refused.
    """

    user: str
    created: int
    kid: bytes | None = None
    public: bytes | None = None
    deactivated: bool = False
    revision: int = 0


class LoginRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a password login compares: `verifier` (32 bytes) under `salt` (16 bytes)."""

    salt: bytes
    verifier: bytes

    def __repr__(self) -> str:
        return "LoginRecord(…)"


class SlotRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A lasting slot: name `pw` or `rec`, the kid of what lies in it, and its `blob`.

    `salt` is the salt of the password that opens `pw` (not always the login's: an administrator's
    reset changes only that); `public` the recovery key's public part, so that `rec` can be sealed
    again without the secret.
    """

    name: str
    kid: bytes
    blob: bytes
    salt: bytes = b""
    public: bytes = b""

    def __repr__(self) -> str:
        return f"SlotRecord(name={self.name!r}, kid={self.kid.hex()})"


class TokenRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One token, found by its `lookup` value; the token itself is nowhere.

    `kind` is acc or ref, `pair` counts the pairs of a session and `parent` is the pair whose
    refresh token made this one. `kid` names what `blob` holds: the user key, or where `pending`
    the secret of the pending key. An expired access token keeps its row without a blob, so that the
    answer stays a soft logout.
    """

    lookup: bytes
    session: str
    kind: str
    pair: int
    kid: bytes
    blob: bytes
    parent: int = -1
    pending: bool = False
    expires: int | None = None

    @property
    def slot(self) -> str:
        """The slot name that `blob` is bound to (SEALING §2)."""
        return f"{'pend-' if self.pending else ''}{self.kind}:{self.session}"

    def __repr__(self) -> str:
        return f"TokenRecord(session={self.session!r}, kind={self.kind!r}, pair={self.pair})"


class SessionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in session of a device.

    `kid` names the user key that its access slot holds, None while it waits for approval.
    `confirmed` is the newest pair whose token was used; `pairs` counts the pairs ever made.
    """

    id: str
    device: str
    created: int
    last_used: int
    kid: bytes | None = None
    confirmed: int = 0
    pairs: int = 1


class DeviceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A device of a user, and the session that owns it."""

    id: str
    session: str
    created: int
    display_name: str | None = None
    last_seen: int | None = None
    last_ip: str | None = None


class PendingRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A session that waits, or waited, for approval: its pending key, and the approval.

    `approval` stays until both slots of the session hold the user key `approved`.
    """

    session: str
    device: str
    kid: bytes
    public: bytes
    asked: int
    approval: bytes | None = None
    approved: bytes | None = None

    def __repr__(self) -> str:
        return f"PendingRecord(session={self.session!r}, kid={self.kid.hex()})"


class FormerKey(msgspec.Struct, frozen=True, kw_only=True):
    """A user key that was replaced by `next_kid` at `closed`.

    `blob` is the old key sealed to its successor, None where the history was closed. Sessions that
    still hold the old key may read until `readable_until`; 0 where none does.
    """

    kid: bytes
    public: bytes
    next_kid: bytes
    closed: int
    readable_until: int
    blob: bytes | None = None

    def __repr__(self) -> str:
        return f"FormerKey(kid={self.kid.hex()}, next_kid={self.next_kid.hex()})"


class StartOverRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A pending session's wish to start over, which takes effect at `due` unless cancelled.

    The new user key was made when it was asked for: `kid`, `public`, its lasting `slots`, and the
    key sealed to the session as an `approval`. Cancelling destroys them.
    """

    session: str
    asked: int
    due: int
    kid: bytes
    public: bytes
    approval: bytes
    slots: tuple[SlotRecord, ...] = ()

    def __repr__(self) -> str:
        return f"StartOverRecord(session={self.session!r}, due={self.due})"


class MeasureRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A measure of the review desk that binds a person; `safety.measures` says what each means.

    Found by `id` for good. It never changes but for `reversed`, which is set once.
    """

    id: str
    kind: str
    decision: str
    starts: int
    ends: int | None = None
    scope: str = ""
    reversed: int | None = None

    def holds(self, now: int) -> bool:
        """Tell whether it binds at *now* (ms)."""
        return (
            self.reversed is None and self.starts <= now and (self.ends is None or now < self.ends)
        )


class PersonRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What the platform says of a person, and the person's own switch for direct messages.

    `age_band` is under13, 13-15, 16-17, adult or None (unknown); `age_source` says who vouches.
    `dm_choice` is None until touched; `guardian_allows` are user ids. `suspended` is the platform's
    or an operator's word, `measures` are decisions of the review desk: neither lifts the other.
    `device_checks` is the platform's word that the person's app looks for harm on their device.
    """

    user: str
    age_band: str | None = None
    age_source: str | None = None
    guardian: str | None = None
    region: str | None = None
    suspended: bool = False
    dm_choice: bool | None = None
    guardian_allows: tuple[str, ...] = ()
    # Added later, one after the other: a row in which the last of them say nothing bears the same
    # mac as before they were (`store.accounts_rows`).
    measures: tuple[MeasureRecord, ...] = ()
    device_checks: bool = False


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """Two people who know each other; `source` is platform, accepted or development."""

    a: str
    b: str
    source: str
    since: int


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """*user* does not want to see *peer*."""

    user: str
    peer: str
    since: int


class LoginToken(msgspec.Struct, frozen=True, kw_only=True):
    """A single-use login token, found by its `lookup`; it is gone after `expires` or one use."""

    lookup: bytes
    user: str
    expires: int
