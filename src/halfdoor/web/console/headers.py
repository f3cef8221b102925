"""What every answer of the console says to the browser: load nothing else, keep nothing, frame not.

Content Security Policy Level 3; Trusted Types: scripts may make markup by one policy alone, and
`static/console.js` holds it.
"""

from typing import Final

from halfdoor.web.response import Header

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " media-src 'self';"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types halfdoor"
)

_ALWAYS: Final[tuple[Header, ...]] = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)

PAGE: Final[tuple[Header, ...]] = (*_ALWAYS, (b"cache-control", b"no-store"))

# The address of such a file names its content: it never changes, so no browser need ask again.
FILE: Final[tuple[Header, ...]] = (
    *_ALWAYS,
    (b"cache-control", b"public, max-age=31536000, immutable"),
)
