"""Reading a log's entries from far away: a few files ahead, so that nobody waits for each."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from itertools import islice
from typing import Final

import msgspec

from halfdoor.merkle.bundles import check_bundle
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.tiles import WIDTH, Tile, bundles_of, check_tile
from halfdoor.transparency.source import Source

# Bundles that are on their way at a time. Each may be 16 MiB long, so they are few.
_AHEAD: Final = 8


class Stretch(msgspec.Struct, frozen=True):
    """The new entries of one bundle, and their leaf hashes as the tile has them, unchecked."""

    bundle: Tile
    entries: list[bytes]
    hashes: list[bytes]


async def stretches(source: Source, size: int, after: int) -> AsyncGenerator[Stretch, None]:
    """Yield the entries [after, size) in their order; `RefusedError` where files do not fit.

    Close it (`contextlib.aclosing`) where it is left early: what is on its way is given up then.
    """
    rest = bundles_of(size, after)
    coming: deque[asyncio.Task[Stretch]] = deque()
    try:
        while True:
            coming.extend(
                asyncio.create_task(_stretch(source, one, after))
                for one in islice(rest, _AHEAD - len(coming))
            )
            if not coming:
                return
            yield await coming.popleft()
    finally:
        for task in coming:
            task.cancel()
        await asyncio.gather(*coming, return_exceptions=True)


async def _stretch(source: Source, bundle: Tile, after: int) -> Stretch:
    try:
        data = await source.get(bundle.path)
        hashes = await source.get(Tile(0, bundle.index, bundle.width).path)
        if data is None or hashes is None:
            raise RefusedError("entries-there", "bundle or tile is missing")
        known = max(0, after - bundle.index * WIDTH)
        return Stretch(
            bundle,
            check_bundle(data, bundle.width)[known:],
            check_tile(hashes, bundle.width)[known:],
        )
    except RefusedError as error:
        raise RefusedError(error.check, f"{bundle.path}: {error.why}") from None
