"""User-interactive authentication: proving again who one is, before something grave."""

import secrets
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final, final

import msgspec

from halfdoor.accounts.errors import ForbiddenError, UiaNeededError
from halfdoor.accounts.jwt import Platform
from halfdoor.accounts.names import typed_user
from halfdoor.accounts.passwords import Passwords
from halfdoor.accounts.records import LoginRecord
from halfdoor.accounts.session import Lifetimes
from halfdoor.accounts.store import AccountStore
from halfdoor.accounts.subjects import subject_user
from halfdoor.accounts.throttle import Attempts
from halfdoor.sealing.slots import PasswordSecrets

PASSWORD: Final = "m.login.password"  # noqa: S105 - the name of a stage
DUMMY: Final = "m.login.dummy"
JWT: Final = "org.matrix.login.jwt"
_EXPIRES_MS: Final = 900_000
_BOUND: Final = 10_000


@final
class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """That the person at the keyboard proved who they are, and how (`stage`).

    `secrets` are those of the password where that was the proof.
    """

    stage: str
    secrets: PasswordSecrets | None = None

    def __repr__(self) -> str:
        return f"Proof(stage={self.stage!r})"


class _Attempt(msgspec.Struct, frozen=True):
    """An authentication that was begun: whose, for which operation, until when."""

    user: str | None
    operation: str
    expires: int


@final
class Uia:
    """Keeps begun authentications in memory, at most 10,000, each for 15 minutes."""

    def __init__(
        self,
        *,
        store: AccountStore,
        passwords: Passwords,
        attempts: Attempts,
        server: str,
        platform: Platform | None,
        lifetimes: Lifetimes,
        development: bool = False,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._attempts = attempts
        self._server = server
        self._platform = platform
        self._lifetimes = lifetimes
        self._development = development
        self._begun: OrderedDict[str, _Attempt] = OrderedDict()

    async def check(
        self,
        user: str,
        auth: Mapping[str, Any] | None,
        operation: str,
        now: int,
        ip: str | None = None,
    ) -> Proof:
        """Return the proof that *auth* makes for *operation* (method and path of the request).

        `UiaNeededError` carries flows and session, and the fault where a stage failed;
        `LimitedError` where it failed too often.
        """
        state = await self._store.state(user)
        login = state.login if state is not None else None
        flows = self._flows(login)
        session = self._session(auth, user, operation, now)
        if auth is None or "type" not in auth:
            raise self._needed(session, flows, user, operation, now)
        stage = auth["type"]
        try:
            if [stage] not in flows:
                raise ForbiddenError("this stage is not offered")
            if stage == PASSWORD:
                proof = await self._password(user, auth, login, now, ip)
            else:
                proof = await self._jwt(user, auth, now, ip)
        except ForbiddenError as error:
            fault = str(error)
        else:
            if session is not None:
                self._begun.pop(session, None)
            return proof
        raise self._needed(session, flows, user, operation, now, fault)

    def check_dummy(self, auth: Mapping[str, Any] | None, operation: str, now: int) -> None:
        """Complete the stage `m.login.dummy`, which registration asks for; it proves nothing."""
        session = self._session(auth, None, operation, now)
        if auth is None or "type" not in auth:
            raise self._needed(session, [[DUMMY]], None, operation, now)
        if auth["type"] != DUMMY:
            raise self._needed(
                session, [[DUMMY]], None, operation, now, "this stage is not offered"
            )
        if session is not None:
            self._begun.pop(session, None)

    def _flows(self, login: LoginRecord | None) -> list[list[str]]:
        """Return what an account can prove itself by."""
        if login is not None:
            return [[PASSWORD]]
        return [[JWT]] if self._platform is not None else []

    def _session(
        self, auth: Mapping[str, Any] | None, user: str | None, operation: str, now: int
    ) -> str | None:
        """Return the session that *auth* names, if it was begun for this and is not over."""
        name = auth.get("session") if auth is not None else None
        begun = self._begun.get(name) if isinstance(name, str) else None
        if begun is None or begun.expires <= now:
            return None
        if (begun.user, begun.operation) != (user, operation):
            return None
        return str(name)

    def _needed(
        self,
        session: str | None,
        flows: list[list[str]],
        user: str | None,
        operation: str,
        now: int,
        fault: str | None = None,
    ) -> UiaNeededError:
        if session is None:
            session = secrets.token_urlsafe(18)
            self._begun[session] = _Attempt(user, operation, now + _EXPIRES_MS)
            while len(self._begun) > _BOUND:
                self._begun.popitem(last=False)
        return UiaNeededError(
            session=session,
            flows=flows,
            errcode="M_FORBIDDEN" if fault is not None else None,
            error=fault,
        )

    async def _password(
        self,
        user: str,
        auth: Mapping[str, Any],
        login: LoginRecord | None,
        now: int,
        ip: str | None,
    ) -> Proof:
        password = auth.get("password")
        named = named_user(auth)
        if not isinstance(password, str) or (
            named is not None and typed_user(named, self._server) != user
        ):
            raise ForbiddenError("wrong user name or password")
        self._attempts.check(user, ip, now)
        found = await self._passwords.verify(password, login)
        if found is None:
            raise ForbiddenError("wrong user name or password")
        self._attempts.forgive(user, ip)
        return Proof(stage=PASSWORD, secrets=found)

    async def _jwt(self, user: str, auth: Mapping[str, Any], now: int, ip: str | None) -> Proof:
        token = auth.get("token")
        if not isinstance(token, str) or self._platform is None:
            raise ForbiddenError("a JWT of the platform is needed")
        self._attempts.check(user, ip, now)
        # Fresh: a JWT that lay about since the login proves nothing about who is here now.
        claims = await self._platform.check(token, now, max_age_ms=self._lifetimes.fresh_jwt)
        if subject_user(claims.subject, self._server) != user:
            raise ForbiddenError("the JWT is about another account")
        self._attempts.forgive(user, ip)
        return Proof(stage=JWT)

    def __repr__(self) -> str:
        return f"Uia({len(self._begun)} begun)"


def named_user(body: Mapping[str, Any]) -> str | None:
    """Return the user that a login body names, by `identifier` or by the old field `user`."""
    identifier = body.get("identifier")
    if isinstance(identifier, Mapping) and identifier.get("type") == "m.id.user":
        name = identifier.get("user")
    else:
        name = body.get("user")
    return name if isinstance(name, str) else None
