"""Structured logs that cannot carry content: allowed keys, plain values, frames without locals."""

import asyncio
import logging
import re
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

# What a line may say. A key that is not here is dropped, so nothing enters by accident.
ALLOWED = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "method",
        "route",
        "status",
        "ms",
        "error",
        "frames",
        "logger",
        "thread",
        "signal",
        "port",
        "scheme",
        "count",
        "seconds",
        "version",
        "check",
        "setting",
        "bytes",
    }
)
# Events are our own constant phrases, never something formatted from a request.
_PHRASE = re.compile(r"[A-Za-z][A-Za-z ,'.:-]{0,100}")
# Route templates, type names and frames have this alphabet; ids and tokens do not fit in it.
_PLAIN = re.compile(r"[A-Za-z0-9_./{}:<> *+-]{0,200}")
# A long unbroken run is how secrets look (`hda1.` tokens, base64, hex).
_SECRET = re.compile(r"[A-Za-z0-9_-]{40,}|\bhd[ar]1\.|eyJ")

REMOVED = "[removed]"


def guard(_logger: WrappedLogger, _name: str, line: EventDict) -> EventDict:
    """Let through what cannot be content; structlog calls it last before rendering."""
    kept: EventDict = {}
    for key, value in line.items():
        if key in ALLOWED:
            kept[key] = _harmless(key, value)
    return kept


def _harmless(key: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        shape = _PHRASE if key == "event" else _PLAIN
        return value if shape.fullmatch(value) and not _SECRET.search(value) else REMOVED
    if key == "frames" and isinstance(value, list):
        return [_harmless("frame", each) for each in value]
    return REMOVED


def frames_of(trace: TracebackType | None) -> list[str]:
    """`module:line` of our own frames, outermost first: no source text, no values, no locals."""
    frames: list[str] = []
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "")
        if isinstance(module, str) and module.partition(".")[0] == "halfdoor":
            frames.append(f"{module}:{trace.tb_lineno}")
        trace = trace.tb_next
    return frames


def describe(error: BaseException) -> dict[str, Any]:
    """Type and our own frames. The message stays out: it may quote what someone wrote."""
    return {
        "error": f"{type(error).__module__}.{type(error).__qualname__}",
        "frames": frames_of(error.__traceback__),
    }


def configure(
    level: str = "info", *, stream: TextIO | None = None, console: bool | None = None
) -> FilteringBoundLogger:
    """Log to *stream* (stderr): for people on a terminal, as JSON lines otherwise.

    Also takes over the standard library's logging and every hook for uncaught errors, which would
    print messages, source lines or arguments.
    """
    target = sys.stderr if stream is None else stream
    for_people = target.isatty() if console is None else console
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=for_people and target.isatty())
        if for_people
        else structlog.processors.JSONRenderer(serializer=_to_json)
    )
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            guard,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(file=target),
        cache_logger_on_first_use=False,
    )
    # Bound at once: the lazy proxy would be resolved again for each line.
    log: FilteringBoundLogger = structlog.get_logger().bind()
    _take_over_libraries(log, threshold)
    _take_over_hooks(log)
    return log


def _to_json(line: Any, **_options: Any) -> str:
    return msgspec.json.encode(line).decode()


class _LibraryHandler(logging.Handler):
    """Passes on that a library spoke, never what it said."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        more = {} if error is None else describe(error)
        self._log.log(record.levelno, "library message", logger=record.name, **more)


def _take_over_libraries(log: FilteringBoundLogger, threshold: int) -> None:
    root = logging.getLogger()
    root.handlers[:] = [_LibraryHandler(log)]
    root.setLevel(max(threshold, logging.WARNING))


def _take_over_hooks(log: FilteringBoundLogger) -> None:
    def on_exception(
        _kind: type[BaseException], error: BaseException, _trace: TracebackType | None
    ) -> None:
        if isinstance(error, KeyboardInterrupt):
            return
        log.error("uncaught error", **describe(error))

    def on_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            log.error("uncaught error in a thread", **describe(args.exc_value))

    def on_unraisable(args: "sys.UnraisableHookArgs") -> None:
        if args.exc_value is not None:
            log.error("uncaught error in a finalizer", **describe(args.exc_value))

    sys.excepthook = on_exception
    threading.excepthook = on_thread
    sys.unraisablehook = on_unraisable


def loop_handler(
    log: FilteringBoundLogger,
) -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    """For `loop.set_exception_handler`: asyncio's own prints the exception's message."""

    def handle(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        more = describe(error) if isinstance(error, BaseException) else {}
        log.error("uncaught error in a task", **more)

    return handle
