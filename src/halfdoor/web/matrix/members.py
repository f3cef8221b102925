"""Who is in a conversation (CS-API, GET …/members and …/joined_members)."""

from typing import Any, Final

from halfdoor.messaging.ledger import StoredEvent
from halfdoor.messaging.presenting import Presenting, raw
from halfdoor.messaging.room import clear_content
from halfdoor.messaging.rooms import Rooms
from halfdoor.web.errors import InvalidParamError
from halfdoor.web.matrix.asker import Asker, reader_of
from halfdoor.web.matrix.standing import Standing
from halfdoor.web.request import Request
from halfdoor.web.response import Response, json_response
from halfdoor.web.router import Route

_ROOM: Final = "/_matrix/client/v3/rooms/{roomId}"
_MEMBERSHIPS: Final = frozenset({"join", "invite", "leave", "ban", "knock"})


def routes(rooms: Rooms, standing: Standing, presenting: Presenting) -> list[Route]:
    """The membership events of a conversation, and the short list of who is in it now."""

    async def members(request: Request, session: Asker) -> Response:
        query = request.query
        wanted = _membership(query.get("membership"), "membership")
        unwanted = _membership(query.get("not_membership"), "not_membership")
        reader = reader_of(session)
        room, state = await standing.state(reader, request.params["roomId"], query.get("at"))
        chosen = [
            event
            for (event_type, _), event in state.items()
            if event_type == "m.room.member" and _is_wanted(event, wanted, unwanted)
        ]
        shown = await presenting.state(reader, room, chosen, with_room=True)
        return json_response({"chunk": raw(shown)})

    async def joined(request: Request, session: Asker) -> Response:
        room = await rooms.for_member(request.params["roomId"], session.user)
        silent = (await presenting.hearing.of(room, session.user)).silent
        profiles = {
            user: _profile(
                (room.content("m.room.member", user) or {}) if user not in silent else {}
            )
            for user in room.joined
        }
        return json_response({"joined": profiles})

    return [
        Route("GET", f"{_ROOM}/members", members),
        Route("GET", f"{_ROOM}/joined_members", joined),
    ]


def _membership(value: str | None, name: str) -> str | None:
    if value is not None and value not in _MEMBERSHIPS:
        raise InvalidParamError(name, "is no membership")
    return value


def _is_wanted(event: StoredEvent, wanted: str | None, unwanted: str | None) -> bool:
    membership = clear_content(event).get("membership", "leave")
    return membership != unwanted and wanted in {None, membership}


def _profile(content: dict[str, Any]) -> dict[str, Any]:
    # The one place where Matrix writes the display name in two words.
    named = {"display_name": content.get("displayname"), "avatar_url": content.get("avatar_url")}
    return {key: value for key, value in named.items() if value is not None}
