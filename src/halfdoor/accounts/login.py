"""Logging in: by password, by a JWT of the platform, or by a login token (Matrix C-S, "Login")."""

from collections.abc import Callable
from typing import Final, final

from halfdoor.accounts.errors import EndedError, ForbiddenError, ForeignRegionError
from halfdoor.accounts.jwt import Platform
from halfdoor.accounts.login_tokens import LoginTokens
from halfdoor.accounts.names import typed_user
from halfdoor.accounts.passwords import Passwords
from halfdoor.accounts.people import People
from halfdoor.accounts.profile import Profiles
from halfdoor.accounts.session import LoginRequest, SignedIn
from halfdoor.accounts.signin import Given, SignIn
from halfdoor.accounts.store import AccountStore
from halfdoor.accounts.subjects import subject_user
from halfdoor.accounts.throttle import Attempts

_WRONG: Final = "wrong user name or password"


@final
class Login:
    """Recognises people, and has `SignIn` open their sessions."""

    def __init__(
        self,
        *,
        store: AccountStore,
        sign_in: SignIn,
        passwords: Passwords,
        attempts: Attempts,
        people: People,
        profiles: Profiles,
        tokens: LoginTokens,
        server: str,
        platform: Platform | None,
        is_home_of: Callable[[str | None], bool],
    ) -> None:
        """*is_home_of* says whether people of a region belong to this entity."""
        self._store = store
        self._sign_in = sign_in
        self._passwords = passwords
        self._attempts = attempts
        self._people = people
        self._profiles = profiles
        self._tokens = tokens
        self._server = server
        self._platform = platform
        self._is_home_of = is_home_of

    async def password(self, name: str, password: str, request: LoginRequest, now: int) -> SignedIn:
        """Log in with a user name (or id) and a password.

        A wrong name, a wrong password and an account without one are the same `ForbiddenError` and
        take the same time; `LimitedError` after too many of them.
        """
        try:
            user = typed_user(name, self._server)
        except ForbiddenError:
            user = ""
        self._attempts.check(user or name.casefold()[:255], request.ip, now)
        state = await self._store.state(user) if user else None
        login = state.login if state is not None else None
        secrets = await self._passwords.verify(password, login)
        if secrets is None or login is None:
            raise ForbiddenError(_WRONG)
        self._attempts.forgive(user, request.ip)
        return await self._open(user, request, Given(secrets=secrets, login=login), now)

    async def jwt(self, token: str, request: LoginRequest, now: int) -> SignedIn:
        """Log in with a JWT of the platform; the account is made on the first one.

        Its claims become what is known of the person. `ForbiddenError` where the JWT is not
        believed, `ForeignRegionError` where the person belongs to another entity.
        """
        if self._platform is None:
            raise ForbiddenError("this server takes no JWT")
        if request.ip is not None:
            self._attempts.check_address(request.ip, now)
        claims = await self._platform.check(token, now)
        user = subject_user(claims.subject, self._server)
        if "region" in claims.facts and not self._is_home_of(claims.facts["region"]):
            raise ForeignRegionError("this person belongs to another entity")
        facts = dict(claims.facts)
        if "guardian" in facts:
            facts["guardian"] = subject_user(facts["guardian"], self._server)
        # The facts first: whatever the new session does is judged by them.
        await self._people.claim(user, facts)
        answer = await self._open(user, request, Given(), now)
        if claims.name is not None:
            await self._profiles.set_if_absent(user, "displayname", claims.name)
        return answer

    async def login_token(self, token: str, request: LoginRequest, now: int) -> SignedIn:
        """Log in with a login token, which works once and not for long."""
        if request.ip is not None:
            self._attempts.check_address(request.ip, now)
        user = await self._tokens.take(token, now)
        return await self._open(user, request, Given(), now)

    async def _open(self, user: str, request: LoginRequest, given: Given, now: int) -> SignedIn:
        """Open a session, but none of an account that a decision ended (`EndedError`)."""
        if await self._people.is_ended(user, now):
            raise EndedError(user)
        return await self._sign_in.open(user, request, given, now)
