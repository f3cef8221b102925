"""A comparison as text: for the terminal, and as Markdown."""

import sys
from collections.abc import Iterator

from bench.figures import Figure, lines
from bench.shape import Cell, Report
from rich.console import Console
from rich.table import Table

OURS = "halfdoor"


def rows(report: Report, store: str) -> Iterator[list[str]]:
    """The header, then a row for each question that anybody on *store* answered."""
    cells = [cell for cell in report.cells if cell.store == store]
    ours = next((cell for cell in cells if cell.server == OURS), None)
    others = [cell for cell in cells if cell.server != OURS]
    yield ["", "unit", *(cell.server for cell in cells), *(f"times {c.server}" for c in others)]
    for line in lines():
        figures = {cell.server: line.figure(cell) for cell in cells}
        if not any(figures.values()):
            continue
        mine = figures.get(OURS) if ours is not None else None
        ratios = [_ratio(mine, figures[cell.server], line.better) for cell in others]
        yield [line.name, line.unit, *(_shown(figures[cell.server]) for cell in cells), *ratios]


def facts(cell: Cell) -> list[str]:
    """What has to be said of a column in words."""
    found = ", ".join(f"{kind} in {count} files" for kind, count in cell.canary.items() if count)
    said = [f"{cell.server} {cell.version} on {cell.store}"]
    if cell.hash_cost:
        said.append(f"a password costs {cell.hash_cost}")
    if cell.canary:
        said.append(f"the text of the messages is {'found: ' + found if found else 'not found'}")
    if cell.server == OURS:
        said.append(cell.wrong.strip() or "every chain was recomputed and holds")
    elif cell.wrong:
        said.append(cell.wrong.strip())
    if cell.cold:
        said.append(f"cold: {sum(run.conversations for run in cell.cold)} conversations")
    shares = [
        f.tool_us * f.rate / 1e6 for run in cell.hot for f in run.phases if f.phase == "delivered"
    ]
    if shares:
        said.append(f"the load tool used {max(shares):.0%} of a core at most")
    return said


def print_table(report: Report) -> None:
    """Print everything for people."""
    # A file or a pipe has no width, and a table that breaks its words is none.
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(f"{report.date}; {report.machine}")
    console.print("; ".join(f"{name} {number}" for name, number in report.versions.items()))
    for store in dict.fromkeys(cell.store for cell in report.cells):
        first, *rest = rows(report, store)
        table = Table(
            *first, title=f"{store}: median [lowest – highest] of {report.options['runs']}"
        )
        for row in rest:
            table.add_row(*row)
        console.print(table)
    for cell in report.cells:
        console.print("; ".join(facts(cell)))


def _shown(figure: Figure | None) -> str:
    if figure is None:
        return "–"
    if figure.low == figure.high:
        return _number(figure.median)
    return f"{_number(figure.median)} [{_number(figure.low)} – {_number(figure.high)}]"


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _ratio(mine: Figure | None, other: Figure | None, better: int) -> str:
    """How many times better is ours, whichever way better is."""
    if mine is None or other is None or not better or not mine.median or not other.median:
        return ""
    ratio = mine.median / other.median
    return f"{_number(ratio if better > 0 else 1 / ratio)} ×"
