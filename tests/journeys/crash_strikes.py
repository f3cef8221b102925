"""Kills at random instants under load; one that tore no send does not count and is done again."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.journeys import dying_node
from tests.journeys.crash_town import Traffic
from tests.journeys.light_load import until
from tests.journeys.node_process import Node, module_environment

_LATEST_SECONDS = 0.3
_AGAIN = 20
_PATIENCE_SECONDS = 240.0


@dataclass(frozen=True)
class Victim:
    """A process that can die. `strike` kills at once; `revive` returns when it serves again.

    `tears` is whether a send that was under way must see it: the death of a message bus is
    noticed by no sender.
    """

    name: str
    strike: Callable[[], None]
    revive: Callable[[], None]
    tears: bool = True


@dataclass
class Strikes:
    """What was killed how often, with how many sends unanswered each time."""

    counted: Counter[str] = field(default_factory=Counter)
    unanswered: list[int] = field(default_factory=list)
    done_again: int = 0
    away: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} of {name}" for name, count in sorted(self.counted.items()))
        return (
            f"{sum(self.counted.values())} kills ({kinds}), {min(self.unanswered, default=0)} to"
            f" {max(self.unanswered, default=0)} sends unanswered each, {self.done_again} done"
            f" again, longest outage {max(self.away, default=0):.1f} s"
        )


async def strike_often(
    traffic: Traffic, victims: Sequence[Victim], kills: int, *, seed: int = 0
) -> Strikes:
    """Kill *victims* in turn until *kills* of them counted; the instants are drawn from *seed*."""
    done, instants = Strikes(), random.Random(seed)
    for _ in range(4 * kills):
        if len(done.unanswered) == kills:
            return done
        await strike_once(traffic, victims[len(done.unanswered) % len(victims)], done, instants)
    raise AssertionError(f"too few kills tore a send: {done}")


async def die_at_each_step(
    traffic: Traffic, node: Node, steps: Sequence[str], done: Strikes
) -> None:
    """Let *node* kill itself once at each of *steps*, each time after a start of its own."""
    node.kill()
    for step in steps:
        await asyncio.to_thread(
            node.start, program=dying_node.program(step), environment=module_environment()
        )
        await _let_die(traffic, node, step, done)
    await asyncio.to_thread(node.start)


async def _let_die(traffic: Traffic, node: Node, step: str, done: Strikes) -> None:
    """Wait until *node* died at *step* with a send unanswered."""
    ledger = traffic.town.ledger
    dying = asyncio.create_task(asyncio.to_thread(node.wait_dead))
    before = ledger.total
    # What the kill before this start tore has been acknowledged by then, or is torn anew.
    await until(lambda: ledger.total >= before + _AGAIN or dying.done(), traffic.tasks, "more", 240)
    ledger.torn.clear()
    await dying
    await until(lambda: bool(ledger.torn), traffic.tasks, f"a send was torn {step}", 240)
    done.counted[step] += 1
    done.unanswered.append(len(ledger.torn))


async def strike_once(
    traffic: Traffic, victim: Victim, done: Strikes, instants: random.Random
) -> None:
    """Kill *victim* while a send is unanswered, and bring it back."""
    town, ledger = traffic.town, traffic.town.ledger
    before = town.answered()
    await until(
        lambda: all(now > then for now, then in zip(town.answered(), before, strict=True)),
        traffic.tasks,
        f"everybody is served before {victim.name} is killed",
        _PATIENCE_SECONDS,
    )
    await asyncio.sleep(instants.uniform(0, _LATEST_SECONDS))
    await until(lambda: bool(ledger.waiting), traffic.tasks, "a send is under way", 240)
    # No await between the look and the kill: what is unanswered now was not answered.
    waiting = set(ledger.waiting)
    ledger.torn.clear()
    since = time.monotonic()
    victim.strike()
    await asyncio.to_thread(victim.revive)
    done.away.append(time.monotonic() - since)
    unanswered = waiting & ledger.torn if victim.tears else waiting
    if unanswered:
        done.counted[victim.name] += 1
        done.unanswered.append(len(unanswered))
    else:
        done.done_again += 1
