"""What another node wrote is believed in the next request here, and nothing older is."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import msgspec
import pytest
from tests.messaging.little_house import bodies, timeline
from tests.messaging.slow_store import after_first, before_first
from tests.messaging.two_little_nodes import NodeHouse, Roaming, SharedFakeStore, two_nodes

from halfdoor.messaging.errors import ForbiddenError, MessagingError
from halfdoor.messaging.fresh import Together, begin, is_fresh
from halfdoor.messaging.keep import BusyError
from halfdoor.messaging.mailbox import Standing
from halfdoor.messaging.versions import Versions

EACH = {"with hints": True, "without": False}


@pytest.fixture(params=list(EACH.values()), ids=list(EACH))
def nodes(request: pytest.FixtureRequest) -> tuple[NodeHouse, NodeHouse]:
    """Two nodes, which tell each other everything, or nothing."""
    told: bool = request.param
    first = two_nodes(lambda: told)
    return first, first.peers[1]


async def ask(who: Roaming, node: NodeHouse, name: str, *args: Any, **options: Any) -> Any:
    """Let *who* ask *node* for something, as a request of its own."""
    assert node.versions is not None
    await node.versions.arrive(who.id)
    one = who.at(node)
    answer = await getattr(one, name)(*args, **options)
    if name == "sync":
        who.token = one.token
    return answer


def meanwhile(act: Callable[[], Coroutine[Any, Any, Any]]) -> Callable[[], Awaitable[Any]]:
    """Let *act* be a request of its own, also where it comes in the middle of another."""
    return lambda: asyncio.create_task(act())


async def pair(node: NodeHouse) -> tuple[Roaming, Roaming, str]:
    ada, ben = await node.person("ada"), await node.person("ben")
    node.connect(ada, ben)
    room: str = await ask(ada, node, "create", ben)
    await ask(ben, node, "join", room)
    return ada, ben, room


async def test_a_message_is_told_once_wherever_one_syncs(
    nodes: tuple[NodeHouse, NodeHouse],
) -> None:
    here, there = nodes
    ada, ben, room = await pair(here)
    await ask(ben, there, "sync")
    for number in range(4):
        await ask(ada, here, "say", room, f"m{number}")
        node = (there, here)[number % 2]
        assert bodies(timeline(await ask(ben, node, "sync"), room)) == [f"m{number}"]
        assert "rooms" not in await ask(ben, there, "sync")
        assert "rooms" not in await ask(ben, here, "sync")


async def test_who_was_put_out_elsewhere_neither_reads_nor_writes_here(
    nodes: tuple[NodeHouse, NodeHouse],
) -> None:
    here, there = nodes
    ada, ben, _ = await pair(here)
    cleo = await here.person("cleo")
    here.connect(ada, cleo)
    room = await ask(ada, here, "create", ben, cleo, preset="private_chat")
    await ask(ben, there, "join", room)
    await ask(ben, there, "say", room, "warm")
    await ask(ada, here, "kick", room, ben)
    await ask(ada, here, "say", room, "without ben")
    with pytest.raises(ForbiddenError):
        await ask(ben, there, "say", room, "no")
    shown = (await ask(ben, there, "messages", room))["chunk"]
    assert "without ben" not in bodies(shown)


async def test_who_came_back_elsewhere_is_not_refused_here(
    nodes: tuple[NodeHouse, NodeHouse],
) -> None:
    here, there = nodes
    ada, ben, room = await pair(here)
    await ask(ben, here, "leave", room)
    with pytest.raises(ForbiddenError):
        await ask(ben, there, "say", room, "no")
    await ask(ada, here, "invite", room, ben)
    await ask(ben, here, "join", room)
    await ask(ben, there, "say", room, "here again")
    # Nor who is written to: this one remembers that nobody is there.
    await ask(ben, here, "say", room, "and there")
    assert bodies((await ask(ada, there, "messages", room))["chunk"])[:2] == [
        "and there",
        "here again",
    ]


async def test_a_receipt_set_elsewhere_shows_here(nodes: tuple[NodeHouse, NodeHouse]) -> None:
    here, there = nodes
    ada, ben, room = await pair(here)
    event = await ask(ada, here, "say", room, "read me")
    await ask(ada, here, "sync")
    await ask(ben, there, "read", room, event)
    # Also where nobody was told of it by a row: a client that begins anew.
    ada.token = None
    answer = await ask(ada, here, "sync")
    assert event in str(answer["rooms"]["join"][room]["ephemeral"])


async def test_what_was_read_elsewhere_is_not_counted_here(
    nodes: tuple[NodeHouse, NodeHouse],
) -> None:
    here, there = nodes
    ada, ben, room = await pair(here)

    def unread(answer: dict[str, Any]) -> int:
        count: int = answer["rooms"]["join"][room]["unread_notifications"]["notification_count"]
        return count

    event = await ask(ada, there, "say", room, "one")
    assert unread(await ask(ben, here, "sync")) == 1
    await ask(ben, there, "read", room, event)
    assert unread(await ask(ben, here, "sync")) == 0
    await ask(ada, there, "say", room, "two")
    assert unread(await ask(ben, here, "sync")) == 1
    await ask(ben, there, "say", room, "seen")
    assert unread(await ask(ben, here, "sync")) == 0


async def test_push_rules_of_another_node_decide_here(nodes: tuple[NodeHouse, NodeHouse]) -> None:
    here, there = nodes
    ada, ben, room = await pair(here)
    await ask(ada, there, "say", room, "warm")
    one = ben.at(here)
    assert here.versions is not None
    await here.versions.arrive(ben.id)
    ignored: dict[str, Any] = {"ignored_users": {ada.id: {}}}
    await here.personal.put(one.reader, "m.ignored_user_list", ignored)
    await ask(ben, here, "sync")
    await ask(ada, there, "say", room, "unheard")
    assert "unheard" not in str(await ask(ben, here, "sync"))


async def test_a_send_is_decided_anew_where_people_changed_meanwhile(
    nodes: tuple[NodeHouse, NodeHouse],
) -> None:
    here, there = nodes
    ada, ben, room = await pair(here)

    async def ignore() -> None:
        assert here.versions is not None
        await here.versions.arrive(ben.id)
        ignored: dict[str, Any] = {"ignored_users": {ada.id: {}}}
        await here.personal.put(ben.reader, "m.ignored_user_list", ignored)

    # After it was decided and sealed at the one node, and before it is kept.
    before_first(there.store, "append", meanwhile(ignore))
    event = await ask(ada, there, "say", room, "too late")
    kept = next(
        one for one in here.store.conversations[room].events if one.fields.event_id == event
    )
    assert kept.hidden_from == (ben.id,)


async def test_a_creation_is_decided_anew_where_people_changed_meanwhile() -> None:
    here = two_nodes()
    there = here.peers[1]
    ada, ben, _ = await pair(here)
    shared = here.shared

    async def change() -> None:
        here.people.suspended_users.add(ada.id)
        shared.change(ada.id)

    before_first(shared, "append", meanwhile(change))
    with pytest.raises(Exception, match="suspended"):
        await ask(ada, there, "create", ben)
    assert len(shared.conversations) == 1


async def test_people_who_never_hold_still_end_in_a_refusal() -> None:
    here = two_nodes()
    ada, ben, room = await pair(here)
    append = here.shared.append

    async def restless(item: Any) -> Any:
        here.shared.change(ben.id)
        return await append(item)

    here.shared.append = restless  # type: ignore[method-assign]
    with pytest.raises(BusyError):
        await ask(ada, here, "say", room, "never")
    with pytest.raises(BusyError):
        await ask(ada, here, "create", ben)


async def test_an_event_that_was_missed_is_taken_over_by_itself(
    nodes: tuple[NodeHouse, NodeHouse],
) -> None:
    here, there = nodes
    ada, ben, room = await pair(here)
    await ask(ada, here, "say", room, "m0")
    reads = 0
    read = here.shared.room

    async def counted(conv: str) -> Any:
        nonlocal reads
        reads += 1
        return await read(conv)

    here.shared.room = counted  # type: ignore[method-assign]

    async def elsewhere() -> None:
        await ask(ben, there, "say", room, "between")

    await ask(ada, there, "say", room, "loads it there")
    reads = 0
    before_first(here.shared, "append", meanwhile(elsewhere))
    await ask(ada, here, "say", room, "m1")
    shown = (await ask(ada, here, "messages", room))["chunk"]
    assert bodies(shown)[:3] == ["m1", "between", "loads it there"]
    held = here.rooms.at_hand(room)
    assert held is not None
    assert [event.seq for event in held.recent.values()] == sorted(held.recent)
    assert reads == 0


async def test_a_request_that_missed_an_event_sees_its_own(
    nodes: tuple[NodeHouse, NodeHouse],
) -> None:
    here, there = nodes
    ada, ben, room = await pair(here)
    cleo = await here.person("cleo")
    here.connect(ada, cleo)
    here.connect(ben, cleo)
    await ask(ben, there, "say", room, "warm")

    async def elsewhere() -> None:
        await ask(ben, there, "say", room, "between")

    assert here.versions is not None
    await here.versions.arrive(ada.id)
    before_first(here.shared, "append", meanwhile(elsewhere))
    invited = await here.moves.set_member(ada.reader, room, cleo.id, {"membership": "invite"})
    assert here.shared.conversations[room].events[-1].fields.event_id == invited
    assert here.shared.conversations[room].events[-2].fields.sender == ben.id


async def test_what_was_asked_before_the_request_is_not_believed() -> None:
    here = two_nodes(lambda: False)
    there = here.peers[1]
    _, ben, room = await pair(here)
    await ask(ben, there, "say", room, "warm")
    glances = here.shared.glances

    async def leaves() -> None:
        await ask(ben, here, "leave", room)

    # Ben leaves after the other node looked, while its answer is on the way: that request may
    # still be served as if he had not, the next one not.
    after_first(here.shared, "glances", meanwhile(leaves))
    await ask(ben, there, "messages", room)
    assert here.shared.glances == glances
    with pytest.raises(MessagingError):
        await ask(ben, there, "say", room, "gone")


async def test_a_hint_that_is_not_true_is_only_a_question() -> None:
    here = two_nodes(lambda: False)
    ada, ben, room = await pair(here)
    await ask(ben, here, "sync")
    for position in (10**12, here.wakeups._tails[ben.id].last + 1):
        here.wakeups.learn(ben.id, position)
        answer = await ask(ben, here, "sync")
        assert "rooms" not in answer
    # And then one waits as if nothing had been said.
    waits = asyncio.create_task(ask(ben, here, "sync", timeout_ms=60_000))
    while not here.wakeups.waiting():  # noqa: ASYNC110 - waiting itself sets no event
        await asyncio.sleep(0)
    here.wakeups.learn(ben.id, 10**13)
    for _ in range(50):
        await asyncio.sleep(0)
    assert here.wakeups.waiting() == [ben.id]
    await ask(ada, here.peers[1], "say", room, "true")
    here.wakeups.learn(ben.id, await here.shared.position(ben.id))
    # A hint of what is already past is none; the poll begins from what is so.
    here.wakeups.drain()
    assert bodies(timeline(await waits, room)) == ["true"]


async def test_a_store_that_went_back_is_believed_and_not_the_memory() -> None:
    here = two_nodes()
    ada, _, room = await pair(here)
    await ask(ada, here, "say", room, "lost")
    kept = here.shared.conversations[room]
    lost = kept.events.pop()
    kept.head = msgspec.structs.replace(kept.head, last_seq=kept.head.last_seq - 1)
    shown = (await ask(ada, here, "messages", room))["chunk"]
    assert lost.fields.event_id not in {one["event_id"] for one in shown}
    held = here.rooms.at_hand(room)
    assert held is not None
    assert held.head == kept.head


# -- looking together ----------------------------------------------------------------------------


async def test_what_many_ask_is_one_look_that_began_after_they_asked() -> None:
    looks: list[list[str]] = []
    let = asyncio.Event()

    async def look(keys: Any) -> dict[str, int]:
        looks.append(list(keys))
        await let.wait()
        return {key: len(looks) for key in keys}

    together: Together[str, int] = Together(look)
    first = [asyncio.create_task(together.ask([key])) for key in "ab"]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    # One is under way: what is asked now must not be answered by it.
    begin()
    second = [asyncio.create_task(together.ask([key])) for key in "bb"]
    await asyncio.sleep(0)
    # Whoever leaves takes nothing from the others.
    second[1].cancel()
    let.set()
    for task in first:
        at, found = await task
        assert found == {"a": 1, "b": 1}
        assert not is_fresh(at)
    at, found = await second[0]
    assert is_fresh(at)
    assert found["b"] == 2
    assert looks == [["a", "b"], ["b"]]


async def test_a_look_that_failed_fails_those_who_asked_and_nobody_after() -> None:
    fails = True

    async def look(keys: Any) -> dict[str, int]:
        if fails:
            raise OSError("gone")
        return dict.fromkeys(keys, 1)

    together: Together[str, int] = Together(look)
    answers = await asyncio.gather(*(together.ask("ab") for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in answers] == [OSError] * 3
    fails = False
    assert (await together.ask("a"))[1] == {"a": 1}


async def test_where_no_request_began_nothing_is_believed() -> None:
    versions = Versions(SharedFakeStore())
    looked: list[str] = []
    versions.watch(forget=looked.append)
    await asyncio.create_task(versions.check(["@a:a"]))
    assert looked == ["@a:a"]
    assert versions.known(["@a:a", "@b:a"]) == (("@a:a", 0),)


async def test_each_person_is_looked_at_once_in_a_request() -> None:
    store = SharedFakeStore()
    asked: list[list[str]] = []

    async def standings(users: Any) -> dict[str, Standing]:
        asked.append(sorted(users))
        return {"@a:a": Standing(7, store.versions.get("@a:a", 0))}

    store.standings = standings  # type: ignore[method-assign]
    versions = Versions(store, bound=2)
    forgotten: list[str] = []
    positions: list[tuple[str, int]] = []
    rechecked: list[str] = []

    async def recheck(user: str) -> None:
        # By then nothing is remembered.
        assert user in forgotten
        rechecked.append(user)

    versions.watch(forget=forgotten.append, recheck=recheck)
    versions.watch(position=lambda user, pos: positions.append((user, pos)))
    await versions.arrive("@a:a")
    await versions.check(["@a:a", "@b:a"])
    await versions.check(["@b:a", "@a:a"])
    assert asked == [["@a:a"], ["@b:a"]]
    assert forgotten == rechecked == ["@a:a", "@b:a"]
    await versions.arrive("@a:a")
    assert forgotten == ["@a:a", "@b:a"]
    store.change("@a:a")
    await versions.arrive("@a:a")
    assert forgotten == ["@a:a", "@b:a", "@a:a"]
    assert versions.known(["@a:a"]) == (("@a:a", 1),)
    assert positions == [("@a:a", 7)] * 3
    # Of whom too little is known, nothing is believed.
    await versions.arrive("@c:a", "@d:a")
    assert len(versions) == 2
    await versions.arrive("@a:a")
    assert forgotten.count("@a:a") == 3
