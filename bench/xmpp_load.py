"""Drives an XMPP server as `bench.load` drives a Matrix one; one line of JSON for each phase.

python -m bench.xmpp_load PORT [--register] [--pairs 50] [--seconds 10] [--rate 20]
"""

import argparse
import gc
import sys

from bench.epoll import Loop
from bench.load import Sent, say
from bench.phases import Meter, Watched, Words, delivered, paced
from bench.xmpp import XmppTalk, register


def main() -> int:
    """Register people, or let them talk."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("port", type=int)
    parser.add_argument("--register", action="store_true")
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--steady-seconds", type=float, default=10)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--server-pid", type=int, action="append", default=[])
    parser.add_argument("--database-pid", type=int, action="append", default=[])
    parser.add_argument("--canary", default="canary")
    options = parser.parse_args()
    if options.register:
        register(options.port, [f"x{n}" for n in range(2 * options.pairs)])
        return 0
    loop, words = Loop(), Words(options.canary)
    watched = Watched(options.server_pid, options.database_pid)
    talks = [XmppTalk(loop, options.port, n) for n in range(options.pairs)]
    gc.collect()
    gc.freeze()
    try:
        warm = min(2.0, options.seconds / 2)
        found = delivered(loop, talks, words, Meter("delivered", watched), warm, options.seconds)
        say(found)
        meter = Meter("steady", watched)
        say(paced(loop, talks, words, meter, options.rate, options.steady_seconds))
        meter = Meter("half", watched)
        say(paced(loop, talks, words, meter, max(1.0, found.rate / 2), options.seconds))
    except KeyboardInterrupt:
        return 130
    say(Sent(words.sent, words.bytes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
