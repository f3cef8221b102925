"""Passwords: how strong, how stretched, how compared. Nothing here remembers one."""

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar, final

from zxcvbn import zxcvbn

from halfdoor.accounts.errors import InvalidParameterError, LimitedError, WeakPasswordError
from halfdoor.accounts.records import LoginRecord
from halfdoor.sealing.labels import Denied, same_bytes
from halfdoor.sealing.slots import SALT_BYTES, PasswordSecrets, password_secrets

T = TypeVar("T")

MIN_LENGTH: Final = 10
MAX_LENGTH: Final = 512
# zxcvbn: 3 = 10^8 to 10^10 guesses. A thief with the database and the outer key guesses offline.
MIN_SCORE: Final = 3
# zxcvbn's cost grows with the length, and it says enough about the first 72 characters.
_JUDGED: Final = 72


@final
class Passwords:
    """Judges and stretches passwords in a few threads: 21 ms and 19 MiB each time.

    At most *threads* run at once and *waiting* wait; the rest is told to come back
    (`LimitedError`). *development* lifts the rules, never the stretching.
    """

    def __init__(self, *, threads: int = 2, waiting: int = 64, development: bool = False) -> None:
        self._pool = ThreadPoolExecutor(threads, "halfdoor-argon2")
        self._most = threads + waiting
        self._running = 0
        self._development = development
        # The salt that a password for nobody is tried with, so that both take as long.
        self._nobody = LoginRecord(salt=os.urandom(SALT_BYTES), verifier=os.urandom(32))

    async def check_strength(self, password: str, about: Sequence[str]) -> None:
        """Refuse a password that is short, known, or made of *about* (`WeakPasswordError`)."""
        if len(password) > MAX_LENGTH or "\x00" in password:
            raise InvalidParameterError(f"a password has at most {MAX_LENGTH} characters, no NUL")
        if self._development:
            return
        if len(password) < MIN_LENGTH:
            raise WeakPasswordError(f"a password has at least {MIN_LENGTH} characters")
        if await self._run(_score, password, about) < MIN_SCORE:
            raise WeakPasswordError("this password is too easy to guess: add a few words")

    async def make(self, password: str) -> tuple[LoginRecord, PasswordSecrets]:
        """Return the login of a new *password*, and the key of its slot."""
        salt = os.urandom(SALT_BYTES)
        try:
            secrets = await self._run(password_secrets, password, salt)
        except Denied:
            secrets = None
        if secrets is None:
            raise InvalidParameterError("a password must be valid Unicode")
        return LoginRecord(salt=salt, verifier=secrets.verifier), secrets

    async def verify(self, password: str, login: LoginRecord | None) -> PasswordSecrets | None:
        """Return the secrets of the right *password*, else None.

        Without a *login* (no such account, or one without a password) it takes as long and is None.
        """
        expected = login or self._nobody
        if len(password) > MAX_LENGTH:
            return None
        try:
            secrets = await self._run(password_secrets, password, expected.salt)
        except Denied:
            return None
        right = same_bytes(secrets.verifier, expected.verifier)
        return secrets if right and login is not None else None

    async def _run(self, function: Callable[..., T], *args: object) -> T:
        if self._running >= self._most:
            raise LimitedError(1_000)
        self._running += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)
        finally:
            self._running -= 1

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def __repr__(self) -> str:
        return f"Passwords(running={self._running})"


def about(user: str) -> tuple[str, str]:
    """Return the words that a password of *user* must not be made of."""
    localpart, _, server = user[1:].partition(":")
    return localpart, server


def _score(password: str, about: Sequence[str]) -> int:
    """Return zxcvbn's score, 0 to 4, of *password* and of what is left of it without *about*.

    zxcvbn counts one's own name as a word like any other; whoever guesses begins with it.
    """
    known = [word for word in about if word]
    judged = password[:_JUDGED]
    bare = judged.lower()
    for word in known:
        bare = bare.replace(word.lower(), "")
    scores = [
        int(zxcvbn(text, user_inputs=known)["score"]) if text else 0 for text in (judged, bare)
    ]
    return min(scores) if bare != judged.lower() else scores[0]
