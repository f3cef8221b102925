"""From files to a `Policy`: an entity's own file is laid over the default and checked whole."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec

from halfdoor.policy.errors import PolicyError
from halfdoor.policy.keys import find_key, keys_of
from halfdoor.policy.limits import check_limits
from halfdoor.policy.model import Policy
from halfdoor.policy.review import Part

__all__ = ["PolicyError", "escrow_documents", "load", "policy_from"]

_DEFAULT: Final = "default.toml"
_DEFAULT_REVIEW: Final = "review.toml"
_NEVER: Final = "contact.adult_minor_unconnected"
_WHERE: Final = re.compile(r"^(?P<what>.*) - at `\$\.?(?P<key>.*)`$", re.DOTALL)
_MAX_BYTES: Final = 1_000_000


def load(path: Path | str | None = None) -> Policy:
    """Return the policy of the file at *path* (TOML) laid over the default, or the default alone.

    Raises `PolicyError` naming file, key and reason where the file cannot be read, holds a key
    that does not exist, a value that is none of the choices, or loosens what may not be loosened.
    """
    if path is None:
        return policy_from({}, _DEFAULT)
    file = Path(path)
    try:
        with file.open("rb") as opened:
            raw = opened.read(_MAX_BYTES + 1)
    except OSError as error:
        raise PolicyError(str(file), "", f"cannot be read: {error.strerror}") from error
    return policy_from(_parse(raw, str(file)), str(file))


def policy_from(own: Mapping[str, Any], file: str) -> Policy:
    """Return *own*, the values of an entity's file, laid over the default; errors name *file*."""
    _check_keys(own, Policy, "", file)
    try:
        policy = msgspec.convert(_laid_over(_default(), own), Policy)
    except msgspec.ValidationError as error:
        raise _explained(error, file) from None
    check_limits(policy, file)
    return policy


def escrow_documents(policy: Policy, path: Path | str) -> tuple[Path | None, Path | None]:
    """Return where the documents of the escrow set and the emergency set lie.

    *path* is the policy's own file: relative paths in it start at its folder.
    """
    folder = Path(path).parent
    named = (policy.escrow.set, policy.escrow.emergency_set)
    first, second = (None if name is None else folder / name for name in named)
    return first, second


def _default() -> dict[str, Any]:
    """Return the default policy: two files, since the one about reports is long."""
    first, second = (
        _parse((files("halfdoor.policy") / name).read_bytes(), name)
        for name in (_DEFAULT, _DEFAULT_REVIEW)
    )
    return _laid_over(second, first)


def _parse(raw: bytes, file: str) -> dict[str, Any]:
    if len(raw) > _MAX_BYTES:
        raise PolicyError(file, "", "is larger than a policy can be (1 MB)")
    try:
        return tomllib.loads(raw.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PolicyError(file, "", f"is not TOML: {error}") from None


def _laid_over(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return *under* with each value of *over* in its place; sections merge, lists are replaced."""
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = _laid_over(below, value)
        else:
            merged[key] = value
    return merged


def _meant(word: str, choices: Iterable[str]) -> str:
    """Return the sentence that names the choice nearest to *word*, or all of them."""
    known = sorted(choices)
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else f"it may be: {', '.join(known)}."


def _check_keys(own: Mapping[str, Any], section: type[Part], where: str, file: str) -> None:
    """Refuse a key that *section* does not have, naming the one that was probably meant."""
    known = keys_of(section)
    for name, value in own.items():
        key = known.get(name)
        if key is None:
            hint = _meant(name, known)
            raise PolicyError(file, f"{where}{name}", f"there is no such key; {hint}")
        if key.is_section and isinstance(value, Mapping):
            _check_keys(value, key.kind, f"{where}{name}.", file)
        elif key.item is not None and isinstance(value, list):
            for at, entry in enumerate(value):
                if isinstance(entry, Mapping):
                    _check_keys(entry, key.item, f"{where}{name}[{at}].", file)


def _explained(error: msgspec.ValidationError, file: str) -> PolicyError:
    """Return the refusal of a value, with what the key is for."""
    found = _WHERE.match(str(error))
    if found is None:
        return PolicyError(file, "", str(error))
    name = found["key"]
    if name == _NEVER:
        return PolicyError(file, name, 'it is "never" and no entity may loosen it')
    key = find_key(Policy, name)
    if key is None:
        return PolicyError(file, name, found["what"])
    what = found["what"]
    word = what.partition("'")[2].rstrip("'")
    hint = f"; {_meant(word, key.choices)}" if key.choices else "."
    return PolicyError(file, name, f"{what}{hint} {key.meaning}")
