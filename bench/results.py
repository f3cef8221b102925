"""Writes the tables of a comparison into RESULTS.md; what people wrote around them stays.

    python -m bench.results COMPARISON.json [OTHER.json …] [--out bench/RESULTS.md]

The other files are those of `bench.nodes`, `bench.initial_sync` and `bench.flame`.
"""

import argparse
import sys
from pathlib import Path

import msgspec
from bench.shape import Report
from bench.table import facts, rows

_BEGIN, _END = "<!-- measured: begin -->", "<!-- measured: end -->"
_TITLE = "# What was measured\n\n"


def write_results(report: Report, path: Path) -> None:
    """Put the tables between the two marks in *path*."""
    text = path.read_text(encoding="utf-8") if path.exists() else f"{_TITLE}{_BEGIN}\n{_END}\n"
    before, _, rest = text.partition(_BEGIN)
    after = rest.partition(_END)[2]
    path.write_text(f"{before}{_BEGIN}\n{tables(report)}{_END}{after}", encoding="utf-8")


def tables(report: Report) -> str:
    """Return everything that was measured, as Markdown."""
    versions = ", ".join(f"{name} {number}" for name, number in report.versions.items())
    options = ", ".join(f"{name} {value}" for name, value in report.options.items())
    said = f"{report.date}; {report.machine}; {versions}. Profile: {options}.\n\n"
    for store in dict.fromkeys(cell.store for cell in report.cells):
        first, *rest = rows(report, store)
        said += f"### {store}\n\nMedian [lowest – highest] of {report.options['runs']} runs.\n\n"
        said += _row(first) + _row(["---"] * len(first)) + "".join(_row(row) for row in rest) + "\n"
    for cell in report.cells:
        said += "- " + "; ".join(facts(cell)) + "\n"
    for name, value in report.others.items():
        said += f"- {name}: {value:,.1f}\n"
    return said


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |\n"


def main() -> int:
    """Read what was measured, and write it down."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("comparison", type=Path)
    parser.add_argument("others", type=Path, nargs="*")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("RESULTS.md"))
    options = parser.parse_args()
    report = msgspec.json.decode(options.comparison.read_bytes(), type=Report)
    for path in options.others:
        figures = msgspec.json.decode(path.read_bytes(), type=dict[str, float])
        report.others |= {f"{path.stem}: {name}": value for name, value in figures.items()}
    write_results(report, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
