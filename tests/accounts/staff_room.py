"""A room of staff in memory, whose store keeps every promise of the real ones."""

from msgspec.structs import replace
from tests.web.software_authenticator import SoftwareAuthenticator

from halfdoor.accounts.errors import ConflictError
from halfdoor.accounts.staff import StaffAccounts
from halfdoor.accounts.staff_ceremonies import Ceremonies, RelyingParty
from halfdoor.accounts.staff_errors import SpentError
from halfdoor.accounts.staff_invitations import Invitations
from halfdoor.accounts.staff_member import StaffMember
from halfdoor.accounts.staff_records import PasskeyRecord, StaffRecord, StaffToken, TokenKind
from halfdoor.accounts.staff_secrets import StaffSecrets
from halfdoor.accounts.staff_sessions import StaffSessions
from halfdoor.accounts.staff_sign_in import SignedIn, StaffSignIn
from halfdoor.accounts.staff_store import StaffChange
from halfdoor.policy.review import Staff as StaffPolicy

NOW = 1_795_000_000_000
ORIGIN = "https://desk.example.org"
MINUTE, HOUR = 60_000, 3_600_000
POLICY = StaffPolicy(invite_hours=24, session_minutes=480, idle_minutes=20)


class FakeStaffStore:
    """A `StaffStore` in memory."""

    def __init__(self) -> None:
        self.staff: dict[str, StaffRecord] = {}
        self.keys: dict[bytes, PasskeyRecord] = {}
        self.kept: dict[tuple[TokenKind, bytes], StaffToken] = {}

    async def commit(self, change: StaffChange) -> StaffRecord:
        staff, tokens, keys = change.staff, dict(self.kept), dict(self.keys)
        for key in change.takes:
            if tokens.pop(key, None) is None:
                raise SpentError
        before = self.staff.get(staff.id)
        if (before.revision if before is not None else 0) != staff.revision:
            raise ConflictError
        tokens = {
            key: one
            for key, one in tokens.items()
            if one.staff != staff.id or one.kind not in change.ends
        }
        for one in change.adds:
            if (one.kind, one.lookup) in tokens:
                raise SpentError
            tokens[one.kind, one.lookup] = one
        for lookup in change.removes:
            keys.pop(lookup, None)
        for passkey in change.passkeys:
            if keys.get(passkey.lookup, passkey).staff != passkey.staff:
                raise SpentError
            keys[passkey.lookup] = passkey
        self.kept, self.keys = tokens, keys
        self.staff[staff.id] = replace(staff, revision=staff.revision + 1)
        return self.staff[staff.id]

    async def member(self, id: str) -> StaffRecord | None:
        return self.staff.get(id)

    async def members(self) -> list[StaffRecord]:
        return [self.staff[name] for name in sorted(self.staff)]

    async def passkey(self, lookup: bytes) -> PasskeyRecord | None:
        return self.keys.get(lookup)

    async def passkeys(self, staff: str) -> list[PasskeyRecord]:
        return [one for _, one in sorted(self.keys.items()) if one.staff == staff]

    async def token(self, kind: TokenKind, lookup: bytes) -> StaffToken | None:
        return self.kept.get((kind, lookup))

    async def tokens(self, kind: TokenKind) -> list[StaffToken]:
        return [one for _, one in sorted(self.kept.items()) if one.kind == kind]

    async def touch(self, lookup: bytes, now: int) -> None:
        found = self.kept.get(("session", lookup))
        if found is not None:
            self.kept["session", lookup] = replace(found, last_used=max(found.last_used, now))

    async def drop(self, kind: TokenKind, lookup: bytes) -> None:
        self.kept.pop((kind, lookup), None)

    async def sweep(self, now: int) -> int:
        before = len(self.kept)
        self.kept = {key: one for key, one in self.kept.items() if one.expires >= now}
        return before - len(self.kept)


class FakeLog:
    """A staff log in memory: who did what, and about whom."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str | None]] = []

    async def note(
        self, staff: str, what: str, *, about: str | None = None, reason: str = "", now: int
    ) -> None:
        self.lines.append((staff, what, about))

    def whats(self) -> list[str]:
        return [what for _, what, _ in self.lines]


class StaffRoom:
    """Everything of accounts of staff, over a store in memory."""

    def __init__(self, *, demo: bool = False) -> None:
        self.store, self.log = FakeStaffStore(), FakeLog()
        self.secrets = StaffSecrets(b"k" * 32)
        self.invitations = Invitations(self.store, self.secrets, POLICY)
        self.sessions = StaffSessions(self.store, self.log, self.secrets, POLICY, demo=demo)
        self.accounts = StaffAccounts(self.store, self.log, self.invitations)
        self.doors = StaffSignIn(
            store=self.store,
            log=self.log,
            secrets=self.secrets,
            invitations=self.invitations,
            sessions=self.sessions,
            ceremonies=Ceremonies(RelyingParty("desk.example.org", ORIGIN, "Halfdoor")),
            demo=demo,
        )

    async def link(self, *roles: str, name: str = "Robin", now: int = NOW) -> str:
        """Invite somebody and return the link."""
        made = await self.accounts.invite(
            by=None, name=name, roles=roles or ("reviewer",), place="DE", now=now
        )
        return made.link

    async def joined(
        self, *roles: str, name: str = "Robin", now: int = NOW
    ) -> tuple[SignedIn, SoftwareAuthenticator]:
        """Let somebody join with a fresh authenticator."""
        link, keys = await self.link(*roles, name=name, now=now), SoftwareAuthenticator(ORIGIN)
        options = await self.doors.begin_joining(link, now)
        return await self.doors.finish_joining(link, keys.create(options), now), keys

    async def admin(self) -> StaffMember:
        signed, _ = await self.joined("admin", name="Ada")
        return signed.session.member
