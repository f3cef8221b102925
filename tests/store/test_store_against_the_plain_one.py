"""Whatever is done to it, the store answers like the plain model, also after being opened again."""

import asyncio
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.store.conftest import build
from tests.store.houses import House
from tests.store.making import (
    ALICE,
    BOB,
    CAROL,
    chains,
    epoch_start,
    event,
    founding,
    member_event,
)
from tests.store.plain_store import PlainStore
from tests.store.postgres_houses import Postgresql

from halfdoor.clock import month_of
from halfdoor.messaging.ledger import Append, Committed, NewEvent, Receipt, StaleError
from halfdoor.messaging.mailbox import OWED, RECEIPT
from halfdoor.messaging.retention_store import Place
from halfdoor.sealing.envelope import clear_body

USERS = (ALICE, BOB, CAROL)
users = st.sampled_from(USERS)
rooms = st.integers(0, 2)


class Comparison(RuleBasedStateMachine):
    """Does the same to both stores and compares."""

    template: Path
    configuration: str
    server: Postgresql | None
    house: House

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=self.template))
        self.runner = asyncio.Runner()
        self.plain = PlainStore()
        self.done: list[Append] = []
        self.closed = False

    @initialize()
    def open(self) -> None:
        empty = self.template / "empty"
        if self.server is None and empty.exists():
            # An empty directory that was made once: making the tables takes the longest.
            for part in ("data", "keys"):
                shutil.copytree(empty / part, self.folder / part)
        self.house = self.runner.run(build(self.configuration, self.folder, self.server))
        if self.server is None and not empty.exists():
            self.runner.run(self.house.store.close())
            shutil.copytree(self.folder, empty)
            self.runner.run(self.house.open())

    def teardown(self) -> None:
        if hasattr(self, "house"):
            assert all(report.ok for report in self.runner.run(chains(self.house.store)))
            self.runner.run(self.house.pull_down())
        self.runner.close()

    def append(self, item: Append) -> None:
        expected = self.plain.append(item)
        try:
            found: Committed | None = self.runner.run(self.house.store.conversations.append(item))
        except StaleError:
            found = None
        assert (found is None) is (expected is None)
        if found is not None and expected is not None:
            assert (found.events, found.told) == expected
            assert found.head == self.plain.conversations[item.conv].head
            self.done.append(item)

    def conv(self, room: int) -> str:
        made = list(self.plain.conversations)
        return made[room % len(made)]

    def expects(self, conv: str) -> tuple[bytes | None, int]:
        head = self.plain.conversations[conv].head
        return head.hh, head.revision

    def say(self, conv: str, *events: NewEvent, start: bool = False, ends: bool = False) -> None:
        begun = epoch_start(self.plain.conversations[conv].head.epoch + 1, *USERS)
        self.append(
            Append(
                conv, self.expects(conv), events, start=begun if start else None, ends_epoch=ends
            )
        )

    @rule(user=users, other=users)
    @precondition(lambda self: len(self.plain.conversations) < 3)
    def make(self, user: str, other: str) -> None:
        conv = f"!room{len(self.plain.conversations)}:a.example"
        self.append(founding(conv, *dict.fromkeys((user, other))))

    @rule(
        room=rooms,
        sender=users,
        to=st.sets(users),
        notify=st.booleans(),
        highlight=st.booleans(),
        start=st.booleans(),
        ends=st.booleans(),
    )
    @precondition(lambda self: self.plain.conversations)
    def send(
        self,
        room: int,
        sender: str,
        to: set[str],
        notify: bool,
        highlight: bool,
        start: bool,
        ends: bool,
    ) -> None:
        conv = self.conv(room)
        others = tuple(sorted(to - {sender}))
        self.say(
            conv,
            *(event(conv, sender, others, notify=notify, highlight=highlight) for _ in "12"),
            start=start,
            ends=ends,
        )

    @rule(
        room=rooms,
        sender=users,
        user=users,
        membership=st.sampled_from(["join", "invite", "leave", "ban"]),
    )
    @precondition(lambda self: self.plain.conversations)
    def move(self, room: int, sender: str, user: str, membership: str) -> None:
        conv = self.conv(room)
        self.say(conv, member_event(conv, sender, user, membership))

    @rule(room=rooms, sender=users)
    @precondition(lambda self: self.plain.conversations)
    def change_state(self, room: int, sender: str) -> None:
        conv = self.conv(room)
        self.say(conv, event(conv, sender, type="x", state_key="", body=clear_body(b"{}")))

    @rule(room=rooms, revision=st.integers(0, 9))
    @precondition(lambda self: self.plain.conversations)
    def send_as_seen_before(self, room: int, revision: int) -> None:
        conv = self.conv(room)
        hh, _ = self.expects(conv)
        self.append(Append(conv, (hh, revision), (event(conv, ALICE),)))

    @rule(data=st.data())
    @precondition(lambda self: self.done)
    def repeat(self, data: st.DataObject) -> None:
        self.append(data.draw(st.sampled_from(self.done)))

    @rule(room=rooms, data=st.data(), held=st.sampled_from([None, 10]))
    @precondition(lambda self: self.plain.conversations)
    def redact(self, room: int, data: st.DataObject, held: int | None) -> None:
        conv = self.conv(room)
        target = data.draw(st.sampled_from(self.plain.conversations[conv].kept()))
        said = event(conv, BOB, redacts=target.fields.event_id, destroy_after=held)
        self.say(conv, said)

    @rule(room=rooms, user=users, seq=st.integers(0, 12))
    @precondition(lambda self: self.plain.conversations)
    def read(self, room: int, user: str, seq: int) -> None:
        conv = self.conv(room)
        seq = min(seq, self.plain.conversations[conv].head.last_seq)
        told = self.runner.run(self.house.store.mailbox.set_read(user, conv, seq))
        assert told == self.plain.set_read(user, conv, seq)

    @rule(room=rooms, user=users)
    @precondition(lambda self: self.plain.conversations)
    def forget(self, room: int, user: str) -> None:
        conv = self.conv(room)
        self.runner.run(self.house.store.mailbox.forget(user, conv))
        self.plain.forget(user, conv)

    @rule(room=rooms, tell=st.lists(users, unique=True))
    @precondition(lambda self: self.plain.conversations)
    def end_epoch(self, room: int, tell: list[str]) -> None:
        conv = self.conv(room)
        told = self.runner.run(self.house.store.conversations.end_epoch(conv, tell))
        plain = self.plain.conversations[conv]
        plain.head = type(plain.head)(
            plain.head.last_seq,
            plain.head.revision,
            plain.head.epoch,
            None,
            plain.head.last_hh,
            plain.head.day,
            plain.head.epoch_events,
            plain.head.chain,
        )
        expected = [self.plain.tell(user, OWED, conv, plain.head.last_seq) for user in tell]
        assert list(told) == expected

    @rule(room=rooms, user=users, seq=st.integers(1, 9))
    @precondition(lambda self: self.plain.conversations)
    def receive(self, room: int, user: str, seq: int) -> None:
        conv = self.conv(room)
        receipt = Receipt(user, "m.read", None, f"${seq}", seq, 0)
        told = self.runner.run(self.house.store.conversations.set_receipt(conv, receipt, USERS[:2]))
        receipts = self.plain.conversations[conv].receipts
        if receipts.get((user, "m.read"), 0) >= seq:
            assert told is None
            return
        receipts[(user, "m.read")] = seq
        expected = tuple(self.plain.tell(one, RECEIPT, conv, seq) for one in USERS[:2])
        assert told == expected

    async def place(self, conv: str) -> Place:
        passed = await self.house.store.retention.conversations((-1, 0), 99)
        return next(one.place for one in passed if one.place.conv == conv)

    @rule(room=rooms, days=st.integers(0, 4))
    @precondition(lambda self: self.plain.conversations)
    def end(self, room: int, days: int) -> None:
        conv = self.conv(room)
        self.plain.conversations[conv].end(20_001 + days)
        self.runner.run(self.sweep(conv, 20_001 + days))

    async def sweep(self, conv: str, before: int) -> None:
        place = await self.place(conv)
        await self.house.store.retention.retire(place, before)
        await self.house.store.retention.clear(place)

    @rule(room=rooms, name=st.sampled_from("ab"), first=st.integers(1, 3), more=st.integers(0, 2))
    @precondition(lambda self: self.plain.conversations)
    def freeze(self, room: int, name: str, first: int, more: int) -> None:
        plain = self.plain.conversations[self.conv(room)]
        scope = plain.holds.setdefault(name, (first, first + more))
        retention = self.house.store.retention
        self.runner.run(retention.freeze(self.conv(room), name, epochs=scope))

    @rule(room=rooms, name=st.sampled_from("ab"))
    @precondition(lambda self: self.plain.conversations)
    def thaw(self, room: int, name: str) -> None:
        held = self.plain.conversations[self.conv(room)].holds.pop(name, None)
        ended = self.runner.run(self.house.store.retention.thaw(self.conv(room), name))
        assert ended is (held is not None)

    @rule(months=st.integers(1, 2))
    def let_months_end(self, months: int) -> None:
        self.house.clock.now += months * 31 * 86_400_000
        last = month_of(self.house.clock.now) - 1
        self.runner.run(self.end_months(last))
        assert not self.house.store.keys.outer.generations & set(range(256, last + 1))

    async def end_months(self, last: int) -> None:
        retention = self.house.store.retention
        for passed in await retention.conversations((-1, 0), 99):
            await retention.tend_holds(passed.place, 0)
            await retention.leave_months(passed.place, last)
        await retention.end_months(last)

    @rule()
    def open_again(self) -> None:
        self.runner.run(self.house.reopen())

    @rule()
    def destroy(self) -> None:
        self.runner.run(self.house.store.destroy_held(10))

    @invariant()
    def agree(self) -> None:
        if hasattr(self, "house"):
            self.runner.run(self.compare())

    async def compare(self) -> None:
        store = self.house.store
        for conv, plain in self.plain.conversations.items():
            room = await store.conversations.room(conv)
            assert room is not None
            assert room.head == plain.head
            assert room.begins == plain.begins
            assert [one.seq for one in room.state_log] == [
                one.seq for one in plain.events if one.fields.state_key is not None
            ]
            assert {(one.user, one.kind): one.seq for one in room.receipts} == plain.receipts
            events = await store.conversations.events(
                conv, after=0, before=10**6, limit=10**6, newest_first=False
            )
            assert events == plain.events[plain.begins - 1 :]
            for one in plain.events[:9]:
                there = one if one in plain.kept() else None
                assert await store.conversations.event(conv, one.fields.event_id) == there
            epochs = await store.conversations.newest_epochs(conv, ALICE, 99)
            # The keys of the newest epoch may outlast its messages until another begins.
            assert [(one.hh, one.wrap) for one in epochs if plain.keeps(one.epoch)] == [
                (one.hh, one.wraps.get(ALICE)) for one in plain.starts if plain.keeps(one.epoch)
            ]
        for user in USERS:
            inbox = await store.mailbox.inbox(user, after=0, limit=10**6)
            assert inbox == self.plain.inboxes.get(user, [])
            assert await store.mailbox.position(user) == len(inbox)
            assert set(await store.mailbox.places(user)) == self.plain.places(user)


def test_the_store_is_the_plain_store(site: tuple[str, Postgresql | None], tmp_path: Path) -> None:
    configuration, server = site
    members = {"template": tmp_path, "configuration": configuration, "server": server}
    machine = type("Machine", (Comparison,), members)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
