"""Drives any Matrix homeserver that lets one register with m.login.dummy, and prints what it does.

    python -m bench.load BASE_URL [--pairs 50] [--seconds 10] [--rate 20] [--server-pid PID]

One line of JSON for each phase: acknowledged sends without receivers; messages delivered in a
closed loop (each pair's next message leaves when the last one has arrived by /sync and was
acknowledged); the latency of delivery at a fixed rate, and at half of what the server delivered;
sign-ins. Plain HTTP on loopback, two connections for each pair. Processor time is that of the
processes that are named, and of this tool itself.
"""

import argparse
import asyncio
import gc
import secrets
import sys
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from bench.crowd import Crowd, make_pairs
from bench.epoll import Loop
from bench.phases import Found, Meter, Watched, Words, acknowledged, delivered, paced
from bench.signins import logins
from bench.talks import MatrixTalk

PHASES = ("acknowledged", "delivered", "steady", "half", "logins")


class Sent(msgspec.Struct):
    """How many messages a run sent in all, and how many bytes of text were in them."""

    messages: int
    text_bytes: int


def drive(
    host: str,
    port: int,
    reader_port: int,
    crowd: Crowd,
    watched: Watched,
    *,
    phases: list[str],
    seconds: float,
    steady_seconds: float,
    rate: float,
    canary: str,
) -> Sent:
    """Run *phases* and print each as it ends."""
    loop, run, words = Loop(), secrets.token_hex(4), Words(canary)
    talks = [MatrixTalk(loop, host, port, reader_port, pair, run) for pair in crowd.pairs]
    most, warm = 0.0, min(2.0, seconds / 2)
    for phase in phases:
        meter = Meter(phase, watched)
        gc.collect()
        gc.freeze()
        if phase == "acknowledged":
            found = acknowledged(loop, talks, words, meter, warm, seconds)
        elif phase == "delivered":
            found = delivered(loop, talks, words, meter, warm, seconds)
            most = found.rate
        elif phase == "steady":
            found = paced(loop, talks, words, meter, rate, steady_seconds)
        elif phase == "half":
            found = paced(loop, talks, words, meter, max(1.0, most / 2), seconds)
        else:
            found = logins(loop, host, port, crowd.people, meter, seconds / 2)
        say(found)
    for talk in talks:
        talk.close(loop)
    return Sent(words.sent, words.bytes)


def say(what: Found | Sent) -> None:
    """Print one line, at once."""
    sys.stdout.write(msgspec.json.encode(what).decode() + "\n")
    sys.stdout.flush()


def main() -> int:
    """Make the people where no file holds them, and drive."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("base_url")
    parser.add_argument("--reader-url", help="where readers sync, if another node serves them")
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--steady-seconds", type=float, default=10)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--crowd", type=Path, help="people who exist already, and their pairs")
    parser.add_argument("--phases", nargs="+", choices=PHASES, default=list(PHASES))
    parser.add_argument("--server-pid", type=int, action="append", default=[])
    parser.add_argument("--database-pid", type=int, action="append", default=[])
    parser.add_argument("--canary", default="canary")
    options = parser.parse_args()
    parts = urlsplit(options.base_url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    if options.crowd is not None:
        crowd = Crowd.load(options.crowd)
    else:
        prefix = f"u{secrets.token_hex(3)}"
        crowd = asyncio.run(make_pairs(host, port, options.pairs, prefix=prefix))
    try:
        sent = drive(
            host,
            port,
            urlsplit(options.reader_url).port or port if options.reader_url else port,
            crowd,
            Watched(options.server_pid, options.database_pid),
            phases=options.phases,
            seconds=options.seconds,
            steady_seconds=options.steady_seconds,
            rate=options.rate,
            canary=options.canary,
        )
    except KeyboardInterrupt:
        return 130
    if options.crowd is not None:
        crowd.save(options.crowd)
    say(sent)
    return 0


if __name__ == "__main__":
    sys.exit(main())
