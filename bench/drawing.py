"""A flame graph as a plain SVG: no script in it, its frames as wide as their processor time."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from zlib import crc32

_WIDTH, _ROW, _TOP, _LETTER = 1200.0, 17, 40, 6.6
_LEAST = 0.6
_LINE = re.compile(r":\d+\)$")


@dataclass
class Frame:
    """A function where it was called from; *weight* holds what it called too."""

    name: str
    weight: float = 0.0
    called: dict[str, "Frame"] = field(default_factory=dict)


def tree(stacks: Iterable[tuple[Sequence[str], float]]) -> Frame:
    """Lay *stacks*, outermost frame first and each with its weight, over one another."""
    root = Frame("all")
    for names, weight in stacks:
        root.weight += weight
        here = root
        for name in names:
            # The same function is one frame, whichever of its lines was at work.
            short = _LINE.sub(")", name)
            here = here.called.setdefault(short, Frame(short))
            here.weight += weight
    return root


def svg(root: Frame, title: str, unit: str) -> str:
    """Draw *root* at the top and what it called below; weights are shown in *unit*."""
    boxes = list(_boxes(root, root.weight, 0.0, 0))
    height = _TOP + _ROW * (1 + max(depth for _, _, _, depth in boxes))
    drawn = "".join(_box(frame, x, width, depth, unit) for frame, x, width, depth in boxes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {height}" '
        f'width="{_WIDTH:g}" height="{height}" font-family="monospace" font-size="11">\n'
        f'<rect width="100%" height="100%" fill="#fffdf6"/>\n'
        f'<text x="8" y="24" font-size="15">{escape(title)}</text>\n{drawn}</svg>\n'
    )


def _boxes(
    frame: Frame, whole: float, x: float, depth: int
) -> Iterator[tuple[Frame, float, float, int]]:
    width = _WIDTH * frame.weight / whole
    if width < _LEAST:
        return
    yield frame, x, width, depth
    for called in sorted(frame.called.values(), key=lambda one: one.name):
        yield from _boxes(called, whole, x, depth + 1)
        x += _WIDTH * called.weight / whole


def _box(frame: Frame, x: float, width: float, depth: int, unit: str) -> str:
    y = _TOP + _ROW * depth
    room = int((width - 4) / _LETTER)
    name = escape(frame.name)
    label = ""
    if room >= 3:
        shown = escape(frame.name if len(frame.name) <= room else f"{frame.name[: room - 1]}…")
        label = f'<text x="{x + 2:.1f}" y="{y + 12}">{shown}</text>'
    return (
        f"<g><title>{name}: {frame.weight:.1f} {unit}</title>"
        f'<rect x="{x:.1f}" y="{y}" width="{max(0.3, width - 0.5):.1f}" height="{_ROW - 1}" '
        f'fill="{_colour(frame.name)}"/>{label}</g>\n'
    )


def _colour(name: str) -> str:
    """Return one colour for a folder of code, so that parts are told apart."""
    place = name.partition("(")[2].rpartition("/")[0]
    return f"hsl({crc32(place.encode()) % 360}, 65%, 78%)"
