"""Numbers of the report as SVG: lying bars, each with its number and what that rests on.

No script, no style attribute; what is declared is hatched, so that no colour tells it alone.
"""

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from halfdoor.transparency.report import Basis, Number

_WIDE: Final = 340
_LINE: Final = 40
_BAR: Final = 12
# What does not fit the picture stands in the table.
MOST: Final = 10
_LONGEST: Final = 30


def chart(title: str, numbers: Sequence[Number]) -> Markup:
    """A picture of the largest of *numbers*; the table below it has them all."""
    shown = sorted(numbers, key=lambda one: -one.count)[:MOST]
    top = max((one.count for one in shown), default=0) or 1
    parts = []
    for at, one in enumerate(shown):
        y = at * _LINE
        wide = max(2.0, one.count / top * (_WIDE - 2))
        word = one.of if len(one.of) <= _LONGEST else f"{one.of[: _LONGEST - 1]}…"
        parts.append(
            Markup(
                '<text class="of" x="0" y="{}">{}</text>'
                '<text class="of" x="{}" y="{}" text-anchor="end">{:d} {}</text>'
                '<rect class="{}" x="1" y="{}" width="{:.1f}" height="{}" rx="3"/>'
            ).format(
                y + 14, word, _WIDE, y + 14, one.count, one.basis, _kind(one), y + 20, wide, _BAR
            )
        )
    return Markup(
        '<svg class="lying" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(
        _WIDE,
        max(1, len(shown)) * _LINE,
        f"{title}; the table below has every number",
        Markup("").join(parts),
    )


def _kind(number: Number) -> str:
    return "proved" if number.basis is Basis.PROVED else "declared"
