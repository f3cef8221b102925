"""Filters that come with every request: read once, kept in bounded memory."""

from collections import OrderedDict
from functools import lru_cache
from typing import Final

from halfdoor.messaging.errors import BadFilterError
from halfdoor.messaging.filters import EventFilter, Filter, parse_event_filter, parse_filter
from halfdoor.messaging.mailbox import MailboxStore
from halfdoor.web.errors import InvalidParamError

_BOUND: Final = 4_096
_SHORT: Final = 2_048

_read_again = lru_cache(maxsize=_BOUND)(parse_filter)
_read_event_filter_again = lru_cache(maxsize=_BOUND)(parse_event_filter)

_EVERYTHING: Final = parse_filter(b"{}")
_EVERY_EVENT: Final = parse_event_filter(b"{}")


class KeptFilters:
    """The filters that people keep here, by person and id; a kept filter never changes."""

    def __init__(self, mailbox: MailboxStore) -> None:
        """Find in *mailbox* what is not at hand."""
        self._mailbox = mailbox
        self._held: OrderedDict[tuple[str, str], Filter] = OrderedDict()

    async def find(self, user: str, given: str | None) -> Filter:
        """The filter that `?filter=` of /sync gives: an id, or JSON in place.

        400 M_INVALID_PARAM where it is neither.
        """
        if given is None:
            return _EVERYTHING
        if given.startswith("{"):
            return inline_filter(given)
        key = (user, given)
        held = self._held.get(key)
        if held is not None:
            self._held.move_to_end(key)
            return held
        body = await self._mailbox.filter(user, given)
        if body is None:
            raise InvalidParamError("filter", "is none that you made")
        held = self._held[key] = parse_filter(body)
        if len(self._held) > _BOUND:
            self._held.popitem(last=False)
        return held


def inline_filter(given: str) -> Filter:
    """The filter that stands in a query as JSON; 400 M_INVALID_PARAM where it is none."""
    try:
        # Long ones are read each time: so many of them would fill the memory.
        return _read_again(given) if len(given) <= _SHORT else parse_filter(given)
    except BadFilterError:
        raise InvalidParamError("filter", "is not a filter") from None


def event_filter(given: str | None) -> EventFilter:
    """The filter of /messages and /context; 400 M_INVALID_PARAM where it is none."""
    if given is None:
        return _EVERY_EVENT
    try:
        if len(given) <= _SHORT:
            return _read_event_filter_again(given)
        return parse_event_filter(given)
    except BadFilterError:
        raise InvalidParamError("filter", "is not a filter") from None
