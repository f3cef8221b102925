"""From a TOML file, the environment and flags to one checked `Config`; later sources win."""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from halfdoor.config.check import check_config
from halfdoor.config.errors import ConfigError
from halfdoor.config.model import Config
from halfdoor.config.settings import Setting, settings

PREFIX: Final = "HALFDOOR_"
# The configuration file itself, and the switch of the long tests: names that are not settings.
RESERVED: Final = frozenset({"HALFDOOR_CONFIG", "HALFDOOR_LONG"})
DEFAULT_FILE: Final = Path("halfdoor.toml")

_CREDENTIAL: Final = "credential:"
_PLACE: Final = re.compile(r" - at `\$\.?(.*)`$")


def find_file(given: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The file to read: *given*, or `HALFDOOR_CONFIG`, or `halfdoor.toml` here if there is one."""
    if given is not None:
        return given
    named = environ.get("HALFDOOR_CONFIG")
    if named:
        return Path(named)
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def load(
    file: Path | None,
    *,
    environ: Mapping[str, str],
    flags: Mapping[str, Any] | None = None,
    base: Path | None = None,
) -> Config:
    """The configuration of *file* (or the defaults), then `HALFDOOR_*`, then *flags*.

    *flags* go by dotted setting names; None means not given. Relative paths start at the file's
    folder when they stand in the file, else at *base* (here). ConfigError says what to mend.
    """
    here = (base or Path.cwd()).absolute()
    home = here if file is None else file.absolute().parent
    known = {setting.name: setting for setting in settings()}
    values = {name: one.default for name, one in known.items() if one.default is not None}
    _take(values, values, known, home, environ)
    if file is not None:
        given = dict(_flatten(_read(file), ""))
        _check_names(given, known)
        _take(values, given, known, home, environ)
    _take(values, _from_environ(known, environ), known, here, environ)
    chosen = {name: value for name, value in (flags or {}).items() if value is not None}
    _check_names(chosen, known)
    _take(values, chosen, known, here, environ)
    config = _convert(_nest(values), known)
    check_config(config)
    return config


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_bytes().decode())
    except OSError as error:
        raise ConfigError("", f"{file} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        where = re.search(r"line \d+", str(error))
        raise ConfigError("", f"{file} is not TOML{f', {where[0]}' if where else ''}.") from None


def _flatten(table: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{name}.")
        else:
            yield name, value


def _check_names(given: Mapping[str, Any], known: Mapping[str, Setting]) -> None:
    for name in given:
        if name not in known:
            raise ConfigError(name, f"there is no such setting.{_hint(name, list(known))}")


def _hint(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if not near:
        # `jwks_url` at the top is most likely `jwt.jwks_url`.
        near = [each for each in known if each.rpartition(".")[2] == name.rpartition(".")[2]][:1]
    return f" Did you mean {near[0]}?" if near else " `halfdoor init` writes a file with all."


def _from_environ(known: Mapping[str, Setting], environ: Mapping[str, str]) -> dict[str, Any]:
    variables = {setting.variable: setting for setting in known.values()}
    found: dict[str, Any] = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable in RESERVED:
            continue
        setting = variables.get(variable)
        if setting is None:
            hint = _hint(variable, list(variables))
            raise ConfigError(variable, f"there is no such variable.{hint}")
        found[setting.name] = _from_text(setting, text)
    return found


def _from_text(setting: Setting, text: str) -> Any:
    if setting.is_list:
        return [each.strip() for each in text.split(",") if each.strip()]
    if setting.kind is bool and text.lower() in {"yes", "on"}:
        return True
    if setting.kind in {bool, int, float}:
        try:
            return msgspec.convert(text, setting.kind, strict=False)
        except msgspec.ValidationError:
            kind = {bool: "true or false", int: "a whole number", float: "a number"}[setting.kind]
            raise ConfigError(setting.variable, f"it must be {kind}.") from None
    return text


def _take(
    values: dict[str, Any],
    given: Mapping[str, Any],
    known: Mapping[str, Setting],
    home: Path,
    environ: Mapping[str, str],
) -> None:
    """Lay *given* over *values*, with its paths made absolute."""
    for name, value in list(given.items()):
        setting = known[name]
        if setting.kind is Path and isinstance(value, str | Path):
            values[name] = str(_path(setting, str(value), home, environ))
        else:
            values[name] = value


def _path(setting: Setting, text: str, home: Path, environ: Mapping[str, str]) -> Path:
    if "\n" in text or "-----BEGIN" in text:
        raise ConfigError(setting.name, "give the path of a file, never the secret itself.")
    if not text.startswith(_CREDENTIAL):
        return home / Path(text).expanduser()
    folder = environ.get("CREDENTIALS_DIRECTORY")
    name = text.removeprefix(_CREDENTIAL)
    if not folder:
        raise ConfigError(setting.name, "there are no systemd credentials here (LoadCredential=).")
    if not name or "/" in name or name.startswith("."):
        raise ConfigError(setting.name, "a credential has a plain name.")
    return Path(folder) / name


def _nest(values: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in values.items():
        *above, last = name.split(".")
        table = nested
        for each in above:
            table = table.setdefault(each, {})
        table[last] = value
    return nested


def _convert(nested: dict[str, Any], known: Mapping[str, Setting]) -> Config:
    try:
        return msgspec.convert(nested, Config, dec_hook=_to_path)
    except msgspec.ValidationError as error:
        text = str(error)
    place = _PLACE.search(text)
    name = place[1].partition("[")[0] if place else ""
    what = _PLACE.sub("", text).partition(", got")[0]
    setting = known.get(name)
    if setting is None:
        raise ConfigError(name, f"{what}.")
    if what.startswith("Invalid enum"):
        # msgspec quotes the value here; the choices say more.
        inner = get_args(setting.kind)
        choices = get_args(inner[0]) if setting.is_list else inner
        what = f"It may be: {', '.join(map(str, choices))}"
    raise ConfigError(name, f"{what}. {setting.meaning}")


def _to_path(kind: type[Any], value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise ValueError("Expected a path as text")
