"""The rows of the Matrix profile that are about messaging, each with a route and its gate."""

import pytest
from tests.web.matrix.conftest import V1, V3, Seat, World

from halfdoor.web.router import Route

ROOM = f"{V3}/rooms/{{roomId}}"
USER = f"{V3}/user/{{userId}}"
RELATIONS = f"{V1}/rooms/{{roomId}}/relations/{{eventId}}"
RULE = f"{V3}/pushrules/global/{{kind}}/{{ruleId}}"

# What a device that waits for approval may ask for (SEALING §2, "New device").
WHILE_PENDING = {
    ("GET", f"{V3}/sync"),
    ("POST", f"{USER}/filter"),
    ("GET", f"{USER}/filter/{{filterId}}"),
    ("GET", f"{USER}/account_data/{{type}}"),
    ("GET", f"{USER}/rooms/{{roomId}}/account_data/{{type}}"),
    ("GET", f"{V3}/pushrules/"),
    ("GET", f"{V3}/pushrules/global/"),
    ("GET", RULE),
    ("GET", f"{RULE}/actions"),
    ("GET", f"{RULE}/enabled"),
}
AFTER_APPROVAL = {
    ("POST", f"{V3}/createRoom"),
    ("POST", f"{V3}/join/{{roomIdOrAlias}}"),
    ("GET", f"{V3}/joined_rooms"),
    ("POST", f"{ROOM}/ban"),
    ("GET", f"{ROOM}/context/{{eventId}}"),
    ("GET", f"{ROOM}/event/{{eventId}}"),
    ("POST", f"{ROOM}/forget"),
    ("POST", f"{ROOM}/invite"),
    ("POST", f"{ROOM}/join"),
    ("GET", f"{ROOM}/joined_members"),
    ("POST", f"{ROOM}/kick"),
    ("POST", f"{ROOM}/leave"),
    ("GET", f"{ROOM}/members"),
    ("GET", f"{ROOM}/messages"),
    ("POST", f"{ROOM}/read_markers"),
    ("POST", f"{ROOM}/receipt/{{receiptType}}/{{eventId}}"),
    ("PUT", f"{ROOM}/redact/{{eventId}}/{{txnId}}"),
    ("PUT", f"{ROOM}/send/{{eventType}}/{{txnId}}"),
    ("GET", f"{ROOM}/state"),
    *((method, f"{ROOM}/state/{{eventType}}{key}") for method in ("GET", "PUT")
      for key in ("", "/", "/{stateKey}")),
    ("PUT", f"{ROOM}/typing/{{userId}}"),
    ("POST", f"{ROOM}/unban"),
    ("PUT", f"{USER}/account_data/{{type}}"),
    ("PUT", f"{USER}/rooms/{{roomId}}/account_data/{{type}}"),
    ("GET", f"{USER}/rooms/{{roomId}}/tags"),
    ("PUT", f"{USER}/rooms/{{roomId}}/tags/{{tag}}"),
    ("DELETE", f"{USER}/rooms/{{roomId}}/tags/{{tag}}"),
    ("GET", RELATIONS),
    ("GET", f"{RELATIONS}/{{relType}}"),
    ("GET", f"{RELATIONS}/{{relType}}/{{eventType}}"),
    ("DELETE", RULE),
    ("PUT", RULE),
    ("PUT", f"{RULE}/actions"),
    ("PUT", f"{RULE}/enabled"),
    ("POST", f"{V3}/user_directory/search"),
}  # fmt: skip


def named(routes: list[Route], auth: str) -> set[tuple[str, str]]:
    """Method and template of the routes behind one gate."""
    return {(route.method, route.template) for route in routes if route.auth == auth}


async def test_no_route_is_open_to_whoever_has_no_token(world: World) -> None:
    assert {route.auth for route in world.routes} == {"session", "pending_ok"}
    for route in world.routes:
        path = route.template.replace("{", "").replace("}", "")
        answer = await world.http.request(route.method, path)
        assert (answer.status_code, answer.json()["errcode"]) == (401, "M_MISSING_TOKEN")


async def test_the_rows_of_the_profile_are_the_routes(world: World) -> None:
    assert named(world.routes, "pending_ok") == WHILE_PENDING
    assert named(world.routes, "session") == AFTER_APPROVAL


async def test_a_device_that_waits_is_kept_out_of_everything_else(world: World) -> None:
    ada = await world.person("ada")
    waiting = world.sit(Seat(ada.id, "NEW", "waiting", pending=True))
    for method, template in sorted(AFTER_APPROVAL):
        answer = await waiting.ask(method, template.replace("{userId}", ada.id))
        assert (answer.status_code, answer.json()["errcode"]) == (403, "M_FORBIDDEN")
        assert answer.json()["org.halfdoor.pending"] is True


async def test_a_session_with_a_former_key_changes_nothing_anywhere(world: World) -> None:
    ada = await world.person("ada")
    former = world.sit(Seat(ada.id, "OLD", "former", closed=True))
    # Neither a filter nor a search writes anything of what people wrote.
    free = {("POST", f"{USER}/filter"), ("POST", f"{V3}/user_directory/search")}
    writing = {one for one in WHILE_PENDING | AFTER_APPROVAL if one[0] != "GET"} - free
    for method, template in sorted(writing):
        path = template.replace("{userId}", ada.id)
        answer = await former.ask(method, path, raw=b"{}")
        assert (answer.status_code, answer.json()["errcode"]) == (403, "M_FORBIDDEN")
        assert "can only read" in answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/sync"),
        ("GET", "/createRoom"),
        ("DELETE", "/rooms/!r:a.example/send/m.room.message/1"),
    ],
)
async def test_a_known_path_with_another_method_is_unrecognized(
    world: World, method: str, path: str
) -> None:
    ada = await world.person("ada")
    answer = await ada.ask(method, path)
    assert (answer.status_code, answer.json()["errcode"]) == (405, "M_UNRECOGNIZED")
