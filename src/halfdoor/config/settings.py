"""The settings as a list: names, kinds, defaults and explanations read off the model."""

from collections.abc import Iterator
from types import NoneType
from typing import Any, get_args, get_type_hints

import msgspec
from msgspec import Meta

from halfdoor.config.model import Config
from halfdoor.config.section import Section


class Setting(msgspec.Struct, frozen=True):
    """One setting: *name* is dotted, *meaning* the explanation, *default* as TOML would hold it."""

    name: str
    kind: Any
    meaning: str
    default: Any

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "HALFDOOR_" + self.name.replace(".", "_").upper()

    @property
    def is_list(self) -> bool:
        """True where the environment gives a list, separated by commas."""
        return isinstance(self.default, list)


class Table(msgspec.Struct, frozen=True):
    """One table of the file (name "" for the top): its explanation and its own settings."""

    name: str
    meaning: str
    settings: tuple[Setting, ...]


def tables() -> list[Table]:
    """All tables in the order of the model, each before the tables inside it."""
    return list(_tables(Config, Config(), "", Config.__doc__ or ""))


def settings() -> list[Setting]:
    """All settings in the order of the model."""
    return [setting for table in tables() for setting in table.settings]


def _tables(section: type[Section], filled: Section, name: str, meaning: str) -> Iterator[Table]:
    own: list[Setting] = []
    deeper: list[Table] = []
    hints = get_type_hints(section, include_extras=True)
    for field in msgspec.structs.fields(section):
        dotted = f"{name}.{field.name}" if name else field.name
        kind, explained = _unwrap(hints[field.name])
        value = getattr(filled, field.name)
        if isinstance(value, Section):
            about = explained or type(value).__doc__ or ""
            deeper.extend(_tables(type(value), value, dotted, about))
        else:
            own.append(Setting(dotted, kind, explained, _plain(value)))
    yield Table(name, meaning, tuple(own))
    yield from deeper


def _unwrap(hint: Any) -> tuple[Any, str]:
    described = [each for each in getattr(hint, "__metadata__", ()) if isinstance(each, Meta)]
    meaning = next((each.description for each in described if each.description), "")
    kind = hint.__origin__ if described else hint
    arguments = [each for each in get_args(kind) if each is not NoneType]
    if NoneType in get_args(kind) and len(arguments) == 1:
        kind = arguments[0]
    return kind, meaning


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value, enc_hook=str)
