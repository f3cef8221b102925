"""A person's push rules (CS-API, "Push Rules: API")."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from halfdoor.messaging.personal import Personal
from halfdoor.messaging.pushrules_edit import (
    StoredRules,
    delete_rule,
    put_rule,
    rule_of,
    set_actions,
    set_enabled,
)
from halfdoor.messaging.reading import Reader
from halfdoor.web.matrix.asker import Asker, writer_of
from halfdoor.web.matrix.turns import Turns
from halfdoor.web.request import Request
from halfdoor.web.response import Response, empty_object, json_response
from halfdoor.web.router import Route

_RULES: Final = "/_matrix/client/v3/pushrules/"
_RULE: Final = f"{_RULES}global/{{kind}}/{{ruleId}}"

_Change = Callable[[StoredRules], StoredRules]


def routes(personal: Personal) -> list[Route]:
    """All rules, one rule, and its parts. Reading is open to a device that waits for approval."""
    turns = Turns()

    async def everything(_request: Request, session: Asker) -> Response:
        return json_response(await personal.push_rules(session.user))

    async def by_kind(_request: Request, session: Asker) -> Response:
        return json_response((await personal.push_rules(session.user))["global"])

    async def rule(request: Request, session: Asker) -> Response:
        return json_response(await _rule(request, session))

    async def actions(request: Request, session: Asker) -> Response:
        return json_response({"actions": (await _rule(request, session))["actions"]})

    async def enabled(request: Request, session: Asker) -> Response:
        return json_response({"enabled": (await _rule(request, session))["enabled"]})

    async def put(request: Request, session: Asker) -> Response:
        writer, query, body = writer_of(session), request.query, await request.json()
        kind, rule_id = _name(request)
        before, after = query.get("before"), query.get("after")

        def change(stored: StoredRules) -> StoredRules:
            return put_rule(stored, kind, rule_id, body, before=before, after=after)

        return await _edit(writer, change)

    async def delete(request: Request, session: Asker) -> Response:
        kind, rule_id = _name(request)
        return await _edit(writer_of(session), partial(delete_rule, kind=kind, rule_id=rule_id))

    async def put_actions(request: Request, session: Asker) -> Response:
        writer, (kind, rule_id) = writer_of(session), _name(request)
        body = await request.json()
        return await _edit(
            writer, lambda stored: set_actions(stored, writer.user, kind, rule_id, body)
        )

    async def put_enabled(request: Request, session: Asker) -> Response:
        writer, (kind, rule_id) = writer_of(session), _name(request)
        body = await request.json()
        return await _edit(
            writer, lambda stored: set_enabled(stored, writer.user, kind, rule_id, body)
        )

    async def _rule(request: Request, session: Asker) -> dict[str, Any]:
        kind, rule_id = _name(request)
        return rule_of(await personal.stored_rules(session.user), session.user, kind, rule_id)

    async def _edit(writer: Reader, change: _Change) -> Response:
        async with turns.of(writer.user):
            await personal.edit_rules(writer, change)
        return empty_object()

    return [
        Route("GET", _RULES, everything, auth="pending_ok"),
        Route("GET", f"{_RULES}global/", by_kind, auth="pending_ok"),
        Route("GET", _RULE, rule, auth="pending_ok"),
        Route("GET", f"{_RULE}/actions", actions, auth="pending_ok"),
        Route("GET", f"{_RULE}/enabled", enabled, auth="pending_ok"),
        Route("PUT", _RULE, put),
        Route("PUT", f"{_RULE}/actions", put_actions),
        Route("PUT", f"{_RULE}/enabled", put_enabled),
        Route("DELETE", _RULE, delete),
    ]


def _name(request: Request) -> tuple[str, str]:
    return request.params["kind"], request.params["ruleId"]
