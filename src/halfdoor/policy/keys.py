"""The keys that a policy file may hold, read from the schema so that nothing lists them twice."""

from collections.abc import Iterator
from enum import Enum
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
import msgspec.structs

from halfdoor.policy.review import Part


class Key(msgspec.Struct, frozen=True):
    """One key of a section: its name in files, the type of its value, and its explanation."""

    name: str
    kind: Any
    meaning: str

    @property
    def is_section(self) -> bool:
        """Whether the key holds further keys and no value of its own."""
        return isinstance(self.kind, type) and issubclass(self.kind, Part)

    @property
    def item(self) -> type[Part] | None:
        """What each entry is, where the key holds a list of tables; else nothing."""
        kinds = get_args(self.kind) if get_origin(self.kind) is tuple else ()
        return next((one for one in kinds if isinstance(one, type) and issubclass(one, Part)), None)

    @property
    def choices(self) -> list[str]:
        """The words that the value may be, where it is one of a few; else nothing."""
        if isinstance(self.kind, type) and issubclass(self.kind, Enum):
            return [str(choice.value) for choice in self.kind]
        kinds = [self.kind, *get_args(self.kind)]
        return [str(word) for one in kinds if get_origin(one) is Literal for word in get_args(one)]


def keys_of(section: type[Part]) -> dict[str, Key]:
    """Return the keys of *section* by their names in files, in the order of the schema."""
    return {field.encode_name: _key(field) for field in msgspec.structs.fields(section)}


def _key(field: msgspec.structs.FieldInfo) -> Key:
    kind, *notes = get_args(field.type) if get_origin(field.type) is Annotated else (field.type,)
    said = (note.description for note in notes if isinstance(note, msgspec.Meta))
    return Key(field.encode_name, kind, " ".join(text for text in said if text))


def every_key(section: type[Part], where: str = "") -> Iterator[Key]:
    """Yield each key below *section* that holds a value, its name written out with dots."""
    for key in keys_of(section).values():
        name = f"{where}{key.name}"
        if key.is_section:
            yield from every_key(key.kind, f"{name}.")
        else:
            yield Key(name, key.kind, key.meaning)


def find_key(section: type[Part], name: str) -> Key | None:
    """Return the key called *name* (dots between sections) below *section*, or None.

    Where an entry of a list is named, `reasons[3].rank`, its number does not matter.
    """
    first, dot, rest = name.partition(".")
    key = keys_of(section).get(first.partition("[")[0])
    if key is None or not dot:
        return key
    below = key.item or (key.kind if key.is_section else None)
    return find_key(below, rest) if below is not None else None
