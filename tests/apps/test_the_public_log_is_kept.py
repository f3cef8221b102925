"""The keeper of a log asks before it signs, batches, renews, is patient, and knows when to stop."""

import asyncio
from collections.abc import Sequence
from io import StringIO

from tests.transparency.log_fakes import (
    LOG,
    ORIGIN,
    POLICY,
    FakeFiles,
    FakeLogStore,
    NearWitness,
    StillClock,
    witnesses,
)

from halfdoor.apps.log import BATCH_SECONDS, RENEW_SECONDS, LogKeeper
from halfdoor.merkle.checkpoint import parse_checkpoint
from halfdoor.transparency.log_store import Waiting
from halfdoor.web.logs import configure


class Scene:
    """A keeper over fakes, whose pauses are moments of a story."""

    def __init__(self) -> None:
        self.clock = StillClock()
        self.store = FakeLogStore()
        self.files = FakeFiles()
        self.witnesses: dict[str, NearWitness] = witnesses(self.clock)
        self.time = 0.0
        self.slept: list[float] = []
        self.moments: dict[int, object] = {}
        self.said = StringIO()
        self.keeper = self.another()

    def another(self) -> LogKeeper:
        return LogKeeper(
            store=self.store,
            files=self.files,
            key=LOG,
            policy=POLICY,
            peers=self.witnesses,
            clock=self.clock,
            log=configure("info", stream=self.said, console=False),
            monotonic=lambda: self.time,
            sleep=self.sleep,
        )

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        moment = self.moments.pop(len(self.slept), None)
        if moment is None and not self.moments:
            raise asyncio.CancelledError
        if callable(moment):
            moment()

    async def play(self, *moments: object) -> None:
        """Run until every moment came, each in one pause of the keeper."""
        self.moments = dict(enumerate(moments, len(self.slept) + 1))
        try:
            await self.keeper.run()
        except asyncio.CancelledError:
            return

    async def begun(self, leaves: Sequence[bytes] = ()) -> None:
        await self.store.begin(ORIGIN)
        await self.keeper.offer(leaves)

    def away(self, *names: str) -> None:
        for name, one in self.witnesses.items():
            one.away = name in names


async def test_nothing_is_signed_while_too_few_witnesses_say_where_the_log_stands() -> None:
    scene = Scene()
    await scene.begun([b"a"])
    scene.away("w1", "w2", "w3", "w4")
    await scene.play(None, None, None)
    assert (scene.store.placed, scene.files.files) == ([], {})
    assert scene.keeper.standing().state == "starting"
    assert "too few witnesses" in scene.keeper.standing().why


async def test_a_database_that_fell_behind_its_witnesses_signs_nothing_and_says_why() -> None:
    scene = Scene()
    await scene.begun([b"a", b"b"])
    await scene.play()
    scene.store, scene.files = FakeLogStore(), FakeFiles()
    scene.keeper = scene.another()
    await scene.begun([b"c"])
    await scene.play(None)
    assert scene.keeper.standing().state == "stopped"
    assert scene.store.placed == []
    assert "the public log stopped" in scene.said.getvalue()


async def test_files_that_are_no_tiles_stop_the_log() -> None:
    scene = Scene()
    await scene.begun([b"a", b"b"])
    await scene.play()
    scene.files.files = dict.fromkeys(scene.files.files, b"short")
    scene.keeper = scene.another()
    await scene.play(None)
    assert scene.keeper.standing().state == "stopped"


async def test_a_log_without_a_quorum_waits_longer_and_longer_and_loses_nothing() -> None:
    scene = Scene()
    await scene.begun([b"a"])
    await scene.play(lambda: scene.away("w1", "w2"))
    await scene.keeper.offer([b"b"])
    scene.slept.clear()
    await scene.play(lambda: scene.away("w1", "w2"), *[None] * 8)
    standing = scene.keeper.standing()
    assert (standing.state, standing.size, standing.published) == ("waiting", 1, 1)
    assert "w1: nobody is there" in standing.why
    assert set(standing.troubles) == {"w1", "w2"}
    pauses = scene.slept[1:]
    assert pauses[0] < pauses[2] < pauses[4] < 45
    scene.away()
    scene.keeper = scene.another()
    await scene.play()
    assert (scene.keeper.standing().published, scene.keeper.standing().state) == (2, "keeping")


async def test_a_disk_that_is_full_is_waited_for() -> None:
    class Full(FakeFiles):
        full = True

        async def create(self, path: str, data: bytes) -> None:
            if self.full:
                raise OSError(28, "No space left on device")
            await super().create(path, data)

    scene = Scene()
    full = scene.files = Full()
    scene.keeper = scene.another()
    await scene.begun([b"a"])

    def freed() -> None:
        full.full = False

    await scene.play(None, freed, None)
    assert scene.keeper.standing().published == 1
    assert "No space" not in scene.said.getvalue()
    assert "the public log goes on" in scene.said.getvalue()


async def test_leaves_of_one_moment_share_a_step() -> None:
    scene = Scene()
    await scene.begun()
    asked: list[int] = []

    def offer(number: int) -> None:
        asked.append(scene.witnesses["w1"].asked)
        scene.store.queue += [Waiting(b"%d.%d" % (number, n), b"%d" % n) for n in range(10)]
        scene.keeper.hurry()

    scene.keeper.hurry()
    await scene.play(lambda: offer(1), lambda: offer(2))
    assert len(scene.store.placed) == 20
    # One question of the first step, and one for each moment.
    assert scene.witnesses["w1"].asked - asked[0] == 2
    assert max(scene.slept) <= BATCH_SECONDS


async def test_a_checkpoint_is_cosigned_again_before_five_minutes_are_over() -> None:
    scene = Scene()
    await scene.begun([b"a"])
    await scene.play()
    before = scene.keeper.standing()
    asked = scene.witnesses["w1"].asked

    def later() -> None:
        scene.time += RENEW_SECONDS
        scene.clock.now += 240_000
        scene.keeper.hurry()

    scene.keeper.hurry()
    scene.slept.clear()
    scene.keeper = scene.another()
    scene.keeper.hurry()
    await scene.play(later, None)
    after = scene.keeper.standing()
    assert RENEW_SECONDS < 300
    assert before.cosigned_at is not None
    assert after.cosigned_at == before.cosigned_at + 240
    assert (after.size, after.published) == (1, 1)
    assert scene.witnesses["w1"].asked > asked


async def test_a_start_asks_for_a_fresh_quorum() -> None:
    scene = Scene()
    await scene.begun()
    await scene.play()
    assert parse_checkpoint(scene.store.now.checkpoint).head.size == 0  # type: ignore[union-attr]


def test_a_keeper_prints_no_key() -> None:
    assert repr(Scene().keeper) == f"LogKeeper({ORIGIN!r})"
