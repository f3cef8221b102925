"""What a crash run is judged by: values in, findings out (SCALE §7.4).

A text is known by its mark, `SENDER NUMBER`: each sender numbers what it writes into one
conversation, and writes the next only after the last was acknowledged.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import NamedTuple, Self


class Seen(NamedTuple):
    """One text as somebody received it."""

    event_id: str
    mark: str


@dataclass(frozen=True)
class Story:
    """One conversation: what was acknowledged, what each reader saw in order, what is kept.

    `acknowledged` gives the event id that each mark's sender was told; `kept` is the whole history
    as a fresh session reads it, oldest first.
    """

    acknowledged: Mapping[str, str]
    readers: Mapping[str, Sequence[Seen]]
    kept: Sequence[Seen]


@dataclass(frozen=True)
class Verdict:
    """Findings, one sentence each; a run that kept every promise has none of any kind."""

    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    disordered: tuple[str, ...] = ()
    invented: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many findings there are of each kind."""
        return {one.name: len(getattr(self, one.name)) for one in fields(self)}

    @property
    def is_clean(self) -> bool:
        """Nothing was found."""
        return not any(self.counts.values())

    @classmethod
    def of_all(cls, verdicts: Iterable["Verdict"]) -> Self:
        """Return the findings of many conversations together."""
        given = list(verdicts)
        return cls(
            **{
                one.name: tuple(f for v in given for f in getattr(v, one.name))
                for one in fields(cls)
            }
        )

    def __str__(self) -> str:
        said = ", ".join(f"{kind} {count}" for kind, count in self.counts.items())
        some = [finding for one in fields(self) for finding in getattr(self, one.name)[:5]]
        return "\n  ".join([said, *some])


def judge(name: str, story: Story) -> Verdict:
    """Return what is wrong with *story*, the conversation called *name*."""
    kept = {seen.event_id: seen.mark for seen in story.kept}
    told = {event_id: mark for mark, event_id in story.acknowledged.items()}
    place = {seen.event_id: number for number, seen in enumerate(story.kept)}
    return Verdict(
        lost=tuple(
            f"{name}: {mark} was acknowledged as {event_id} and is not kept"
            for event_id, mark in told.items()
            if kept.get(event_id) != mark
        ),
        doubled=tuple(
            f"{name}: {who} has {what} {count} times"
            for who, seen in [("the history", story.kept), *story.readers.items()]
            for what, count in _repeated(seen)
        ),
        skipped=tuple(
            f"{name}: {reader} never saw {mark}"
            for reader, seen in story.readers.items()
            for mark in _missing(kept, seen)
        ),
        disordered=(
            *_writers_out_of_order(name, story.kept),
            *(
                f"{name}: {reader} saw {later.mark} before {sooner.mark}"
                for reader, seen in story.readers.items()
                for later, sooner in _inversions(seen, place)
            ),
        ),
        invented=tuple(
            f"{name}: {who} has {seen.mark} as {seen.event_id}, which nobody was told"
            for who, many in [("the history", story.kept), *story.readers.items()]
            for seen in many
            if told.get(seen.event_id) != seen.mark
        ),
    )


def _repeated(seen: Sequence[Seen]) -> list[tuple[str, int]]:
    """Marks, and event ids, that are there more than once."""
    counted = Counter(one.mark for one in seen) + Counter(one.event_id for one in seen)
    return [(what, count) for what, count in counted.items() if count > 1]


def _missing(kept: Mapping[str, str], seen: Sequence[Seen]) -> list[str]:
    got = {one.event_id for one in seen}
    return [mark for event_id, mark in kept.items() if event_id not in got]


def _inversions(seen: Sequence[Seen], place: Mapping[str, int]) -> list[tuple[Seen, Seen]]:
    """Neighbours in *seen* that stand the other way round in the history."""
    known = [one for one in seen if one.event_id in place]
    return [
        (first, second)
        for first, second in pairwise(known)
        if place[first.event_id] > place[second.event_id]
    ]


def _writers_out_of_order(name: str, kept: Sequence[Seen]) -> list[str]:
    """Every writer's texts stand in the order in which they were written."""
    found, newest = [], dict[str, int]()
    for one in kept:
        writer, _, number = one.mark.rpartition(" ")
        if int(number) < newest.get(writer, -1):
            found.append(f"{name}: {one.mark} stands after {writer} {newest[writer]}")
        newest[writer] = int(number)
    return found
