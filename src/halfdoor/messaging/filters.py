"""Filters: which events a client wants to be sent (CS-API, "Filtering").

Lazy loading of members is accepted and changes nothing: rooms here are small, and sending all
members is always allowed. So is `event_fields` (a server may send more than was asked for). The
raw format of federation is refused, because nothing here has that format.
"""

from collections.abc import Iterable
from typing import Annotated, Final, Literal

import msgspec

from halfdoor.messaging.errors import BadFilterError
from halfdoor.messaging.globs import Matcher, stars

DEFAULT_LIMIT: Final = 10
MAX_LIMIT: Final = 100
# A filter may come with every request, and is read each time.
MAX_FILTER_BYTES: Final = 65_536
MAX_WILDCARDS: Final = 50


class _EventFields(msgspec.Struct):
    """EventFilter and RoomEventFilter of the specification, as they come."""

    limit: Annotated[int, msgspec.Meta(ge=0)] | None = None
    types: list[str] | None = None
    not_types: list[str] | None = None
    senders: list[str] | None = None
    not_senders: list[str] | None = None
    rooms: list[str] | None = None
    not_rooms: list[str] | None = None
    contains_url: bool | None = None
    lazy_load_members: bool | None = None
    include_redundant_members: bool | None = None
    unread_thread_notifications: bool | None = None


class _RoomFields(msgspec.Struct):
    rooms: list[str] | None = None
    not_rooms: list[str] | None = None
    include_leave: bool | None = None
    timeline: _EventFields | None = None
    state: _EventFields | None = None
    ephemeral: _EventFields | None = None
    account_data: _EventFields | None = None


class _Fields(msgspec.Struct):
    event_fields: list[str] | None = None
    event_format: Literal["client"] | None = None
    presence: _EventFields | None = None
    account_data: _EventFields | None = None
    room: _RoomFields | None = None


_decode = msgspec.json.Decoder(_Fields).decode
_decode_event_filter = msgspec.json.Decoder(_EventFields).decode


class _Names(msgspec.Struct, frozen=True):
    """Names to include and to exclude; an absent list includes all, an empty one none."""

    wanted: frozenset[str] | None = None
    wanted_globs: tuple[Matcher, ...] = ()
    unwanted: frozenset[str] = frozenset()
    unwanted_globs: tuple[Matcher, ...] = ()

    def admit(self, name: str | None) -> bool:
        """Tell whether *name* is included, and not excluded. None is something without a name."""
        if name is None:
            return self.wanted is None
        if name in self.unwanted or any(matches(name) for matches in self.unwanted_globs):
            return False
        if self.wanted is None or name in self.wanted:
            return True
        return any(matches(name) for matches in self.wanted_globs)


class EventFilter(msgspec.Struct, frozen=True):
    """One filter on events, ready to be asked.

    `count` is how many events to send: the limit asked for, brought between 1 and 100, else 10.
    `by_thread` asks for unread counts by thread. `admits_all` says that `matches` is always true.
    """

    count: int
    by_thread: bool
    admits_all: bool
    contains_url: bool | None
    types: _Names
    senders: _Names
    rooms: _Names

    def matches(
        self,
        *,
        event_type: str,
        sender: str | None = None,
        room_id: str | None = None,
        has_url: bool = False,
    ) -> bool:
        """Tell whether an event is wanted.

        *sender* and *room_id* are None for what has none, such as account data. *has_url* says
        whether the content has the key `url`; only a filter with `contains_url` set asks for it.
        """
        return self.admits_all or (
            self.types.admit(event_type)
            and self.senders.admit(sender)
            and self.rooms.admit(room_id)
            and self.contains_url in {None, has_url}
        )


class Filter(msgspec.Struct, frozen=True):
    """A whole filter of /sync, ready to be asked."""

    timeline: EventFilter
    state: EventFilter
    ephemeral: EventFilter
    room_account_data: EventFilter
    account_data: EventFilter
    include_leave: bool
    rooms: _Names

    def admits_room(self, room_id: str) -> bool:
        """Tell whether anything of *room_id* is wanted; the filters on its events come after."""
        return self.rooms.admit(room_id)


def parse_filter(raw: bytes | str) -> Filter:
    """Read a filter of /sync: the body of POST …/filter, or the inline JSON of `?filter=`.

    What is unknown is ignored. Raises `BadFilterError`.
    """
    _check_length(raw)
    try:
        fields = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadFilterError("the filter is not of the form the specification gives") from None
    room = fields.room or _RoomFields()
    return Filter(
        timeline=_event_filter(room.timeline),
        state=_event_filter(room.state),
        ephemeral=_event_filter(room.ephemeral),
        room_account_data=_event_filter(room.account_data),
        account_data=_event_filter(fields.account_data),
        include_leave=room.include_leave is True,
        rooms=_exactly(room.rooms, room.not_rooms),
    )


def parse_event_filter(raw: bytes | str) -> EventFilter:
    """Read a filter of /messages or /context, a `RoomEventFilter`. Raises `BadFilterError`."""
    _check_length(raw)
    try:
        fields = _decode_event_filter(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadFilterError("the filter is not of the form the specification gives") from None
    return _event_filter(fields)


def _check_length(raw: bytes | str) -> None:
    if len(raw) > MAX_FILTER_BYTES:
        raise BadFilterError("the filter is too large")


def _event_filter(fields: _EventFields | None) -> EventFilter:
    fields = fields or _EventFields()
    types = _with_globs(fields.types, fields.not_types)
    senders = _exactly(fields.senders, fields.not_senders)
    rooms = _exactly(fields.rooms, fields.not_rooms)
    admits_all = types == senders == rooms == _Names() and fields.contains_url is None
    limit = DEFAULT_LIMIT if fields.limit is None else fields.limit
    return EventFilter(
        count=min(max(limit, 1), MAX_LIMIT),
        by_thread=fields.unread_thread_notifications is True,
        admits_all=admits_all,
        contains_url=fields.contains_url,
        types=types,
        senders=senders,
        rooms=rooms,
    )


def _exactly(wanted: Iterable[str] | None, unwanted: Iterable[str] | None) -> _Names:
    return _Names(
        wanted=None if wanted is None else frozenset(wanted),
        unwanted=frozenset(unwanted or ()),
    )


def _with_globs(wanted: list[str] | None, unwanted: list[str] | None) -> _Names:
    return _Names(
        wanted=None if wanted is None else frozenset(wanted),
        wanted_globs=_globs(wanted),
        unwanted=frozenset(unwanted or ()),
        unwanted_globs=_globs(unwanted),
    )


def _globs(patterns: Iterable[str] | None) -> tuple[Matcher, ...]:
    wild = [pattern for pattern in patterns or () if "*" in pattern]
    if len(wild) > MAX_WILDCARDS:
        raise BadFilterError("the filter has too many wildcards")
    return tuple(map(stars, wild))
