"""Looking for people: among those one is connected with, and nobody else."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec

from halfdoor.web.matrix.asker import Asker
from halfdoor.web.request import Request
from halfdoor.web.response import Response, json_response
from halfdoor.web.router import Route

_FEW: Final = 10
_MOST: Final = 50

# user, what to look for, how many at most -> `user_id`, `display_name`, `avatar_url` of each
Directory = Callable[[str, str, int], Awaitable[Sequence[Mapping[str, Any]]]]


class _Search(msgspec.Struct):
    search_term: Annotated[str, msgspec.Meta(max_length=255)]
    limit: Annotated[int, msgspec.Meta(ge=0)] = _FEW


def routes(directory: Directory) -> list[Route]:
    """POST user_directory/search (CS-API, "User Directory")."""

    async def search(request: Request, session: Asker) -> Response:
        asked = await request.json_as(_Search)
        limit = min(asked.limit, _MOST)
        # One more than is shown tells whether there are more.
        found = await directory(session.user, asked.search_term, limit + 1)
        return json_response({"limited": len(found) > limit, "results": list(found[:limit])})

    return [Route("POST", "/_matrix/client/v3/user_directory/search", search)]
