"""Text as XML can carry it: XML 1.0 forbids most control characters, even as references (§2.2)."""

import re
from typing import Final

# Everything that is no `Char` of XML 1.0, 5th edition, production 2.
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_ENDS: Final = re.compile("\r\n?")


def xml_text(text: str) -> str:
    r"""Return *text* with each character that XML cannot carry shown as `[U+0007]`.

    Line ends become `\n`, as every parser makes them (XML 1.0 §2.11): what is written is what is
    read. Markup needs nothing here; whoever builds the tree escapes it.
    """
    shown = _FORBIDDEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)
    return _LINE_ENDS.sub("\n", shown)


def can_carry(text: str) -> bool:
    """Tell whether `xml_text` leaves *text* as it is but for line ends."""
    return _FORBIDDEN.search(text) is None
