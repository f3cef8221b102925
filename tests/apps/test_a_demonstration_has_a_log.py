"""The log of a demonstration: witnesses that say what they are, keys apart from the data."""

from pathlib import Path

from tests.transparency.log_fakes import FakeLogStore

from halfdoor.apps.demo_log import DOMAIN, DemoLog
from halfdoor.apps.house_log import HouseLog, read_place
from halfdoor.clock import SystemClock
from halfdoor.merkle.checkpoint import Head
from halfdoor.merkle.tree import EMPTY_ROOT
from halfdoor.store.log_folder import FolderFiles
from halfdoor.transparency.cosigning import Quorum
from halfdoor.transparency.sequencer import Sequencer
from halfdoor.transparency.starting import witnessed


def demo(tmp_path: Path) -> DemoLog:
    (tmp_path / "data").mkdir(exist_ok=True)
    return DemoLog(tmp_path / "data", str(tmp_path / "demo"), "localhost")


def test_the_witnesses_of_a_demonstration_say_what_they_are(tmp_path: Path) -> None:
    made = demo(tmp_path)
    policy = read_place(made.settings, tmp_path / "data").policy
    assert len(policy.witnesses) == 4
    assert all(one.key.name.startswith(f"{DOMAIN}/demo-") for one in policy.witnesses.values())
    assert list((tmp_path / "data").rglob("*.key")) == []
    assert "PRIVATE" not in repr(made)


async def test_a_demonstration_that_starts_again_goes_on_with_its_log(tmp_path: Path) -> None:
    first = demo(tmp_path)
    place = read_place(first.settings, tmp_path / "data")
    store = FakeLogStore()
    log = HouseLog(store, first.settings, tmp_path / "data", SystemClock(), first.peers)
    assert (await log.begin()).witnesses == 4
    files = FolderFiles(place.folder)
    async with first.peers(place.policy) as peers:
        await Sequencer(
            store=store,
            files=files,
            key=place.key,
            cosigners=Quorum(place.policy, peers),
            clock=SystemClock(),
        ).step()
    again = demo(tmp_path)
    assert again.settings == first.settings
    async with again.peers(place.policy) as peers:
        heads = await witnessed(place.key.public, place.policy, peers)
    assert set(heads.values()) == {Head("localhost/access", 0, EMPTY_ROOT)}
    assert len(heads) >= 3
