"""Which messages notify a person, and how loudly: push rules, compiled and evaluated.

CS-API, "Push notifications". A ruleset is compiled once for an account and asked for every
message it receives: rules that only concern other event types are set aside at compile time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final, NamedTuple

import msgspec

from halfdoor.messaging.powers import Powers
from halfdoor.messaging.pushrules_conditions import (
    Case,
    EventView,
    Test,
    keyword_test,
    literal_of,
    speaks_of_mentions,
    test_of,
)

__all__ = ["SILENT", "Compiled", "EventView", "Verdict", "compile_rules", "evaluate"]

KINDS: Final = ("override", "content", "room", "sender", "underride")

# Deprecated since v1.7: they only speak for events whose sender says nothing of mentions.
_WITHOUT_MENTIONS: Final = frozenset(
    {".m.rule.contains_display_name", ".m.rule.roomnotif", ".m.rule.contains_user_name"}
)


class Verdict(NamedTuple):
    """What the first matching rule says. `highlight` and `tweaks` mean nothing without `notify`."""

    notify: bool
    highlight: bool
    sound: str | None
    tweaks: Mapping[str, Any]


SILENT: Final = Verdict(notify=False, highlight=False, sound=None, tweaks={})

# Nearly every event is of one of these kinds (`EventView.kind`), so the rules and the conditions
# that concern them are picked out beforehand.
_COMMON: Final = [
    (event_type, mentions)
    for event_type in ("m.room.message", "m.room.encrypted")
    for mentions in (False, True)
]

# A run of rules: what the first that matches says, or None where none does.
_Step = Callable[[Case], Verdict | None]


class Compiled(msgspec.Struct, frozen=True):
    """A ruleset made ready to be asked: the steps in order, for the commonest kinds and for all."""

    by_kind: Mapping[tuple[str, bool], tuple[_Step, ...]]
    otherwise: tuple[_Step, ...]


class _Rule(NamedTuple):
    """A rule that can match at all.

    `types` are the lowered event types it demands, none where any will do; `mentions` says whether
    the event must speak of mentions, or must not; `kinds` are the tests of both, `tests` the
    others. `room_id` is set where that room is all it demands: muted rooms are such rules, and
    there may be hundreds.
    """

    types: frozenset[str]
    mentions: frozenset[bool]
    room_id: str | None
    kinds: tuple[Test, ...]
    tests: tuple[Test, ...]
    verdict: Verdict


def compile_rules(ruleset: Mapping[str, Any]) -> Compiled:
    """Make *ruleset*, the JSON of GET /pushrules/, ready for `evaluate`.

    Disabled rules and rules that can never match are dropped; a malformed condition is such that
    its rule cannot.
    """
    rules = ruleset.get("global", {})
    live = {kind: [rule for rule in rules.get(kind, ()) if _is_live(rule)] for kind in KINDS}
    override = [*_conditional(live["override"])]
    content = [*_content(live["content"])]
    underride = [*_conditional(live["underride"])]
    by_room = _by_id(live["room"], lambda case: case.event.room_id)
    by_sender = _by_id(live["sender"], lambda case: case.event.sender)

    def steps(kind: tuple[str, bool] | None) -> tuple[_Step, ...]:
        return (
            *_steps(override, kind),
            *_steps(content, kind),
            *by_room,
            *by_sender,
            *_steps(underride, kind),
        )

    return Compiled({kind: steps(kind) for kind in _COMMON}, steps(None))


def evaluate(
    compiled: Compiled,
    event: EventView,
    *,
    member_count: int,
    display_name: str | None,
    powers: Powers,
    user_id: str,
) -> Verdict:
    """Say whether *event* notifies *user_id*, whose rules *compiled* are.

    *member_count* counts who has joined; *display_name* is the user's own in the room. One's own
    events never notify. The first rule that matches decides; where none does, silence.
    """
    if event.sender == user_id:
        return SILENT
    case = Case(event, member_count, display_name, powers)
    for step in compiled.by_kind.get(event.kind, compiled.otherwise):
        verdict = step(case)
        if verdict is not None:
            return verdict
    return SILENT


def verdict_of(actions: object) -> Verdict:
    """Read a rule's actions. The historical `dont_notify` and `coalesce` say nothing."""
    if not isinstance(actions, list) or "notify" not in actions:
        return SILENT
    tweaks: dict[str, Any] = {}
    for action in actions:
        if isinstance(action, dict) and isinstance(name := action.get("set_tweak"), str):
            # A highlight without a value is a highlight.
            default = True if name == "highlight" else None
            tweaks[name] = action.get("value", default)
    sound = tweaks.get("sound")
    return Verdict(
        notify=True,
        highlight=tweaks.get("highlight") is True,
        sound=sound if isinstance(sound, str) else None,
        tweaks=tweaks,
    )


def _is_live(rule: object) -> bool:
    return isinstance(rule, dict) and rule.get("enabled", True) is True


def _conditional(rules: Iterable[Mapping[str, Any]]) -> Iterator[_Rule]:
    for rule in rules:
        conditions = rule.get("conditions", [])
        if not isinstance(conditions, list):
            continue
        tests = [(condition, test_of(condition)) for condition in conditions]
        if any(test is None for _, test in tests):
            continue
        types = frozenset(filter(None, (literal_of(one, "type") for one in conditions)))
        old = rule.get("rule_id") in _WITHOUT_MENTIONS
        speaking = any(speaks_of_mentions(one) for one in conditions)
        yield _Rule(
            types=types,
            mentions=frozenset(([False] if old else []) + ([True] if speaking else [])),
            room_id=literal_of(conditions[0], "room_id") if len(conditions) == 1 else None,
            kinds=(
                *([_says_nothing_of_mentions] if old else []),
                *(test for one, test in tests if test and literal_of(one, "type")),
            ),
            tests=tuple(test for one, test in tests if test and not literal_of(one, "type")),
            verdict=verdict_of(rule.get("actions")),
        )


def _content(rules: Iterable[Mapping[str, Any]]) -> Iterator[_Rule]:
    for rule in rules:
        if isinstance(pattern := rule.get("pattern"), str):
            old = rule.get("rule_id") in _WITHOUT_MENTIONS
            yield _Rule(
                types=frozenset(),
                mentions=frozenset([False] if old else []),
                room_id=None,
                kinds=(_says_nothing_of_mentions,) if old else (),
                tests=(keyword_test(pattern),),
                verdict=verdict_of(rule.get("actions")),
            )


def _says_nothing_of_mentions(case: Case) -> bool:
    return not case.event.kind[1]


def _by_id(rules: Iterable[Mapping[str, Any]], name: Callable[[Case], str]) -> list[_Step]:
    """Make room or sender rules one step: the rule's id is all there is to match."""
    verdicts: dict[str, Verdict] = {}
    for rule in rules:
        verdicts.setdefault(rule.get("rule_id", ""), verdict_of(rule.get("actions")))
    return [lambda case: verdicts.get(name(case))] if verdicts else []


def _steps(rules: Iterable[_Rule], kind: tuple[str, bool] | None) -> Iterator[_Step]:
    """Give the steps for events of *kind*, or for events of any.

    Rules that are about a room alone and follow each other become one look-up, so that muting
    many rooms costs no more than muting one.
    """
    concerned = (
        rule
        for rule in rules
        if not kind or (rule.types <= {kind[0]} and rule.mentions <= {kind[1]})
    )
    for is_room, run in groupby(concerned, key=lambda rule: rule.room_id is not None):
        if is_room:
            yield _room_step(run)
        else:
            # What every event of the kind fulfils need not be asked of each.
            yield _run_step(
                (rule.tests if kind else (*rule.kinds, *rule.tests), rule.verdict) for rule in run
            )


def _room_step(run: Iterable[_Rule]) -> _Step:
    verdicts: dict[str | None, Verdict] = {}
    for rule in run:
        verdicts.setdefault(rule.room_id, rule.verdict)
    return lambda case: verdicts.get(case.event.room_id.lower())


def _run_step(run: Iterable[tuple[tuple[Test, ...], Verdict]]) -> _Step:
    rules = tuple(run)

    def step(case: Case) -> Verdict | None:
        for tests, verdict in rules:
            for test in tests:
                if not test(case):
                    break
            else:
                return verdict
        return None

    return step
