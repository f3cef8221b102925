"""Whatever is asked of the messaging routes over a real store, the answer is never a 500."""

import asyncio
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.messaging.little_house import escrow_set
from tests.web.matrix.conftest import every_route, front_door

from halfdoor.accounts.session import LoginRequest
from halfdoor.apps.gate import Gate
from halfdoor.apps.house import House
from halfdoor.apps.setting import Setting
from halfdoor.policy.load import load
from halfdoor.store.outerkey import outer_key_file
from halfdoor.web.router import Route

SERVER = "a.example"


async def nobody(_user: str, _term: str, _limit: int) -> Sequence[Mapping[str, Any]]:
    """Find nobody."""
    return []


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Fortress:
    """The real house on a real disk, and people who ask it anything."""

    def __init__(self, folder: Path) -> None:
        self.house = House(
            Setting(
                server_name=SERVER,
                policy=load(None),
                escrow=[escrow_set()],
                data_dir=folder / "data",
                outer_key=outer_key_file(folder / "outer.key", folder / "data", make=True),
                development=True,
            )
        )
        house = self.house
        self.routes = every_route(house, house.store.mailbox, house.presenting, nobody)
        self.log = io.StringIO()
        self.app = front_door(
            self.routes, Gate(house.sessions, house.keyring, house.clock), self.log
        )
        self.tokens: dict[str, str] = {}
        self.conv = ""
        self.event = ""
        self.made = 0

    async def open(self) -> None:
        """Let three people register."""
        for name in ("ada", "ben", "mallory"):
            now = self.house.clock.now_ms()
            signed = await self.house.register.register(
                name, "correct horse battery staple", LoginRequest(device=name.upper()), now
            )
            self.tokens[name] = signed.access_token

    async def ask(
        self, who: str, method: str, path: str, body: bytes = b"", query: str = ""
    ) -> Answer:
        """Ask with the raw bytes of *path* and *query*."""
        length = str(len(body)).encode()
        token = self.tokens[who].encode()
        scope = {
            "type": "http",
            "method": method,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(b"authorization", b"Bearer " + token), (b"content-length", length)],
            "client": ("192.0.2.7", 50_000),
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        return Answer(sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"])

    async def settle(self) -> None:
        """Make a fresh conversation of Ada and Ben with a message in it."""
        self.made += 1
        base = "/_matrix/client/v3"
        invite = json.dumps({"preset": "trusted_private_chat", "invite": [f"@ben:{SERVER}"]})
        answer = await self.ask("ada", "POST", f"{base}/createRoom", invite.encode())
        assert answer.status == 200, answer.body
        self.conv = answer.json["room_id"]
        joined = await self.ask("ben", "POST", f"{base}/join/{self.conv}")
        assert joined.status == 200, joined.body
        path = f"{base}/rooms/{self.conv}/send/m.room.message/s{self.made}"
        said = await self.ask("ben", "PUT", path, b'{"msgtype":"m.text","body":"hello"}')
        assert said.status == 200, said.body
        self.event = said.json["event_id"]


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One loop for all examples: the house is opened once."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def fortress(
    runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fortress]:
    """The house, opened once."""
    fortress = Fortress(tmp_path_factory.mktemp("fortress"))
    runner.run(fortress.open())
    yield fortress
    runner.run(fortress.house.close())


# -- anything ----------------------------------------------------------------------------------

WORDS = st.sampled_from(
    [
        "membership", "reason", "user_id", "typing", "timeout", "search_term", "limit",
        "conditions", "actions", "pattern", "enabled", "kind", "key", "invite", "initial_state",
        "room_version", "preset", "power_level_content_override", "users", "events",
        "users_default", "state_default", "ban", "kick", "m.relates_to", "rel_type", "event_id",
        "redacts", "body", "msgtype", "m.new_content", "tags", "order", "ignored_users",
        "thread_id", "m.read", "m.fully_read", "m.read.private", "room", "timeline", "state",
        "types", "not_types", "senders", "name", "topic", "type", "content", "state_key",
        "displayname", "history_visibility", "join_rule", "algorithm", "default_action",
        "is_direct", "creation_content", "url", "visibility", "m.in_reply_to", "value", "is",
        "set_tweak", "rooms", "include_leave",
    ]
)  # fmt: skip
NAMES = st.sampled_from(
    [
        "m.room.message", "m.room.member", "m.room.power_levels", "m.room.redaction", "m.reaction",
        "m.room.topic", "m.room.history_visibility", "m.room.join_rules", "m.room.create",
        "m.room.encryption", "m.read", "m.read.private", "m.fully_read", "m.push_rules", "m.tag",
        "m.ignored_user_list", "m.invite_permission_config", "m.direct", "override", "content",
        "room", "sender", "underride", ".m.rule.master", ".m.rule.tombstone", "mine", "m.replace",
        "m.thread", "m.annotation", "join", "invite", "leave", "ban", "joined", "invited", "shared",
        "11", "main", "@ada:a.example", "@ben:a.example", "@mallory:a.example", "@x:y", "ROOM",
        "EVENT", "!x:y", "$x", "#a:b", "b", "f", "t1", "t99", "a.example.1.b.0", "true", "event",
        "{}", '{"room":{"timeline":{"limit":1}}}', "0", "1", "-1", "7", "", "\0", "é", "/", "..",
    ]
)  # fmt: skip
TEXTS = st.one_of(NAMES, NAMES, st.text(max_size=8))
NUMBERS = st.one_of(
    st.integers(-2, 101),
    st.sampled_from([2**53 - 1, 2**53, -(2**53), 2**63, 2**64, 10**40]),
    st.floats(),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, st.just("\ud800"), st.just("x" * 70_000)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(WORDS, TEXTS), inner, max_size=4)
    ),
    max_leaves=8,
)
OBJECTS = st.dictionaries(WORDS, VALUES, max_size=5)
GARBAGE = st.one_of(
    OBJECTS.map(lambda value: json.dumps(value).encode()),
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=40),
    st.sampled_from([b"", b"{}", b'{"a":' * 3_000, b"[" * 40_000, b'{"a":"\xff"}', b'{"a":1}' * 2]),
)
# A body that is right, by the end of the path; the examples spoil one part of it or none.
RULE = {"conditions": [{"kind": "event_match", "key": "type", "pattern": "a*"}], "actions": []}
MESSAGE = {
    "msgtype": "m.text",
    "body": "hello",
    "m.relates_to": {"rel_type": "m.replace", "event_id": "EVENT"},
    "m.new_content": {"msgtype": "m.text", "body": "hi"},
}
RIGHT: dict[str, dict[str, Any]] = {
    "createRoom": {"invite": ["@ben:a.example"], "name": "n", "initial_state": [], "topic": "t"},
    "invite": {"user_id": "@mallory:a.example", "reason": "r"},
    "kick": {"user_id": "@ben:a.example", "reason": "r"},
    "ban": {"user_id": "@ben:a.example", "reason": "r"},
    "unban": {"user_id": "@ben:a.example"},
    "leave": {"reason": "r"},
    "join": {"reason": "r"},
    "{roomIdOrAlias}": {"reason": "r"},
    "read_markers": {"m.read": "EVENT", "m.fully_read": "EVENT", "m.read.private": "EVENT"},
    "{eventId}": {"thread_id": "main"},
    "{userId}": {"typing": True, "timeout": 5},
    "search": {"search_term": "a", "limit": 5},
    "filter": {"room": {"timeline": {"limit": 1, "types": ["m.*"]}}},
    "{ruleId}": RULE,
    "actions": {"actions": ["notify"]},
    "enabled": {"enabled": True},
    "{tag}": {"order": 0.5},
    "{type}": {"ignored_users": {"@ben:a.example": {}}, "default_action": "allow"},
    "{txnId}": MESSAGE,
    "{eventType}": {"membership": "join", "users": {"@ada:a.example": 100}, "topic": "t"},
    "{stateKey}": {"membership": "ban", "displayname": "d"},
}


@st.composite
def bodies(draw: st.DrawFn, template: str) -> bytes:
    """A body that is right but for one part, or garbage."""
    right = RIGHT.get(template.rstrip("/").rpartition("/")[2], {})
    how = draw(st.integers(0, 9))
    if how == 0:
        return draw(GARBAGE)
    body = dict(right)
    if how > 5 and body:
        body[draw(st.sampled_from(sorted(body)))] = draw(VALUES)
    if how > 7:
        body[draw(WORDS)] = draw(VALUES)
    return json.dumps(body).encode()


LIKELY = {
    "roomId": st.just("ROOM"),
    "roomIdOrAlias": st.just("ROOM"),
    "eventId": st.just("EVENT"),
    "kind": st.sampled_from(["override", "content", "room", "sender", "underride"]),
    "ruleId": st.sampled_from(["mine", "other", ".m.rule.master", ".m.rule.tombstone"]),
    "receiptType": st.sampled_from(["m.read", "m.read.private", "m.fully_read"]),
    "relType": st.sampled_from(["m.replace", "m.thread"]),
    "filterId": st.sampled_from(["0", "1", "2"]),
    "txnId": st.text(min_size=1, max_size=3),
}
# No `timeout`: a long poll that is asked for is no failure.
QUERY_NAMES = st.sampled_from(
    [
        "since", "filter", "full_state", "use_state_after", "from", "to", "dir", "limit", "at",
        "membership", "not_membership", "format", "before", "after", "recurse", "set_presence",
    ]
)  # fmt: skip
QUERY = st.dictionaries(QUERY_NAMES, TEXTS, max_size=4)
BROKEN = st.sampled_from(["%", "%FF", "%00", "%ZZ", "%ED%A0%80", "..", "%2F", "%2E%2E"])


@st.composite
def paths(draw: st.DrawFn, template: str, user: str) -> str:
    """A path of *template*, sometimes with something else than belongs there."""
    parts = []
    for segment in template.split("/")[1:]:
        if not segment.startswith("{"):
            parts.append(segment)
            continue
        name = segment[1:-1]
        likely = st.just(user) if name == "userId" else LIKELY.get(name, NAMES)
        how = draw(st.integers(0, 19))
        if how == 0:
            parts.append(draw(BROKEN))
        else:
            text = draw(likely if how > 2 else TEXTS)
            parts.append(quote(text, safe="!$@:" if how % 2 else ""))
    return "/" + "/".join(parts)


@st.composite
def requests(draw: st.DrawFn, routes: Sequence[Route]) -> Callable[[Fortress], tuple[Any, ...]]:
    """Who asks what; the ids of the conversation of that moment are put in when it is asked."""
    route = draw(st.sampled_from(routes))
    who = draw(st.sampled_from(["ada", "ada", "ada", "mallory"]))
    template = draw(paths(route.template, f"@{who}:{SERVER}"))
    body = draw(bodies(route.template))
    fields = draw(QUERY) if draw(st.booleans()) else {}
    if route.template.endswith("/messages"):
        fields = {"dir": "b", **fields}
    query = "&".join(f"{name}={quote(value)}" for name, value in fields.items())

    def fill(fortress: Fortress) -> tuple[Any, ...]:
        path = template.replace("ROOM", quote(fortress.conv))
        path = path.replace("EVENT", quote(fortress.event))
        there = body.replace(b'"ROOM"', json.dumps(fortress.conv).encode())
        there = there.replace(b'"EVENT"', json.dumps(fortress.event).encode())
        return who, route.method, path, there, query.replace("ROOM", quote(fortress.conv))

    return fill


@pytest.mark.parametrize(("longest", "examples"), [(1, 100), (12, 40)])
def test_no_request_makes_the_server_fail(
    fortress: Fortress, runner: asyncio.Runner, longest: int, examples: int
) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(requests(fortress.routes), min_size=1, max_size=longest))
    def holds(asked: list[Callable[[Fortress], tuple[Any, ...]]]) -> None:
        runner.run(_ask_all(fortress, asked))

    holds()


async def _ask_all(
    fortress: Fortress, asked: Sequence[Callable[[Fortress], tuple[Any, ...]]]
) -> None:
    await fortress.settle()
    for fill in asked:
        _check(fortress, await fortress.ask(*fill(fortress)))
    # Whatever was kept can still be read by everybody it concerns.
    for who in ("ada", "ben"):
        answer = await fortress.ask(who, "GET", "/_matrix/client/v3/sync")
        assert answer.status == 200, fortress.log.getvalue()
    for path in ("state", "members", "messages"):
        where = f"/_matrix/client/v3/rooms/{fortress.conv}/{path}"
        answer = await fortress.ask("ben", "GET", where, query="dir=b&limit=100")
        _check(fortress, answer)


def _check(fortress: Fortress, answer: Answer) -> None:
    assert answer.status < 500, fortress.log.getvalue()
    assert answer.headers[b"content-type"] == b"application/json"
    if answer.status != 200:
        assert answer.json["errcode"].startswith("M_")
        assert answer.json["error"]
        assert b"Traceback" not in answer.body
