"""Conversations that nobody has written in today: the first message of each begins a new epoch.

    python -m bench.cold BASE_URL --crowd FILE --first N --last N [--each 5]

Connections take one conversation after the other and send its few messages; nobody reads.
"""

import argparse
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from bench.crowd import V3, Crowd, Pair
from bench.epoll import Exchange, Loop
from bench.load import Sent, say
from bench.phases import Found, Meter, Watched, Words


def cold(
    loop: Loop, lines: list[Exchange], pairs: list[Pair], each: int, words: Words, meter: Meter
) -> Found:
    """Send *each* messages into every one of *pairs*."""
    run, waiting, busy = secrets.token_hex(4), list(reversed(pairs)), len(lines)

    def worker(line: Exchange) -> Callable[[], None]:
        head, path, left = b"", b"", 0

        def more(_body: bytes = b"") -> None:
            nonlocal head, path, left, busy
            meter.count += bool(_body)
            if not left and waiting:
                pair = waiting.pop()
                head = line.head(pair.sender.token)
                path = f"PUT {V3}/rooms/{pair.room}/send/m.room.message/{run}".encode()
                left = each
            if not left:
                busy -= 1
                if not busy:
                    meter.end()
                    loop.stop()
                return
            left -= 1
            body = b'{"msgtype":"m.text","body":"%b"}' % words.next().encode()
            line.ask(b"%b%d%b%d\r\n\r\n%b" % (path, left, head, len(body), body), more)

        return more

    meter.begin()
    for line in lines:
        worker(line)()
    loop.run()
    return meter.found()


def main() -> int:
    """Print what was found, and what was sent."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("base_url")
    parser.add_argument("--crowd", type=Path, required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--last", type=int, required=True)
    parser.add_argument("--each", type=int, default=5)
    parser.add_argument("--lines", type=int, default=50)
    parser.add_argument("--server-pid", type=int, action="append", default=[])
    parser.add_argument("--database-pid", type=int, action="append", default=[])
    parser.add_argument("--canary", default="canary")
    options = parser.parse_args()
    parts = urlsplit(options.base_url)
    loop, words = Loop(), Words(options.canary)
    lines = [
        Exchange(loop, parts.hostname or "127.0.0.1", parts.port or 80)
        for _ in range(options.lines)
    ]
    pairs = Crowd.load(options.crowd).pairs[options.first : options.last]
    meter = Meter("cold", Watched(options.server_pid, options.database_pid))
    # The server's first second after its start is not what is asked about.
    time.sleep(1)
    try:
        say(cold(loop, lines, pairs, options.each, words, meter))
    except KeyboardInterrupt:
        return 130
    say(Sent(words.sent, words.bytes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
