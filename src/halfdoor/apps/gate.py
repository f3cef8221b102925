"""The gate every request with a token passes: who asks, with their keys at hand meanwhile."""

from halfdoor.accounts.session import Session
from halfdoor.accounts.sessions import Sessions
from halfdoor.clock import Clock
from halfdoor.readers.participants.keyring import Keyring


class Gate:
    """Joins the sessions of `accounts` and the keyring of `readers` for the web's front door."""

    def __init__(self, sessions: Sessions, keyring: Keyring, clock: Clock) -> None:
        """Ask *sessions*; count requests in *keyring*."""
        self._sessions = sessions
        self._keyring = keyring
        self._clock = clock

    async def admit(self, token: str, address: str) -> Session:
        """Return the session of *token*, used from *address*; its keys are open until `release`.

        Raises `AccountsError`.
        """
        session = await self._sessions.authenticate(token, self._clock.now_ms(), address)
        # No await in between: from here on the keyring counts this request.
        self._keyring.start(session.id)
        return session

    def release(self, session: Session) -> None:
        """The request is over: the keys may go once `keyring_seconds` have passed."""
        self._keyring.end(session.id)
