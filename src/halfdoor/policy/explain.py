"""A policy said in words: every row with its value and what that means."""

from collections.abc import Iterator
from typing import Any

import msgspec

from halfdoor.policy.keys import every_key
from halfdoor.policy.model import Policy


class Row(msgspec.Struct, frozen=True):
    """One row of a policy: its key and value as a file spells them, and its explanation."""

    key: str
    value: str
    meaning: str


def rows(policy: Policy) -> Iterator[Row]:
    """Yield every row of *policy*, in the order of the schema."""
    values = msgspec.to_builtins(policy)
    for key in every_key(Policy):
        yield Row(key.name, _spelled(_value_at(values, key.name)), key.meaning)


def spelled(policy: Policy, key: str) -> str:
    """Return the row *key* of *policy* as a file would spell it; `KeyError` where there is none."""
    return f"{key} = {_spelled(_value_at(msgspec.to_builtins(policy), key))}"


def _value_at(values: Any, key: str) -> Any:
    for name in key.split("."):
        values = values[name]
    return values


def _spelled(value: Any) -> str:
    # Strings, numbers and lists look in TOML as they do in JSON; TOML has no word for "absent".
    return "(not set)" if value is None else msgspec.json.encode(value).decode()
