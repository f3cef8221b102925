"""From the runs of one server to one line each: median, range, and how many times the other's."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.phases import Found
from bench.shape import Cell, Hot

_SHARES = (0.5, 0.95, 0.99)


@dataclass(frozen=True)
class Figure:
    """The median of several runs, and the lowest and highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Figure | None":
        return cls(statistics.median(values), min(values), max(values)) if values else None


@dataclass(frozen=True)
class Line:
    """One question. *better* is +1 where more is better, -1 where less is, 0 where neither."""

    name: str
    unit: str
    better: int
    values: Callable[[Cell], list[float]]

    def figure(self, cell: Cell) -> Figure | None:
        return Figure.of(self.values(cell))


def lines() -> list[Line]:
    """Every question in the order in which it is answered."""
    return [
        Line("acknowledged, nobody reads", "/s", 1, _rate("acknowledged")),
        Line("delivered, closed loop", "/s", 1, _rate("delivered")),
        *(_latency("steady", "at the steady rate", share) for share in _SHARES),
        Line("half of its own maximum", "/s", 0, _rate("half")),
        *(_latency("half", "at half of its maximum", share) for share in _SHARES),
        Line("sign-ins", "/s", 1, _rate("logins")),
        Line("CPU a message acknowledged", "µs", -1, _cpu("acknowledged")),
        Line("CPU a message delivered", "µs", -1, _cpu("delivered")),
        Line("  of it PostgreSQL", "µs", -1, _database_cpu),
        Line("CPU of the load tool a message delivered", "µs", 0, _tool("delivered")),
        Line("memory idle", "MiB", -1, lambda cell: [run.idle_mib for run in cell.hot]),
        Line("memory loaded", "MiB", -1, _phase("delivered", lambda f: f.resident_mib)),
        Line("  PostgreSQL loaded, beside it", "MiB", -1, _database),
        Line("start to the first answer", "s", -1, lambda c: [run.start_seconds for run in c.hot]),
        Line("stored a message beyond its text", "B", -1, _stored),
        Line("cold: acknowledged", "/s", 1, lambda cell: [run.found.rate for run in cell.cold]),
        Line("cold: CPU a message", "µs", -1, _cold_cpu),
        Line("cold: stored a message beyond its text", "B", -1, _cold_stored),
        Line("making a conversation of two", "/s", 1, _made_rate),
        Line("stored a conversation made", "B", -1, _made_bytes),
    ]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that *share* of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _phase(name: str, take: Callable[[Found], float]) -> Callable[[Cell], list[float]]:
    def values(cell: Cell) -> list[float]:
        return [take(found) for run in cell.hot for found in _named(run, name)]

    return values


def _named(run: Hot, name: str) -> list[Found]:
    return [found for found in run.phases if found.phase == name and found.count]


def _rate(name: str) -> Callable[[Cell], list[float]]:
    return _phase(name, lambda found: found.rate)


def _cpu(name: str) -> Callable[[Cell], list[float]]:
    return _phase(name, lambda found: found.server_us + found.database_us)


def _tool(name: str) -> Callable[[Cell], list[float]]:
    return _phase(name, lambda found: found.tool_us)


def _latency(phase: str, words: str, share: float) -> Line:
    return Line(
        f"p{round(share * 100)} {words}",
        "ms",
        -1,
        _phase(phase, lambda found: percentile(found.latencies, share)),
    )


def _database(cell: Cell) -> list[float]:
    found = _phase("delivered", lambda one: one.database_mib)(cell)
    return found if any(found) else []


def _database_cpu(cell: Cell) -> list[float]:
    found = _phase("delivered", lambda one: one.database_us)(cell)
    return found if any(found) else []


def _stored(cell: Cell) -> list[float]:
    return [run.bytes_per_message for run in cell.hot if run.bytes_per_message is not None]


def _cold_cpu(cell: Cell) -> list[float]:
    return [run.found.server_us + run.found.database_us for run in cell.cold]


def _cold_stored(cell: Cell) -> list[float]:
    return [run.bytes_per_message for run in cell.cold]


def _made_rate(cell: Cell) -> list[float]:
    return [cell.made.conversations_per_s] if cell.made is not None else []


def _made_bytes(cell: Cell) -> list[float]:
    return [cell.made.bytes_per_conversation] if cell.made is not None else []
