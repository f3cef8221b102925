"""The public log of a demonstration, with four witnesses of its own that prove nothing to anybody.

They decide as all witnesses do and remember durably, but they live in the server's process and
belong to whoever runs it. Their names say so.
"""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, final

from halfdoor.apps.house_log import log_key
from halfdoor.apps.witness import MEMORY
from halfdoor.clock import SystemClock
from halfdoor.config.log import Log
from halfdoor.merkle.keys import Kind, VerifierKey
from halfdoor.merkle.signing import SigningKey
from halfdoor.merkle.trust_policy import TrustPolicy
from halfdoor.store.note_key_file import make_note_key, read_note_key
from halfdoor.store.witness_memory import WitnessMemory
from halfdoor.transparency.peers import Answer, Peer
from halfdoor.transparency.witnessing import Witness

# RFC 2606 §2: a name that can never be somebody's.
DOMAIN: Final = "demonstration.invalid"
_NAMES: Final = ("demo-w1", "demo-w2", "demo-w3", "demo-w4")
_LEAST: Final = 3


@final
class NearWitness:
    """Implements `transparency.peers.Peer` for a witness in this process."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    async def add_checkpoint(self, body: bytes) -> Answer:
        """Ask it to cosign."""
        reply = await self._witness.add_checkpoint(body)
        return Answer(reply.status, reply.text.encode())

    async def newest(self, origin: str) -> Answer:
        """Ask where it saw the log last."""
        reply = await self._witness.newest(origin)
        return Answer(reply.status, reply.text.encode())


@final
class DemoLog:
    """The settings of a demonstration's log, and its witnesses."""

    def __init__(self, data: Path, keys: str, server_name: str) -> None:
        """Make what is not there yet: keys in files that begin with *keys*, all else in *data*."""
        self._data = data
        self._keys = keys
        policy = data / "witnesses.policy"
        self.settings = Log(
            origin=f"{server_name}/access",
            key_file=Path(f"{keys}-log.key"),
            witnesses=policy,
            folder=data / "public",
        )
        self._log = log_key(self.settings, data, make=True).public
        lines = [f"log {self._log}"]
        lines += [f"witness {one} {self._key(one).public} https://{DOMAIN}/{one}" for one in _NAMES]
        lines += [f"group demo {_LEAST} {' '.join(_NAMES)}", "quorum demo", ""]
        policy.write_text("\n".join(lines), encoding="utf-8")

    @contextlib.asynccontextmanager
    async def peers(self, _policy: TrustPolicy) -> AsyncIterator[dict[str, Peer]]:
        """Give the way to each witness, whose memory is open meanwhile."""
        logs: dict[str, VerifierKey] = {self._log.name: self._log}
        with contextlib.ExitStack() as memories:
            peers: dict[str, Peer] = {}
            for name in _NAMES:
                key = self._key(name)
                place = self._data / "witnesses" / name / MEMORY
                if not place.exists():
                    # Whoever removed the data of a demonstration removed its log as well.
                    WitnessMemory.create(place, str(key.public))
                memory = WitnessMemory.open(place, str(key.public))
                memories.callback(memory.close)
                peers[name] = NearWitness(Witness(key, logs, memory, SystemClock()))
            yield peers

    def _key(self, name: str) -> SigningKey:
        path = Path(f"{self._keys}-{name}.key")
        if not path.exists():
            make_note_key(path, f"{DOMAIN}/{name}", Kind.COSIGNATURE, outside=self._data)
        return read_note_key(path, Kind.COSIGNATURE, outside=self._data)

    def __repr__(self) -> str:
        return f"DemoLog({self._log.name!r})"
