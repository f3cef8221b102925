"""What is kept of staff, apart from people's accounts. Times are int ms since 1970.

The store adds bucket, outer layer and mac (SEALING §2: staff and passkeys are rows that decide who
may act). Ids are `stf_…` with 22 characters of base64url behind.
"""

from typing import Literal

import msgspec

from halfdoor.accounts.staff_member import StaffMember

TokenKind = Literal["invitation", "session", "challenge"]


class StaffRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An account of staff. `name` is a pseudonym, `place` where they work (ISO 3166-1).

    `people` are the user ids of their own accounts, `opted_out` the groups of reasons that they do
    not want to see. `joined` is when the first passkey came, None before; `ended` is final.
    `revision` goes up with every change, of passkeys too.
    """

    id: str
    name: str
    roles: tuple[str, ...]
    place: str
    people: tuple[str, ...] = ()
    opted_out: tuple[str, ...] = ()
    created: int
    joined: int | None = None
    ended: int | None = None
    revision: int = 0

    def member(self) -> StaffMember:
        """Return who that is for the rooms that ask who does something."""
        return StaffMember(
            id=self.id,
            name=self.name,
            roles=frozenset(self.roles),
            place=self.place,
            people=self.people,
            opted_out=frozenset(self.opted_out),
        )


class PasskeyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A passkey (WebAuthn credential). `lookup` is the keyed hash that its row is found by.

    `public_key` is a COSE_Key (RFC 9052 §7); `count` the sign counter as it was last seen, 0 where
    the authenticator keeps none.
    """

    lookup: bytes
    staff: str
    credential: bytes
    public_key: bytes
    count: int
    created: int
    last_used: int

    @property
    def name(self) -> str:
        """What it is called in lists: the beginning of its lookup, which is nobody's secret."""
        return self.lookup[:6].hex()

    def __repr__(self) -> str:
        return f"PasskeyRecord({self.name!r}, staff={self.staff!r})"


class StaffToken(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation, a session, or a challenge that was used; found by a keyed hash alone."""

    kind: TokenKind
    lookup: bytes
    staff: str
    created: int
    expires: int
    last_used: int
    demo: bool = False

    @property
    def name(self) -> str:
        """What it is called in lists: the beginning of its lookup, which opens nothing."""
        return self.lookup[:6].hex()

    def __repr__(self) -> str:
        return f"StaffToken({self.kind!r}, staff={self.staff!r})"
