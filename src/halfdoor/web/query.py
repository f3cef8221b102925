"""Query strings, read strictly: a value that is not what it says it is, is refused."""

import re
from urllib.parse import parse_qsl

from halfdoor.web.errors import InvalidParamError, MissingParamError

# More than any Matrix endpoint takes; a flood of fields is not a question.
MAX_FIELDS = 64

_INTEGER = re.compile(r"-?[0-9]{1,16}")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class Query:
    """The decoded fields of one query string, each with all its values in order."""

    __slots__ = ("_fields",)

    def __init__(self, raw: bytes) -> None:
        """Decode *raw* (application/x-www-form-urlencoded, UTF-8); InvalidParamError if broken."""
        self._fields: dict[str, list[str]] = {}
        if not raw:
            return
        try:
            text = raw.decode("ascii")
            if _BROKEN_ESCAPE.search(text):
                raise InvalidParamError("The query string", "is not percent-encoded rightly")
            pairs = parse_qsl(
                text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
            )
        except ValueError:
            raise InvalidParamError(
                "The query string", "is not UTF-8 or has too many fields"
            ) from None
        for name, value in pairs:
            if "\0" in name or "\0" in value:
                raise InvalidParamError("The query string", "holds a NUL")
            self._fields.setdefault(name, []).append(value)

    def __repr__(self) -> str:
        """The count alone: names and values are the client's."""
        return f"Query(fields={len(self._fields)})"

    def get(self, name: str) -> str | None:
        """The first value of *name*, None when absent."""
        values = self._fields.get(name)
        return values[0] if values else None

    def need(self, name: str) -> str:
        """The first value of *name*; MissingParamError when absent."""
        value = self.get(name)
        if value is None:
            raise MissingParamError(name)
        return value

    def all(self, name: str) -> list[str]:
        """All values of *name*, in order."""
        return self._fields.get(name, [])

    def integer(self, name: str, default: int, *, least: int = 0, most: int = 2**53 - 1) -> int:
        """*name* as an integer; InvalidParamError outside *least* … *most* or when it is none."""
        value = self.get(name)
        if value is None:
            return default
        if not _INTEGER.fullmatch(value) or not least <= int(value) <= most:
            raise InvalidParamError(name, f"must be an integer from {least} to {most}")
        return int(value)

    def boolean(self, name: str, default: bool = False) -> bool:
        """*name* as `true` or `false`; InvalidParamError for anything else."""
        value = self.get(name)
        if value is None:
            return default
        if value not in {"true", "false"}:
            raise InvalidParamError(name, "must be true or false")
        return value == "true"
