"""Choices as the console's form holds them, and as the desk decides by them. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

from halfdoor.readers.review.choices import TIMED, Choice, Decision
from halfdoor.readers.review.choices import Action as Step
from halfdoor.readers.review.decisions import Options
from halfdoor.readers.review.errors import ChoiceRefusedError
from halfdoor.readers.review.records import Evidence
from halfdoor.safety.measures import DAY_MS, Kind
from halfdoor.web.console.values import Action
from halfdoor.web.console.values import Choice as Chosen

# What the form calls each rung, and what it does in a sentence.
RUNGS: Final[dict[Kind, tuple[str, str]]] = {
    Kind.LABEL: ("Label", "A mark for the desk alone; nobody else sees it."),
    Kind.REMOVE_MESSAGE: ("Remove messages", "For everybody who has them."),
    Kind.WARNING: ("Warn", "They are told which rule it is about, and nothing else changes."),
    Kind.NO_NEW_CONVERSATIONS: ("No new conversations", "Chats that exist go on."),
    Kind.NO_MEDIA: ("No media", "Words only."),
    Kind.NO_MINORS: ("No contact with minors", "Chats with minors that exist are cut too."),
    Kind.SUSPENDED: ("Suspend", "They can read and leave, and nothing else."),
    Kind.TERMINATED: ("End the account", "For good. They can contest it."),
}


def actions_of(options: Options) -> list[Action]:
    """Return what the form offers, mildest first, whatever the rule will be."""
    kinds = {kind for offer in options.offers for kind in offer.kinds}
    return [
        Action(
            key=kind.value,
            title=title,
            words=words,
            timed=kind in TIMED,
            severe=options.minor or kind is Kind.TERMINATED,
        )
        for kind, (title, words) in RUNGS.items()
        if kind in kinds
    ]


def choice_of(chosen: Chosen, evidence: Sequence[Evidence]) -> Choice:
    """Return what a form chose as the desk takes it; `ChoiceRefusedError` for what is none."""
    steps: list[Step] = []
    for key in chosen.measures:
        if key not in set(Kind):
            raise ChoiceRefusedError("There is no such action.")
        kind = Kind(key)
        if kind is Kind.REMOVE_MESSAGE:
            steps += _removals(chosen, evidence)
        elif kind is Kind.LABEL:
            steps.append(Step(kind=kind, scope=chosen.label))
        else:
            steps.append(Step(kind=kind, days=chosen.days if kind in TIMED else None))
    return Choice(
        reason=chosen.reason,
        actions=tuple(steps),
        facts=chosen.facts,
        strike=chosen.strike,
        refer=chosen.refer,
        reports=chosen.reports,
    )


def _removals(chosen: Chosen, evidence: Sequence[Evidence]) -> list[Step]:
    removed = {
        (one.room, one.event_id): Step(kind=Kind.REMOVE_MESSAGE, scope=one.event_id, room=one.room)
        for one in evidence
        if one.id in chosen.items
    }
    if not removed:
        raise ChoiceRefusedError("Choose which messages are removed.")
    return list(removed.values())


def chosen_of(choice: Choice, evidence: Sequence[Evidence]) -> Chosen:
    """Return a choice as the console shows it."""
    gone = {(one.room, one.scope) for one in choice.actions if one.kind is Kind.REMOVE_MESSAGE}
    labels = [one.scope for one in choice.actions if one.kind is Kind.LABEL]
    return Chosen(
        reason=choice.reason,
        measures=tuple(dict.fromkeys(one.kind.value for one in choice.actions)),
        days=next((one.days for one in choice.actions if one.days is not None), None),
        label=labels[0] if labels else "",
        items=tuple(one.id for one in evidence if (one.room, one.event_id) in gone),
        facts=choice.facts,
        strike=choice.strike,
        refer=choice.refer,
        reports=choice.reports,
    )


def original_of(decision: Decision, evidence: Sequence[Evidence]) -> Chosen:
    """Return what was decided as the console shows it."""
    return chosen_of(
        Choice(
            reason=decision.reason,
            actions=tuple(
                Step(
                    kind=one.kind, days=_days(one.starts, one.ends), scope=one.scope, room=one.room
                )
                for one in decision.measures
            ),
            facts=decision.facts,
            strike=decision.strike,
            refer=decision.refer,
        ),
        evidence,
    )


def in_words(choice: Choice) -> str:
    """Return what a choice does, as a heading."""
    return _said([(one.kind, one.days) for one in choice.actions], refer=choice.refer)


def done_by(decision: Decision | None) -> str:
    """Return what a decision did, as a heading."""
    if decision is None:
        return ""
    steps = [(one.kind, _days(one.starts, one.ends)) for one in decision.measures]
    return _said(steps, refer=decision.refer)


def _said(steps: Iterable[tuple[Kind, int | None]], *, refer: bool) -> str:
    said = [
        RUNGS[kind][0] + (f", {days} day{'s' if days != 1 else ''}" if days is not None else "")
        for kind, days in dict.fromkeys(steps)
    ]
    if refer:
        said.append("Report to the authorities")
    return "; ".join(said) or "The report did not hold"


def _days(starts: int, ends: int | None) -> int | None:
    return None if ends is None else round((ends - starts) / DAY_MS)
