"""A log's database, files and witnesses in memory, each keeping the promises of the real ones."""

from collections.abc import Callable, Mapping, Sequence

from halfdoor.merkle.keys import VerifierKey
from halfdoor.merkle.signing import SigningKey
from halfdoor.merkle.trust_policy import TrustPolicy, parse_policy
from halfdoor.transparency.errors import StoppedError
from halfdoor.transparency.log_store import LogState, Waiting
from halfdoor.transparency.peers import Answer, NoAnswerError
from halfdoor.transparency.witnessing import Witness

ORIGIN = "example.com/access"
LOG = SigningKey.of_log(ORIGIN, bytes(32))
KEYS = {f"w{n}": SigningKey.of_witness(f"w.example/{n}", bytes([n]) * 32) for n in range(1, 5)}


def policy_of(keys: Mapping[str, VerifierKey], quorum: int = 3) -> TrustPolicy:
    lines = [f"log {LOG.public}"]
    lines += [f"witness {name} {key}" for name, key in keys.items()]
    lines += [f"group all {quorum} {' '.join(keys)}", "quorum all", ""]
    return parse_policy("\n".join(lines).encode())


POLICY = policy_of({name: key.public for name, key in KEYS.items()})


class Killed(BaseException):
    """The process ends here."""


class Fate:
    """Ends the process before or after the n-th act of a fake; never, unless it is told."""

    def __init__(self) -> None:
        self.acts = 0
        self.end: float | None = None

    async def around(self, act: Callable[[], object]) -> None:
        self.acts += 1
        if self.end == self.acts - 0.5:
            raise Killed
        act()
        if self.end == self.acts:
            raise Killed


class StillClock:
    """A clock that stands still, in ms since 1970."""

    def __init__(self, now: int = 1_700_000_000_000) -> None:
        self.now = now

    def now_ms(self) -> int:
        return self.now


class FakeLogStore:
    """`LogStore` in memory."""

    def __init__(self, fate: Fate | None = None) -> None:
        self.fate = fate or Fate()
        self.now: LogState | None = None
        self.placed: list[Waiting] = []
        self.queue: list[Waiting] = []
        self.days: dict[int, bytes] = {}

    async def begin(self, origin: str) -> LogState:
        if self.now is not None and self.now.origin != origin:
            raise StoppedError("another origin")
        self.now = self.now or LogState(origin=origin)
        return self.now

    async def state(self) -> LogState | None:
        return self.now

    async def offer(self, waiting: Sequence[Waiting]) -> None:
        for one in waiting:
            if all(one.id != known.id for known in (*self.placed, *self.queue)):
                self.queue.append(one)

    async def waiting(self, limit: int) -> list[Waiting]:
        return self.queue[:limit]

    async def advance(self, old: LogState, new: LogState, placed: Sequence[Waiting]) -> bool:
        if self.now is None or self.now.size != old.size:
            return False

        def act() -> None:
            assert [*placed] == self.queue[: len(placed)]
            self.placed += placed
            del self.queue[: len(placed)]
            self.now = new

        await self.fate.around(act)
        return True

    async def leaves(self, begin: int, end: int) -> list[bytes]:
        assert end <= len(self.placed)
        return [one.leaf for one in self.placed[begin:end]]

    async def place(self, id: bytes) -> int | None:
        return next((n for n, one in enumerate(self.placed) if one.id == id), None)

    async def publish(self, size: int, checkpoint: bytes, day: int) -> bool:
        now = self.now
        assert now is not None
        if now.published > size:
            return False

        def act() -> None:
            assert now is not None
            self.now = LogState(
                origin=now.origin,
                size=now.size,
                heads=now.heads,
                published=size,
                checkpoint=checkpoint,
            )
            self.days[day] = checkpoint

        await self.fate.around(act)
        return True

    async def day_checkpoint(self, day: int) -> bytes | None:
        return self.days.get(day)

    async def rebuild(self, old: LogState, new: LogState, placed: Sequence[Waiting]) -> bool:
        if self.now is None or self.now.size != old.size:
            return False
        self.placed += placed
        known = {one.id for one in placed}
        self.queue = [one for one in self.queue if one.id not in known]
        self.now = new
        return True


class FakeFiles:
    """`LogFiles` in memory."""

    def __init__(self, fate: Fate | None = None) -> None:
        self.fate = fate or Fate()
        self.files: dict[str, bytes] = {}

    async def create(self, path: str, data: bytes) -> None:
        if self.files.get(path, data) != data:
            raise StoppedError(f"{path} is there with other bytes")
        await self.fate.around(lambda: self.files.__setitem__(path, data))

    async def read(self, path: str) -> bytes | None:
        return self.files.get(path)


class FakeWitnessStore:
    """`WitnessStore` in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.evidence: list[tuple[bytes, bytes]] = []

    async def newest(self, origin: str) -> bytes | None:
        return self.kept.get(origin)

    async def replace(self, origin: str, old: bytes | None, new: bytes) -> bool:
        if self.kept.get(origin) != old:
            return False
        self.kept[origin] = new
        return True

    async def keep_evidence(self, origin: str, ours: bytes, theirs: bytes) -> None:
        self.evidence.append((ours, theirs))


class NearWitness:
    """A witness in this process, as a log reaches it. It can be away, or mute about its size."""

    def __init__(self, key: SigningKey, clock: StillClock, fate: Fate | None = None) -> None:
        self.store = FakeWitnessStore()
        self.witness = Witness(key, {ORIGIN: LOG.public}, self.store, clock)
        self.fate = fate or Fate()
        self.away = False
        self.asked = 0

    async def add_checkpoint(self, body: bytes) -> Answer:
        self.asked += 1
        if self.away:
            raise NoAnswerError("nobody is there")
        reply = await self.witness.add_checkpoint(body)
        await self.fate.around(lambda: None)
        return Answer(reply.status, reply.text.encode())

    async def newest(self, origin: str) -> Answer:
        if self.away:
            raise NoAnswerError("nobody is there")
        reply = await self.witness.newest(origin)
        return Answer(reply.status, reply.text.encode())


def witnesses(clock: StillClock, fate: Fate | None = None) -> dict[str, NearWitness]:
    return {name: NearWitness(key, clock, fate) for name, key in KEYS.items()}
