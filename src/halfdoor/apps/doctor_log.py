"""The checks of `halfdoor doctor` on the public log: its key, its witnesses, whether it goes on."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from halfdoor.apps.checks import Check
from halfdoor.apps.house_log import LogError, LogPlace, read_place
from halfdoor.apps.log import RENEW_SECONDS, standing_of
from halfdoor.clock import SystemClock
from halfdoor.config.model import Config
from halfdoor.store.errors import NoteKeyError
from halfdoor.transparency.log_store import LogState, LogStore

_NAME: Final = "public log"
_LOOK: Final = "Start the server; then halfdoor log status names the witnesses that fail."

LogExaminer = Callable[[LogStore], Awaitable[list[Check]]]

# A few renewals that went wrong are no news; ten are.
_OLD_SECONDS: Final = 10 * RENEW_SECONDS


def examine_log(config: Config) -> Iterator[Check]:
    """Return what can be said of the log without its database: key, policy, witnesses."""
    if config.log.origin is None:
        yield Check(
            _NAME,
            "advice",
            "none is configured: nobody outside can see what was allowed here.",
            "Set [log], then halfdoor log key and halfdoor log init.",
        )
        return
    try:
        place = read_place(config.log, config.data_dir)
    except (LogError, NoteKeyError) as error:
        yield Check(_NAME, "failed", f"{error}.", "halfdoor log key, and [log] in halfdoor.toml")
        return
    yield Check(
        "log key",
        "ok",
        f"of {config.log.origin}, for its owner alone.",
        "Keep a copy in another place: with another key nobody follows this log.",
    )
    yield from _operators(place)


def log_examiner(config: Config) -> LogExaminer:
    """Return what looks at the log of a house that was opened."""

    async def examine(store: LogStore) -> list[Check]:
        try:
            place = read_place(config.log, config.data_dir)
        except (LogError, NoteKeyError):
            # Said already, by `examine_log`.
            return []
        return [_progress(await store.state(), place, SystemClock().now_ms() // 1000)]

    return examine


def _progress(state: LogState | None, place: LogPlace, now: int) -> Check:
    if state is None:
        return Check(_NAME, "advice", "it was not begun.", "halfdoor log init")
    if state.origin != place.key.public.name:
        said = f"the database holds the log {state.origin}, another than is configured."
        return Check(_NAME, "failed", said, "Set log.origin back: a log never moves.")
    standing = standing_of(state, place.policy, state="waiting")
    said = f"{standing.size} leaves, {standing.published} of them published."
    if standing.cosigned_at is None:
        return Check(_NAME, "advice", f"{said} No quorum has vouched for it.", _LOOK)
    if now - standing.cosigned_at > _OLD_SECONDS:
        minutes = (now - standing.cosigned_at) // 60
        return Check(_NAME, "advice", f"{said} The last quorum is {minutes} minutes old.", _LOOK)
    return Check(_NAME, "ok", said)


def _operators(place: LogPlace) -> Iterator[Check]:
    names = [one.key.name.partition("/")[0] for one in place.policy.witnesses.values()]
    own = place.key.public.name.partition("/")[0]
    mine = names.count(own)
    found = f"{len(names)} under {len(set(names))} operators."
    if mine or len(set(names)) < len(names):
        yield Check(
            "witnesses",
            "advice",
            f"{found} {mine} of them are your own." if mine else found,
            "Each should have an operator of its own, none of them you.",
        )
        return
    yield Check("witnesses", "ok", found)
