"""Numbers for Prometheus: requests by route template, and what other rooms let us read."""

import bisect
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

# Seconds. Long polls end in the last ones, so they are told apart by their route.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class _Answers:
    """What one route answered: how often with which status, and how long it took in all."""

    __slots__ = ("counts", "seconds", "times")

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.times = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0


class RequestNumbers(Collector):
    """Counts and times of requests. Counting is two list writes; Prometheus sees it on demand."""

    def __init__(self) -> None:
        self._routes: dict[tuple[str, str], _Answers] = {}

    def count(self, method: str, template: str, status: int, seconds: float) -> None:
        """One request of *template* (never a path: paths hold ids) was answered."""
        route = (method, template)
        answers = self._routes.get(route)
        if answers is None:
            answers = self._routes[route] = _Answers()
        answers.counts[status] = answers.counts.get(status, 0) + 1
        answers.times[bisect.bisect_left(BOUNDS, seconds)] += 1
        answers.seconds += seconds

    def collect(self) -> Iterable[Metric]:
        """Two families: a counter with status, a histogram without."""
        counts = CounterMetricFamily(
            "halfdoor_requests", "Requests answered", labels=("method", "route", "status")
        )
        for route, answers in self._routes.items():
            for status, number in answers.counts.items():
                counts.add_metric((*route, str(status)), number)
        yield counts
        times = HistogramMetricFamily(
            "halfdoor_request_seconds", "Time to answer", labels=("method", "route")
        )
        for route, answers in self._routes.items():
            total = 0
            cumulated: list[tuple[str, float]] = []
            for bound, number in zip((*map(str, BOUNDS), "+Inf"), answers.times, strict=True):
                total += number
                cumulated.append((bound, total))
            times.add_metric(route, cumulated, answers.seconds)
        yield times


_Family = type[GaugeMetricFamily] | type[CounterMetricFamily]


class Gauges(Collector):
    """Values that other rooms compute when asked: sessions in the keyring, rows in batches."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[str, Callable[[], float], _Family]] = {}

    def add(self, name: str, meaning: str, read: Callable[[], float]) -> None:
        """Show what *read* returns as `halfdoor_<name>`; ValueError for a name in use."""
        self._add(name, meaning, read, GaugeMetricFamily)

    def add_total(self, name: str, meaning: str, read: Callable[[], float]) -> None:
        """The same for a value that only grows; Prometheus sees it as `halfdoor_<name>_total`."""
        self._add(name, meaning, read, CounterMetricFamily)

    def _add(self, name: str, meaning: str, read: Callable[[], float], family: _Family) -> None:
        if name in self._read:
            raise ValueError(f"{name} is shown already")
        self._read[name] = (meaning, read, family)

    def collect(self) -> Iterable[Metric]:
        """One family for each value."""
        for name, (meaning, read, family) in self._read.items():
            yield family(f"halfdoor_{name}", meaning, value=read())


class Metrics:
    """One server's numbers, in a registry of its own (two servers may share a test process)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = RequestNumbers()
        self.gauges = Gauges()
        self.registry.register(self.requests)
        self.registry.register(self.gauges)
        ProcessCollector(registry=self.registry)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)
