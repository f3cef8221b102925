"""Sign-ins with a password, over and over, by everybody in turn."""

import time
from collections.abc import Callable, Sequence
from itertools import cycle

import msgspec
from bench.crowd import PASSWORD, V3, Person
from bench.epoll import Exchange, Loop
from bench.phases import Found, Meter


def logins(
    loop: Loop,
    host: str,
    port: int,
    people: Sequence[Person],
    meter: Meter,
    seconds: float,
    lines: int = 16,
) -> Found:
    """*lines* connections sign people in as fast as they are answered."""
    end, busy, turn = time.perf_counter() + seconds, lines, cycle(people)
    path = f"POST {V3}/login".encode()

    def caller(line: Exchange) -> Callable[[bytes], None]:
        def answered(_body: bytes) -> None:
            nonlocal busy
            meter.count += 1
            if time.perf_counter() < end:
                ask()
            else:
                busy -= 1
                if not busy:
                    meter.end()
                    loop.stop()

        def ask() -> None:
            identifier = {"type": "m.id.user", "user": next(turn).user}
            body = msgspec.json.encode(
                {"type": "m.login.password", "identifier": identifier, "password": PASSWORD}
            )
            line.ask(path + line.head("") + b"%d\r\n\r\n%b" % (len(body), body), answered)

        ask()
        return answered

    # Each from an address of its own, as people are: guesses from one address are few.
    callers = [Exchange(loop, host, port, f"127.0.1.{n + 1}") for n in range(lines)]
    meter.begin()
    for line in callers:
        caller(line)
    loop.run()
    for line in callers:
        loop.remove(line)
    return meter.found()
