"""The accounts room wired by hand around a store, with a clock that stands still."""

import json
from typing import Any

import jwt as pyjwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from halfdoor.accounts.changes import Changes
from halfdoor.accounts.deactivate import Deactivate
from halfdoor.accounts.devices import Devices
from halfdoor.accounts.jwt import JwtSettings, Platform
from halfdoor.accounts.login import Login
from halfdoor.accounts.login_tokens import LoginTokens
from halfdoor.accounts.password_change import PasswordChange
from halfdoor.accounts.passwords import Passwords
from halfdoor.accounts.pending import Pending
from halfdoor.accounts.people import People
from halfdoor.accounts.profile import Profiles
from halfdoor.accounts.records import PendingRecord, StartOverRecord
from halfdoor.accounts.recovery import Recovery
from halfdoor.accounts.refresh import Refresh
from halfdoor.accounts.register import Register
from halfdoor.accounts.session import Lifetimes, LoginRequest, Session, SignedIn
from halfdoor.accounts.sessions import Sessions
from halfdoor.accounts.signin import SignIn
from halfdoor.accounts.start_over import StartOver
from halfdoor.accounts.store import AccountState, AccountStore
from halfdoor.accounts.theft import Theft
from halfdoor.accounts.throttle import Attempts
from halfdoor.accounts.tokens import Mint
from halfdoor.accounts.uia import Uia
from halfdoor.readers.participants.keyring import Keyring

SERVER = "a.example"
NOW = 1_795_000_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
K_LOOKUP = bytes(range(32))
PASSWORD = "seven quiet herons wade"
PLATFORM_KEY = Ed25519PrivateKey.generate()


class FakeNews:
    """Remembers what it was told, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, Any]] = []

    def of(self, what: str) -> list[Any]:
        return [detail for said, _, detail in self.told if said == what]

    async def new_user_key(self, user: str, *, replaced: bool) -> None:
        self.told.append(("new_user_key", user, replaced))

    async def started_over(self, user: str) -> None:
        self.told.append(("started_over", user, None))

    async def pending(self, user: str, waiting: PendingRecord) -> None:
        self.told.append(("pending", user, waiting))

    async def start_over_asked(self, user: str, wish: StartOverRecord) -> None:
        self.told.append(("start_over_asked", user, wish))

    async def start_over_cancelled(self, user: str) -> None:
        self.told.append(("start_over_cancelled", user, None))

    async def devices_gone(self, user: str, devices: tuple[str, ...]) -> None:
        self.told.append(("devices_gone", user, devices))

    async def reseal_account_data(self, user: str, session: str) -> None:
        self.told.append(("reseal_account_data", user, session))

    async def deactivated(self, user: str) -> None:
        self.told.append(("deactivated", user, None))


class FakeKeySource:
    """The platform's key set; `fails` is the platform being away."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = [jwk_of(PLATFORM_KEY, "one")]
        self.reads = 0
        self.fails = False

    async def jwks(self) -> bytes:
        self.reads += 1
        if self.fails:
            raise OSError("away")
        return json.dumps({"keys": self.keys}).encode()


def jwk_of(key: Ed25519PrivateKey, kid: str) -> dict[str, Any]:
    algorithm = pyjwt.get_algorithm_by_name("EdDSA")
    jwk = algorithm.to_jwk(key.public_key(), as_dict=True)
    return {**jwk, "kid": kid, "alg": "EdDSA", "use": "sig"}


class LittleAccounts:
    """Everything of the accounts room, and shorthands for what a client does."""

    def __init__(
        self, store: AccountStore, *, development: bool = False, throttled: bool = False
    ) -> None:
        self.store = store
        self.news = FakeNews()
        self.ticks = 0.0
        self.keyring = Keyring(clock=lambda: self.ticks)
        self.lifetimes = Lifetimes()
        self.changes = Changes(store)
        mint = Mint(K_LOOKUP)
        self.people = People(store, self.changes, development=development)
        self.profiles = Profiles(store)
        self.passwords = Passwords(development=development)
        self.attempts = Attempts(off=not throttled)
        self.source = FakeKeySource()
        self.platform = Platform(
            JwtSettings(issuer="https://platform.example", audience="halfdoor-a"), self.source
        )
        self.sign_in = SignIn(self.changes, self.keyring, mint, self.news, self.lifetimes)
        self.tokens = LoginTokens(store, K_LOOKUP, self.lifetimes)
        self.login = Login(
            store=store,
            sign_in=self.sign_in,
            passwords=self.passwords,
            attempts=self.attempts,
            people=self.people,
            profiles=self.profiles,
            tokens=self.tokens,
            server=SERVER,
            platform=self.platform,
            is_home_of=lambda region: region != "US",
        )
        self.register = Register(
            store=store,
            changes=self.changes,
            sign_in=self.sign_in,
            passwords=self.passwords,
            server=SERVER,
            is_open=True,
            development=development,
        )
        self.sessions = Sessions(store, self.changes, self.keyring, mint, self.news, self.lifetimes)
        self.refresh = Refresh(store, self.changes, self.keyring, mint, self.lifetimes)
        self.devices = Devices(store, self.changes, self.news)
        self.uia = Uia(
            store=store,
            passwords=self.passwords,
            attempts=self.attempts,
            server=SERVER,
            platform=self.platform,
            lifetimes=self.lifetimes,
        )
        self.password_change = PasswordChange(self.changes, self.keyring, self.passwords, self.news)
        self.deactivate = Deactivate(store, self.changes, self.news)
        self.pending = Pending(store, self.changes, self.keyring)
        self.start_over = StartOver(store, self.changes, self.keyring, self.news, self.lifetimes)
        self.recovery = Recovery(store, self.changes, self.keyring)
        self.theft = Theft(self.changes, self.keyring, mint, self.news, self.lifetimes)

    async def alice(self, *, refresh: bool = False, device: str | None = None) -> SignedIn:
        """Register @alice:a.example with PASSWORD."""
        request = LoginRequest(refresh=refresh, device=device)
        return await self.register.register("alice", PASSWORD, request, NOW)

    async def jwt_login(
        self, subject: str = "alice", *, now: int = NOW, refresh: bool = False, **request: Any
    ) -> SignedIn:
        token = signed(subject, now)
        return await self.login.jwt(token, LoginRequest(refresh=refresh, **request), now)

    async def who(self, token: str, now: int = NOW) -> Session:
        return await self.sessions.authenticate(token, now)

    async def state(self, user: str = "@alice:a.example") -> AccountState:
        state = await self.store.state(user)
        assert state is not None
        return state

    def secrets_of(self, session: str) -> bytes:
        """Return the user key a session holds, to compare two of them."""
        held = self.keyring._kept.held[session]
        assert held.user is not None
        return held.user_key(held.user).raw

    def close(self) -> None:
        self.passwords.close()


def signed(
    subject: str,
    now: int = NOW,
    *,
    key: Any = PLATFORM_KEY,
    algorithm: str = "EdDSA",
    kid: str | None = "one",
    drop: tuple[str, ...] = (),
    **claims: Any,
) -> str:
    """Return a JWT as the platform signs it, changed as a test asks."""
    body = {
        "sub": subject,
        "iss": "https://platform.example",
        "aud": "halfdoor-a",
        "iat": now // 1000,
        "exp": now // 1000 + 300,
        **claims,
    }
    body = {name: value for name, value in body.items() if name not in drop}
    return pyjwt.encode(body, key, algorithm, headers={"kid": kid} if kid else None)
