"""Links in a text: finding them, and telling the platform's own from others.

`linkify-it-py` finds what clients would turn into a link. What it leaves to its callers is added:
every Latin top-level domain, schemes it does not know, and characters that only look different. Not
found is an address without a scheme under a domain in another script, other than .рф.
"""

import re
import unicodedata
from collections.abc import Collection
from typing import Final

from linkify_it import LinkifyIt  # type: ignore[import-untyped]
from linkify_it.tlds import TLDS  # type: ignore[import-untyped]

_finder: Final = LinkifyIt(options={"fuzzy_link": True, "fuzzy_email": True, "fuzzy_ip": True})
_finder.tlds(TLDS, keep_old=True)

# An app on the recipient's machine may answer to any scheme, so each counts as a link.
_SCHEME: Final = re.compile(
    r"[a-z0-9+.\-]://|(?<![a-z0-9])(?:bitcoin|data|facetime|geo|intent|javascript|magnet"
    r"|mailto|matrix|sip|skype|sms|tel|tg|whatsapp|xmpp):\S",
    re.IGNORECASE,
)
# The ideographic, full-width, half-width and one-dot-leader stops, which browsers read as dots.
_DOTS: Final = str.maketrans("\u3002\uff0e\uff61\u2024", "....")
_MAX_TEXT: Final = 4_096
_MAX_SUSPECT: Final = 400
_SUSPECT: Final = re.compile(r"[.:@]|//")
# No address has two dots in a row in its host, and the search is slow on them.
_ELLIPSIS: Final = re.compile(r"\.{2,}")
_BLANKS: Final = re.compile(r"[ \t\r\n]+")
_OWN: Final = re.compile(
    r"https://(?P<host>[a-z0-9.-]+)(?:[/?#][A-Za-z0-9\-._~/?#&=%+,;:@!$()*]*)?"
)
_AROUND: Final = "()[]{}<>.,;:!?\"'"


def has_link(text: str) -> bool:
    """Tell whether *text* holds anything that a client or a reader could follow as a link.

    A text over 4,096 characters, or with over 400 in words that look like addresses, counts as one
    that does: a search must not hold up everybody else's messages.
    """
    seen = _as_seen(text)
    if len(seen) > _MAX_TEXT:
        return True
    words = (word.strip(_AROUND) for word in _ELLIPSIS.sub(" ", seen).split())
    suspects = " ".join(word for word in words if _SUSPECT.search(word))
    if len(suspects) > _MAX_SUSPECT:
        return True
    return _SCHEME.search(suspects) is not None or bool(_finder.test(suspects))


def has_foreign_link(text: str, own_hosts: Collection[str]) -> bool:
    """Tell whether *text* holds a link that does not plainly lead to one of *own_hosts*.

    A link is plainly ours only if a whole word of the text, as it was sent, is an https address of
    exactly such a host, without user name or port and in plain characters: no two readers of it
    can disagree where it leads.
    """
    others = [word for word in _BLANKS.split(text) if not _is_own(word, own_hosts)]
    return has_link(" ".join(others))


def _as_seen(text: str) -> str:
    """Return *text* as the eye takes it: compatible forms folded, invisible characters gone."""
    if text.isascii() or len(text) > _MAX_TEXT:
        return text
    folded = unicodedata.normalize("NFKC", text.translate(_DOTS))
    if len(folded) > _MAX_TEXT:
        return folded
    return "".join(char for char in folded if unicodedata.category(char) != "Cf")


def _is_own(word: str, own_hosts: Collection[str]) -> bool:
    address = _OWN.fullmatch(word.strip(_AROUND))
    return address is not None and address["host"] in own_hosts
