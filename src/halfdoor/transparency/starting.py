"""What a log asks before it signs anything: whether anybody knows a larger or another tree of it.

A database that was lost, or put back from an older copy, would otherwise sign a smaller tree or a
second one, and no log survives that.
"""

import asyncio
from collections.abc import Mapping

from halfdoor.merkle.checkpoint import Head, check_signed, parse_checkpoint
from halfdoor.merkle.cosignature import check_cosigned
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.frontier import Frontier
from halfdoor.merkle.keys import VerifierKey
from halfdoor.merkle.trust_policy import TrustPolicy
from halfdoor.transparency.errors import NoQuorumError, StoppedError
from halfdoor.transparency.leaf import leaf_id
from halfdoor.transparency.log_store import LogFiles, LogState, LogStore, Waiting
from halfdoor.transparency.peers import NoAnswerError, Peer
from halfdoor.transparency.published import PublishedTree
from halfdoor.transparency.sequencer import advanced, write_files

_OK = 200
_NOTHING_SEEN = 404


async def witnessed(
    log: VerifierKey, policy: TrustPolicy, peers: Mapping[str, Peer]
) -> dict[str, Head]:
    """Return the newest head that each witness vouched for; those that saw none are left out.

    Whatever a quorum once cosigned, one of those asked knows: `NoQuorumError` while those who did
    not answer, or not with what this log's key signed, could be a quorum among themselves.
    """
    said = await asyncio.gather(*(_newest(one, log.name) for one in peers.values()))
    silent, heads = [], {}
    for name, answer in zip(peers, said, strict=True):
        head = _vouched(answer, log, policy.witnesses[name].key) if answer else None
        if head is not None:
            heads[name] = head
        elif answer is None or answer:
            silent.append(name)
    if policy.holds(silent):
        raise NoQuorumError(f"too few witnesses say where the log stands; silent: {silent}")
    return heads


async def catch_up(
    store: LogStore,
    files: LogFiles,
    heads: Mapping[str, Head],
) -> LogState:
    """Return where the log stands, once it is known to be what every witness vouched for.

    A head that fell behind is rebuilt from published tiles, checked against what witnesses
    cosigned. `StoppedError` where that cannot be, or where they vouched for another tree.
    """
    state = await store.state()
    if state is None:
        if heads:
            raise StoppedError("witnesses know this log, and the database does not: restore it")
        raise StoppedError("the log was not begun: `halfdoor log init`")
    ahead = max(heads.values(), key=lambda head: head.size, default=None)
    if ahead is not None and ahead.size > state.size:
        state = await _rebuilt(store, files, state, ahead)
    await write_files(store, files, state)
    tree = PublishedTree(files, state.size)
    if await tree.root() != Frontier(state.size, state.heads).root():
        raise StoppedError("the database holds another tree than the files")
    for name, head in heads.items():
        if await tree.root(head.size) != head.root:
            raise StoppedError(f"{name} vouched for another tree of {head.size} leaves")
    return state


async def _rebuilt(store: LogStore, files: LogFiles, state: LogState, ahead: Head) -> LogState:
    tree = PublishedTree(files, ahead.size)
    if await tree.root() != ahead.root:
        raise StoppedError("the files hold another tree than witnesses vouched for")
    leaves = await tree.entries(state.size)
    new = advanced(state, leaves)
    if Frontier(new.size, new.heads).root() != ahead.root:
        raise StoppedError("the database holds another tree than witnesses vouched for")
    if not await store.rebuild(state, new, [Waiting(leaf_id(leaf), leaf) for leaf in leaves]):
        raise StoppedError("somebody else is writing this log")
    return new


async def _newest(peer: Peer, origin: str) -> bytes | None:
    """Return what a witness says, b"" where it saw nothing, None where it does not answer."""
    try:
        answer = await peer.newest(origin)
    except NoAnswerError:
        return None
    if answer.status == _NOTHING_SEEN:
        return b""
    return answer.body if answer.status == _OK else None


def _vouched(answer: bytes, log: VerifierKey, witness: VerifierKey) -> Head | None:
    """Return the head in *answer*; None where it is not what log and witness signed."""
    try:
        checkpoint = parse_checkpoint(answer)
        check_signed(checkpoint, log)
        vouched = check_cosigned(checkpoint, witness) is not None
    except RefusedError:
        # Who lies is no better than who is silent: nobody but the log makes its signature.
        return None
    return checkpoint.head if vouched else None
