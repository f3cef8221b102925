"""Requests signed by the platform: one token for one request, and for nothing else.

A bearer token that is good for some minutes could be taken from a log or a proxy and sent with any
body. So the token names the request it signs, as in RFC 9449 (`htm`, `htu`, `jti`), and the digest
of its body (RFC 9530 in spirit); docs/platform-api.md shows how one is made.
"""

from hashlib import sha256
from typing import Any, Final, Protocol, final

import jwt as pyjwt
import msgspec

from halfdoor.accounts.jwt import ALLOWED_ALGORITHMS, KeySource
from halfdoor.clock import Clock
from halfdoor.ids import base64url
from halfdoor.web.errors import ApiError
from halfdoor.web.platform.keys import PlatformKeys
from halfdoor.web.platform.replays import Replays
from halfdoor.web.request import Request
from halfdoor.web.router import decode_segments

MAX_AHEAD_S: Final = 300
_MAX_BYTES: Final = 8192
_REQUIRED: Final = ("iss", "aud", "exp", "iat", "jti", "htm", "htu", "digest")


class SignatureSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Whose signatures count: `iss` and `aud` of every token, the algorithms, clocks' difference.

    `audience` is this server's own for this interface (`audience_of`), never the one of sign-in
    tokens: so neither kind can be used as the other.
    """

    issuer: str
    audience: str
    algorithms: tuple[str, ...] = ("EdDSA", "ES256")
    leeway_s: int = 10

    def __post_init__(self) -> None:
        if not self.algorithms or not ALLOWED_ALGORITHMS.issuperset(self.algorithms):
            raise ValueError("algorithms must be asymmetric signatures: never none, never HS*")
        if not self.issuer or not self.audience:
            raise ValueError("an issuer and an audience must be named")


class _Signed(msgspec.Struct, frozen=True):
    """The claims of a verified token, each of its right type."""

    iss: str
    exp: float
    iat: float
    jti: str
    htm: str
    htu: str
    digest: str


class UsedNames(Protocol):
    """The names of requests that were done, at whichever process."""

    async def take(self, name: str, until: int, now: int) -> bool:
        """Use *name* up until *until* (ms); False where that happened before."""


@final
class SignedRequests:
    """The gate of `/_halfdoor/platform/`: implements `web.app.PlatformGate`."""

    def __init__(
        self,
        settings: SignatureSettings,
        source: KeySource,
        clock: Clock,
        names: UsedNames | None = None,
    ) -> None:
        """*names* remembers for all processes what was done; None where there is one."""
        self._names = names
        self._settings = settings
        self._keys = PlatformKeys(source)
        self._clock = clock
        self._replays = Replays()
        # What was done before this start is not remembered, so nothing older is believed.
        self._started_s = clock.now_ms() // 1000

    async def admit(self, request: Request) -> str:
        """Return the issuer that signed *request*.

        401 M_MISSING_TOKEN or M_UNAUTHORIZED where the token is none of the platform's, 403
        M_FORBIDDEN where it signs another request or was used, 503 where the keys cannot be read.
        """
        # 1. Who: before anything else of the request is read.
        signed = self._claims(await self._verify(_token(request)))
        # 2. When.
        now = self._clock.now_ms()
        self._check_times(signed, now)
        # 3. What: this method of this path, with this body.
        if signed.htm != request.method:
            raise _elsewhere("The token signs another method.")
        if _segments(signed.htu) != _own_segments(request):
            raise _elsewhere("The token signs another path.")
        if signed.digest != digest_of(await request.body()):
            raise _elsewhere("The token signs another body.")
        # 4. Once. No await before this process knows: of two at the same time one is refused.
        until = self._until(signed)
        self._replays.take(signed.jti, until, now)
        if self._names is not None and not await self._names.take(signed.jti, until, now):
            raise _elsewhere("This signed request was sent before.")
        return signed.iss

    async def _verify(self, token: str) -> dict[str, Any]:
        """Return the claims of *token* if signature, issuer and audience are right."""
        try:
            header = pyjwt.get_unverified_header(token)
        except (pyjwt.PyJWTError, ValueError):
            raise _refused("The token is no JWT.") from None
        algorithm = header.get("alg")
        # The list is ours; the header only picks from it.
        if algorithm not in self._settings.algorithms:
            raise _refused("The token's algorithm is not accepted.")
        key = await self._keys.find(header.get("kid"), algorithm)
        if key is None:
            raise _refused("The token is signed with an unknown key.")
        try:
            return pyjwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                options={
                    "require": list(_REQUIRED),
                    "strict_aud": True,
                    "enforce_minimum_key_length": True,
                    # Times are checked against this server's clock below.
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except pyjwt.MissingRequiredClaimError as error:
            fault = f"The token lacks the claim {error.claim}."
        except pyjwt.InvalidAudienceError:
            fault = "The token's audience is not this server's platform interface."
        except pyjwt.InvalidIssuerError:
            fault = "The token's issuer is not the platform."
        except pyjwt.InvalidSignatureError:
            fault = "The token's signature is wrong."
        except (pyjwt.PyJWTError, ValueError) as error:
            fault = f"The token is not accepted ({type(error).__name__})."
        raise _refused(fault)

    def _claims(self, claims: dict[str, Any]) -> _Signed:
        try:
            signed = msgspec.convert(claims, _Signed)
        except msgspec.ValidationError:
            raise _refused("A claim of the token has the wrong type.") from None
        if not 0 < len(signed.jti) <= 128:
            raise _refused("The claim jti has 1 to 128 characters.")
        return signed

    def _check_times(self, signed: _Signed, now: int) -> None:
        leeway, now_s = self._settings.leeway_s, now / 1000
        # Written so that a NaN, which is neither more nor less, is refused.
        if not signed.exp + leeway > now_s:
            raise _refused("The token has expired.")
        if not signed.exp <= now_s + MAX_AHEAD_S + leeway:
            raise _refused("The token expires more than five minutes from now.")
        if not signed.iat <= now_s + leeway:
            raise _refused("The token is not valid yet.")
        if not signed.iat >= self._started_s:
            raise _refused("The token is older than this server's last start: sign again.")

    def _until(self, signed: _Signed) -> int:
        return int((signed.exp + self._settings.leeway_s) * 1000) + 1

    def __repr__(self) -> str:
        return f"SignedRequests(issuer={self._settings.issuer!r})"


def audience_of(server_name: str) -> str:
    """Return the `aud` of requests to the platform interface of *server_name*."""
    return f"{server_name}/_halfdoor/platform/v1"


def digest_of(body: bytes) -> str:
    """Return the claim `digest` of *body*: base64url without padding of its SHA-256."""
    return base64url(sha256(body).digest())


def _token(request: Request) -> str:
    value = request.header(b"authorization") or ""
    if value[:7].lower() != "bearer " or not value[7:].strip():
        # `?access_token=` is never looked at here, not even in development.
        raise ApiError(401, "M_MISSING_TOKEN", "The platform signs its requests.")
    token = value[7:].strip()
    if len(token) > _MAX_BYTES:
        raise _refused("The token is too long.")
    return token


def _segments(path: str) -> list[str]:
    """Return the decoded segments of a path: `%40` and `@` are the same, `%2F` and `/` are not."""
    try:
        return decode_segments(path.encode("ascii"))
    except (ApiError, UnicodeEncodeError):
        raise _elsewhere("The claim htu is not a path.") from None


def _own_segments(request: Request) -> list[str]:
    """Return the decoded segments of the path that was asked for."""
    return [
        request.params[one[1:-1]] if one.startswith("{") else one
        for one in request.template.split("/")[1:]
    ]


def _refused(why: str) -> ApiError:
    return ApiError(401, "M_UNAUTHORIZED", why)


def _elsewhere(why: str) -> ApiError:
    return ApiError(403, "M_FORBIDDEN", why)
