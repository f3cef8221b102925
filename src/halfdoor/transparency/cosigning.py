"""Asking witnesses to cosign a checkpoint, until a quorum has (C2SP tlog-witness)."""

import asyncio
from collections.abc import Mapping
from typing import Final

from halfdoor.merkle.add_checkpoint import AddCheckpoint
from halfdoor.merkle.checkpoint import Checkpoint
from halfdoor.merkle.cosignature import check_cosigned
from halfdoor.merkle.decimal_text import parse as parse_decimal
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.keys import VerifierKey
from halfdoor.merkle.note import Note, Signature, parse_signatures, text_of
from halfdoor.merkle.trust_policy import TrustPolicy
from halfdoor.transparency.errors import NoQuorumError
from halfdoor.transparency.peers import NoAnswerError, Peer
from halfdoor.transparency.published import PublishedTree

_TRIES: Final = 3
_OK: Final = 200
_CONFLICT: Final = 409


class Quorum:
    """The witnesses of a policy. It remembers how far each of them is, to ask once, not twice."""

    def __init__(
        self, policy: TrustPolicy, peers: Mapping[str, Peer], *, patience: float = 10.0
    ) -> None:
        """*peers* by the names the policy gives; *patience* in seconds for one checkpoint."""
        self._policy = policy
        self._peers = peers
        self._patience = patience
        self._sizes: dict[str, int] = {}
        # What each witness last said that was no cosignature, for whoever looks after the log.
        self.troubles: dict[str, str] = {}

    async def cosign(self, signed: Checkpoint, tree: PublishedTree) -> Checkpoint:
        """Return *signed* with the cosignatures of a quorum, as soon as there is one.

        Those who are slower are not waited for: their cosignature comes with the next checkpoint.
        Raises `NoQuorumError` that names those who did not cosign.
        """
        asked = {asyncio.create_task(self._ask(name, signed, tree)): name for name in self._peers}
        got: dict[str, Signature] = {}
        try:
            async with asyncio.timeout(self._patience):
                for done in asyncio.as_completed(asked):
                    name, line = await done
                    if line is not None:
                        got[name] = line
                    if self._policy.holds(got):
                        break
        except TimeoutError:
            pass
        finally:
            late = {name for task, name in asked.items() if not task.done()}
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        if not self._policy.holds(got):
            self.troubles.update(dict.fromkeys(late, "no answer in time"))
            missing = ", ".join(
                f"{name}: {self.troubles.get(name, 'no answer')}"
                for name in self._peers
                if name not in got
            )
            raise NoQuorumError(f"{len(got)} of {len(self._peers)} witnesses cosigned ({missing})")
        note = signed.note
        lines = tuple(got[name] for name in self._peers if name in got)
        return Checkpoint(signed.head, Note(note.text, (*note.signatures, *lines)))

    async def _ask(
        self, name: str, signed: Checkpoint, tree: PublishedTree
    ) -> tuple[str, Signature | None]:
        try:
            line = await self._cosigned(name, signed, tree)
        except (NoAnswerError, RefusedError) as error:
            self.troubles[name] = str(error)
            return name, None
        self.troubles.pop(name, None)
        return name, line

    async def _cosigned(self, name: str, signed: Checkpoint, tree: PublishedTree) -> Signature:
        key = self._policy.witnesses[name].key
        size = signed.head.size
        for _ in range(_TRIES):
            old = min(self._sizes.get(name, 0), size)
            proof = tuple(await tree.consistency(old))
            body = str(AddCheckpoint(old, proof, signed)).encode()
            answer = await self._peers[name].add_checkpoint(body)
            if answer.status == _OK:
                line = cosignature_in(answer.body, signed, key)
                self._sizes[name] = size
                return line
            if answer.status != _CONFLICT:
                raise NoAnswerError(f"it refused with status {answer.status}")
            stands = parse_decimal(text_of(answer.body).removesuffix("\n"), "witness-size")
            if stands == old:
                raise NoAnswerError(f"it says that our head of {size} leaves is not one it knows")
            if stands > size:
                raise NoAnswerError(f"it stands at {stands}, beyond our {size} leaves")
            self._sizes[name] = stands
        raise NoAnswerError("it moves on with each question")


def cosignature_in(body: bytes, signed: Checkpoint, key: VerifierKey) -> Signature:
    """Return the line of *key* in the answer *body*; `RefusedError` without a valid one."""
    lines = parse_signatures(text_of(body))
    answered = Checkpoint(signed.head, Note(signed.note.text, lines))
    line = answered.note.signed_by(key)
    if line is None or check_cosigned(answered, key) is None:
        raise RefusedError("cosignature", f"{key.name} answered without its own")
    return line
