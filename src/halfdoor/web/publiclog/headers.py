"""What answers of the public log say to browsers and caches.

Files of the log are for everybody, also for pages of others that check it; what never changes may
be kept for a year. The page loads nothing from elsewhere and makes no markup by script.
"""

from typing import Final

from halfdoor.web.response import Header

_CSP: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    b" form-action 'self'; base-uri 'none'; frame-ancestors 'none';"
    b" require-trusted-types-for 'script'; trusted-types 'none'"
)
_NO_SNIFF: Final[Header] = (b"x-content-type-options", b"nosniff")

PAGE: Final[tuple[Header, ...]] = (
    (b"content-security-policy", _CSP),
    _NO_SNIFF,
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"cache-control", b"no-store"),
)

# A document is what somebody uploaded: no browser may take it for a page of this place.
_FILE: Final[tuple[Header, ...]] = (
    (b"access-control-allow-origin", b"*"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    _NO_SNIFF,
)
NEWEST: Final[tuple[Header, ...]] = (
    *_FILE,
    (b"cache-control", b"public, max-age=5, must-revalidate"),
)
FOR_EVER: Final[tuple[Header, ...]] = (
    *_FILE,
    (b"cache-control", b"public, max-age=31536000, immutable"),
)
