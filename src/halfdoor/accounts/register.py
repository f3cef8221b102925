"""Registering with a password: off in production, open in development (Matrix C-S, "register")."""

import secrets as random
from typing import Final, final

import msgspec

from halfdoor.accounts.changes import Changes, change_of
from halfdoor.accounts.errors import ForbiddenError, UserInUseError
from halfdoor.accounts.names import check_localpart
from halfdoor.accounts.passwords import Passwords, about
from halfdoor.accounts.records import PersonRecord
from halfdoor.accounts.session import LoginRequest, SignedIn
from halfdoor.accounts.signin import Given, SignIn
from halfdoor.accounts.store import AccountState, AccountStore, Change

DEVELOPMENT: Final = "development"


@final
class Register:
    """Makes accounts with a password."""

    def __init__(
        self,
        *,
        store: AccountStore,
        changes: Changes,
        sign_in: SignIn,
        passwords: Passwords,
        server: str,
        is_open: bool,
        development: bool,
    ) -> None:
        """*is_open* lets anybody register; *development* makes them connected adults."""
        self._store = store
        self._changes = changes
        self._sign_in = sign_in
        self._passwords = passwords
        self._server = server
        self._open = is_open
        self._development = development

    def check_open(self) -> None:
        """Refuse where nobody may register (`ForbiddenError`)."""
        if not self._open:
            raise ForbiddenError("registration is closed here")

    async def check_free(self, localpart: str) -> str:
        """Return the user id of a name that is free.

        `InvalidUsernameError` for one that is none, `UserInUseError` for one that is taken, also by
        a person of the platform who never signed in.
        """
        user = check_localpart(localpart, self._server)
        if await self._store.exists(user) or await self._store.erased(user):
            raise UserInUseError("this name is taken")
        return user

    async def register(
        self, localpart: str | None, password: str, request: LoginRequest, now: int
    ) -> SignedIn:
        """Make an account and sign in; the caller has completed the stage `m.login.dummy`."""
        self.check_open()
        user = await self.check_free(localpart or f"user-{random.token_hex(6)}")
        await self._passwords.check_strength(password, about(user))
        login, secrets = await self._passwords.make(password)
        given = Given(secrets=secrets, login=login, registers=True, person=self._person(user))
        try:
            return await self._sign_in.open(user, request, given, now)
        except ForbiddenError:
            # Somebody took the name between the question and the answer.
            raise UserInUseError("this name is taken") from None

    async def make(
        self, localpart: str, password: str, person: PersonRecord | None, now: int
    ) -> str:
        """Make an account without a session, as an administrator; return the user id.

        Its user key is made at the first login, when its owner is there.
        """
        user = check_localpart(localpart, self._server)
        await self._passwords.check_strength(password, about(user))
        login, _ = await self._passwords.make(password)
        facts = msgspec.structs.replace(person, user=user) if person is not None else None

        def decide(state: AccountState) -> tuple[Change, None]:
            if state.account.revision >= 0:
                raise UserInUseError("this name is taken")
            return msgspec.structs.replace(change_of(state), login=login, person=facts), None

        await self._changes.make_or_create(user, decide, now)
        return user

    def _person(self, user: str) -> PersonRecord | None:
        """Return what is known of somebody who registered: nothing, but in development."""
        if not self._development:
            return None
        return PersonRecord(user=user, age_band="adult", age_source=DEVELOPMENT)
