"""Bodies that are too long to be held: they are handed on piece by piece as they arrive."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final

from halfdoor.web.errors import BrokenBodyError, SlowBodyError, TooLargeError

# Slower than the slowest line that somebody would send a file over.
_BYTES_PER_SECOND: Final = 16_384


async def incoming(
    receive: Callable[[], Awaitable[dict[str, Any]]],
    limit: int,
    declared: int | None,
    seconds: float,
) -> AsyncGenerator[bytes, None]:
    """Yield a body of at most *limit* bytes as it comes; *declared* is the length it claims.

    Nothing is asked for before the piece before it was taken. Each piece must come within
    *seconds*, and all of them no slower than a bad line is; only the time that the client takes is
    counted. TooLargeError, SlowBodyError; BrokenBodyError where it ends before its end.
    """
    loop = asyncio.get_running_loop()
    taken, waited = 0, 0.0
    while declared is None or taken < declared:
        asked = loop.time()
        try:
            async with asyncio.timeout(seconds):
                message = await receive()
        except TimeoutError:
            raise SlowBodyError from None
        waited += loop.time() - asked
        if message["type"] != "http.request":
            raise BrokenBodyError
        piece: bytes = message.get("body", b"")
        taken += len(piece)
        if taken > limit:
            raise TooLargeError
        if declared is not None and taken > declared:
            raise BrokenBodyError
        if waited > seconds + taken / _BYTES_PER_SECOND:
            raise SlowBodyError
        if piece:
            yield piece
        if not message.get("more_body", False):
            if declared is not None and taken != declared:
                raise BrokenBodyError
            return
