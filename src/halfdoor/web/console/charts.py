"""Bars as SVG: no script, no style attribute, and colours from the page's own tokens by class."""

from collections.abc import Sequence
from typing import Final

import msgspec
from markupsafe import Markup

_NARROW: Final = 560
WIDE: Final = 1120
_HEIGHT: Final = 220
_LEFT: Final = 44
_BOTTOM: Final = 28
_TOP: Final = 10
_FEW: Final = 8
# How wide a letter of a tick is, about.
_LETTER: Final = 6.5


class Bars(msgspec.Struct, frozen=True):
    """One series: its name, and a value for each label."""

    name: str
    values: tuple[float, ...]


def bars(title: str, labels: Sequence[str], series: Sequence[Bars], width: int = _NARROW) -> Markup:
    """A picture of *series* side by side over *labels*; for the eye alone, the table tells all."""
    top = _round_up(max((value for one in series for value in one.values), default=0))
    parts = [*_grid(top, width)]
    slot = (width - _LEFT) / max(1, len(labels))
    # At most 36 wide: few bars should not look like a wall.
    thick = min(36.0, slot * 0.7 / max(1, len(series)))
    # Of many labels every second has room.
    every = 1 if len(labels) <= _FEW else 2
    for at, label in enumerate(labels):
        middle = _LEFT + slot * (at + 0.5)
        left = middle - thick * len(series) / 2
        for number, one in enumerate(series):
            tall = one.values[at] / top * (_HEIGHT - _TOP - _BOTTOM)
            x, y = left + number * thick, _HEIGHT - _BOTTOM - tall
            parts.append(
                Markup(
                    '<rect class="bar s{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"'
                    ' rx="2"><title>{}, {}: {:g}</title></rect>'
                ).format(number, x + 1, y, thick - 2, tall, label, one.name, one.values[at])
            )
        if at % every == 0:
            parts.append(
                Markup(
                    '<text class="tick" x="{:.1f}" y="{}" text-anchor="middle">{}</text>'
                ).format(middle, _HEIGHT - 8, _short(label, slot * every))
            )
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(width, _HEIGHT, f"{title}; the table below has the numbers", Markup("").join(parts))


def _grid(top: float, width: int) -> list[Markup]:
    lines = []
    for step in range(3):
        value = top * step / 2
        y = _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * step / 2
        lines.append(
            Markup(
                '<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>'
                '<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{:g}</text>'
            ).format(_LEFT, width, y, y, _LEFT - 6, y + 4, value)
        )
    return lines


def _round_up(value: float) -> float:
    """The next of 2, 4, 6, 8, 10, 20, 40 …: ticks at halves that people can read."""
    scale = 1.0
    while True:
        for step in (2, 4, 6, 8, 10):
            if value <= step * scale:
                return step * scale
        scale *= 10


def _short(label: str, slot: float) -> str:
    """What of *label* fits into its *slot*; the table has the whole."""
    most = max(3, int(slot / _LETTER))
    return label if len(label) <= most else f"{label[: most - 1]}…"
