"""Reported messages as lines that nobody's words can imitate."""

from collections.abc import Iterable
from datetime import UTC, datetime

from halfdoor.readers.review.cyber_tip_facts import Exhibit, Sealed
from halfdoor.readers.review.xml_text import can_carry, xml_text


def transcript(exhibits: Iterable[Exhibit]) -> str:
    """Return the messages in the order of time: a heading for each, its words behind `> `.

    No line of a message begins like a heading, so no message can make up another.
    """
    ordered = sorted(exhibits, key=lambda one: (one.at, one.event_id))
    return "\n\n".join(f"{_heading(one)}\n{_quoted(one.text)}" for one in ordered)


def sealed_lines(exhibits: Iterable[Exhibit], sealed: Iterable[Sealed]) -> str:
    """Return what is to be said about the messages: what was viewed, and what was not."""
    seen, unseen = list(exhibits), sorted(sealed, key=lambda one: (one.at, one.event_id))
    lines = []
    if seen:
        lines.append(
            f"{len(seen)} reported message(s) were each viewed by a person of our staff before this"
            " report was made, which our log records; they stand in the content above."
        )
    else:
        lines.append("No reported message was viewed by a person of our staff.")
    if any(not can_carry(one.text) for one in seen):
        lines.append("Characters that XML 1.0 cannot carry are written as [U+XXXX].")
    if unseen:
        lines.append(
            f"{len(unseen)} further reported message(s) are preserved. No person of ours viewed"
            " them; they were not opened for this report:"
        )
        lines += [f"- {_time(one.at)} from {one.sender}, event {one.event_id}" for one in unseen]
    return xml_text("\n".join(lines))


def _heading(one: Exhibit) -> str:
    proof = "checked against what was stored" if one.verified else "NOT verified"
    return xml_text(f"{_time(one.at)} from {one.sender}, {one.type}, event {one.event_id}, {proof}")


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in xml_text(text).split("\n"))


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
