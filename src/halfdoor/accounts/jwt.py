"""JWTs signed by the platform (RFC 7519, login type org.matrix.login.jwt): which are believed."""

from collections.abc import Mapping
from typing import Any, Final, Protocol, final

import jwt as pyjwt
import msgspec

from halfdoor.accounts.errors import ForbiddenError, KeysUnavailableError
from halfdoor.accounts.key_sets import find_key, keys_of

ALLOWED_ALGORITHMS: Final = frozenset(
    {"EdDSA", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"}
)
AGE_BANDS: Final = frozenset({"under13", "13-15", "16-17", "adult"})
_MAX_BYTES: Final = 16_384
_REQUIRED: Final = ("exp", "iat", "iss", "aud", "sub")
_KEYS_MS: Final = 600_000
_RETRY_MS: Final = 30_000


class KeySource(Protocol):
    """Where the platform's public keys come from: a file, or a URL that web/outbound fetches."""

    async def jwks(self) -> bytes:
        """Return the JWK Set (RFC 7517) as JSON; `OSError` where it cannot be read."""
        ...


class JwtSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Whose JWTs are accepted. Claim names are the platform's own where it has others.

    `max_age_s` bounds how long ago a JWT may have been issued, `leeway_s` how far clocks differ.
    """

    issuer: str
    audience: str
    algorithms: tuple[str, ...] = ("EdDSA", "ES256", "RS256")
    max_age_s: int = 600
    leeway_s: int = 30
    claim_age_band: str = "age_band"
    claim_age_source: str = "age_source"
    claim_guardian: str = "guardian"
    claim_region: str = "region"
    claim_name: str = "name"

    def __post_init__(self) -> None:
        if not self.algorithms or not ALLOWED_ALGORITHMS.issuperset(self.algorithms):
            raise ValueError("algorithms must be asymmetric signatures: never none, never HS*")
        if not self.issuer or not self.audience:
            raise ValueError("an issuer and an audience must be named")


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a believed JWT says. `facts` has only the facts of a person that the platform named."""

    subject: str
    issued: int
    name: str | None = None
    facts: dict[str, str] = msgspec.field(default_factory=dict)


@final
class Platform:
    """Checks JWTs against the platform's keys, which it reads again now and then."""

    def __init__(self, settings: JwtSettings, source: KeySource) -> None:
        self._settings = settings
        self._source = source
        self._keys: list[dict[str, Any]] = []
        self._read_at: int | None = None

    async def check(self, token: str, now: int, *, max_age_ms: int | None = None) -> Claims:
        """Return the claims of *token* (now in ms), or refuse with `ForbiddenError`.

        *max_age_ms* asks for a fresher one than usual.
        """
        if len(token) > _MAX_BYTES:
            raise ForbiddenError("the JWT is too long")
        try:
            header = pyjwt.get_unverified_header(token)
        except (pyjwt.PyJWTError, ValueError):
            raise ForbiddenError("this is no JWT") from None
        algorithm = header.get("alg")
        # The list is ours; the header only picks from it.
        if algorithm not in self._settings.algorithms:
            raise ForbiddenError("the JWT's algorithm is not accepted")
        claims = self._verify(token, await self._key(header.get("kid"), algorithm, now), algorithm)
        self._check_times(claims, now, max_age_ms)
        return self._read(claims)

    async def _key(self, kid: object, algorithm: str, now: int) -> pyjwt.PyJWK:
        """Return the platform's key of that name and algorithm."""
        if self._read_at is None or now - self._read_at >= _KEYS_MS:
            await self._read_keys(now)
        found = find_key(self._keys, kid, algorithm)
        # An unknown name may be a new key; but nobody makes us fetch in a loop.
        if found is None and self._read_at is not None and now - self._read_at >= _RETRY_MS:
            await self._read_keys(now)
            found = find_key(self._keys, kid, algorithm)
        if found is None:
            raise ForbiddenError("the JWT is signed with an unknown key")
        return found

    async def _read_keys(self, now: int) -> None:
        try:
            keys = keys_of(await self._source.jwks())
        except (OSError, ValueError):
            # What was read before stays good for as long as the source is away.
            if self._read_at is None:
                raise KeysUnavailableError("the platform's keys cannot be read") from None
        else:
            self._keys = keys
        self._read_at = now

    def _verify(self, token: str, key: pyjwt.PyJWK, algorithm: str) -> dict[str, Any]:
        """Return the claims of *token* if signature, issuer and audience are right."""
        try:
            return pyjwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                options={
                    "require": list(_REQUIRED),
                    # Times are checked against the caller's clock below.
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (pyjwt.PyJWTError, ValueError) as error:
            fault = type(error).__name__
        raise ForbiddenError(f"the JWT is not accepted ({fault})")

    def _check_times(self, claims: Mapping[str, Any], now: int, max_age_ms: int | None) -> None:
        leeway = self._settings.leeway_s * 1000
        most = self._settings.max_age_s * 1000 if max_age_ms is None else max_age_ms
        expires, issued = _ms(claims.get("exp")), _ms(claims.get("iat"))
        begins = _ms(claims["nbf"]) if "nbf" in claims else issued
        if now >= expires + leeway:
            raise ForbiddenError("the JWT has expired")
        if now < begins - leeway or now < issued - leeway:
            raise ForbiddenError("the JWT is not valid yet")
        if now > issued + most + leeway:
            raise ForbiddenError("the JWT was issued too long ago")

    def _read(self, claims: Mapping[str, Any]) -> Claims:
        own = self._settings
        names = {
            "age_band": own.claim_age_band,
            "age_source": own.claim_age_source,
            "guardian": own.claim_guardian,
            "region": own.claim_region,
        }
        facts = {}
        for fact, claim in names.items():
            value = claims.get(claim)
            if value is None:
                continue
            if not isinstance(value, str) or not _is_short_text(value):
                raise ForbiddenError(f"the claim {claim} is not a short text")
            facts[fact] = value
        if facts.get("age_band", "adult") not in AGE_BANDS:
            # A band nobody knows is no band: unknown is the careful reading (SAFETY §5.13).
            del facts["age_band"]
        name = claims.get(own.claim_name)
        subject = claims["sub"]
        return Claims(
            subject=subject,
            issued=_ms(claims["iat"]),
            name=name if isinstance(name, str) and _is_short_text(name) else None,
            facts=facts,
        )

    def __repr__(self) -> str:
        return f"Platform(issuer={self._settings.issuer!r})"


def _is_short_text(value: str) -> bool:
    """Tell whether *value* can be kept: JSON also carries halves of surrogate pairs, and NUL."""
    try:
        return len(value.encode()) <= 1020 and len(value) <= 255 and "\x00" not in value
    except UnicodeEncodeError:
        return False


def _ms(seconds: object) -> int:
    """Return a NumericDate in ms; one that is no number is refused."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise ForbiddenError("a time in the JWT is not a number")
    if not 0 <= seconds < 2**40:
        raise ForbiddenError("a time in the JWT is out of range")
    return int(seconds * 1000)
