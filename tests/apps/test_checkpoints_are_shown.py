"""The newest checkpoint and those of days lie beside the tiles, each once it is published."""

from tests.transparency.log_fakes import ORIGIN, FakeLogStore, StillClock

from halfdoor.apps.shown_checkpoints import ShownCheckpoints
from halfdoor.clock import day_of
from halfdoor.transparency.log_store import LogState

DAY_MS = 86_400_000


class Folder:
    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.written: list[str] = []

    async def replace(self, path: str, data: bytes) -> None:
        self.files[path] = data
        self.written.append(path)


class Scene:
    def __init__(self) -> None:
        self.clock = StillClock()
        self.store = FakeLogStore()
        self.folder = Folder()
        self.shown = ShownCheckpoints(self.store, self.folder, self.clock)

    @property
    def today(self) -> int:
        return day_of(self.clock.now)

    async def publish(self, checkpoint: bytes) -> LogState:
        await self.store.begin(ORIGIN)
        await self.store.publish(1, checkpoint, self.today)
        assert self.store.now is not None
        return self.store.now


async def test_nothing_is_shown_before_it_is_published() -> None:
    scene = Scene()
    await scene.shown.show(LogState(origin=ORIGIN, size=1))
    assert scene.folder.files == {}


async def test_the_newest_is_written_last_and_a_day_only_when_it_changed() -> None:
    scene = Scene()
    await scene.shown.show(await scene.publish(b"1"))
    await scene.shown.show(await scene.publish(b"1"))
    day = f"checkpoint/{scene.today}"
    assert scene.folder.written == [day, "checkpoint", "checkpoint"]
    assert scene.folder.files == {day: b"1", "checkpoint": b"1"}


async def test_what_was_published_before_midnight_is_shown_after_it() -> None:
    scene = Scene()
    await scene.shown.show(await scene.publish(b"1"))
    before = scene.today
    last = await scene.publish(b"last of the day")
    scene.clock.now += DAY_MS
    await scene.shown.show(last)
    assert scene.folder.files[f"checkpoint/{before}"] == b"last of the day"
    await scene.shown.show(await scene.publish(b"first of the next"))
    assert scene.folder.files[f"checkpoint/{before + 1}"] == b"first of the next"
    assert scene.folder.files[f"checkpoint/{before}"] == b"last of the day"


async def test_what_a_crash_kept_from_the_folder_is_shown_at_the_next_start() -> None:
    scene = Scene()
    last = await scene.publish(b"1")
    before = scene.today
    scene.clock.now += 9 * DAY_MS
    await ShownCheckpoints(scene.store, scene.folder, scene.clock).show(last)
    assert scene.folder.files == {f"checkpoint/{before}": b"1", "checkpoint": b"1"}
