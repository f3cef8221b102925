"""A policy said in words: every row with its value and what that means."""

from collections.abc import Iterator, Mapping
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
    """Yield every row of *policy*, in the order of the schema; of a list of tables one for each."""
    values = msgspec.to_builtins(policy)
    for key in every_key(Policy):
        value = _value_at(values, key.name)
        if key.item is None or not value:
            yield Row(key.name, _spelled(value), key.meaning)
        else:
            for at, entry in enumerate(value):
                about = f"{key.meaning} {entry.get('title', '')}".strip()
                yield Row(f"{key.name}[{at}]", _spelled(entry), about)


def spelled(policy: Policy, key: str) -> str:
    """Return the row *key* of *policy* as a file would spell it; `KeyError` where there is none."""
    return f"{key} = {_spelled(_value_at(msgspec.to_builtins(policy), key))}"


def _value_at(values: Any, key: str) -> Any:
    for name in key.split("."):
        values = values[name]
    return values


def _spelled(value: Any) -> str:
    if isinstance(value, Mapping):
        within = (f"{key} = {_spelled(one)}" for key, one in value.items() if one is not None)
        return "{" + ", ".join(within) + "}"
    # Strings, numbers and lists look in TOML as they do in JSON; TOML has no word for "absent".
    return "(not set)" if value is None else msgspec.json.encode(value).decode()
