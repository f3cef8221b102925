"""The figures of a comparison, as they are written to a file and read from it."""

import msgspec
from bench.phases import Found


class Made(msgspec.Struct, kw_only=True):
    """What a server was before anything was measured: people and conversations, and their cost."""

    conversations: int
    conversations_per_s: float
    bytes_per_conversation: float


class Hot(msgspec.Struct, kw_only=True):
    """One run of pairs that talk. Bytes are what a message takes beyond its text."""

    start_seconds: float
    idle_mib: float
    idle_database_mib: float
    bytes_per_message: float | None
    phases: list[Found]


class Cold(msgspec.Struct, kw_only=True):
    """One run over conversations whose epochs are all new."""

    conversations: int
    bytes_per_message: float
    found: Found


class Cell(msgspec.Struct, kw_only=True):
    """One server on one store."""

    server: str
    version: str
    store: str
    hash_cost: str
    made: Made | None = None
    hot: list[Hot] = []
    cold: list[Cold] = []
    canary: dict[str, int] = {}
    wrong: str = ""


class Report(msgspec.Struct, kw_only=True):
    """Everything that one comparison found."""

    date: str
    machine: str
    versions: dict[str, str]
    options: dict[str, int | float | str]
    cells: list[Cell] = []
    others: dict[str, float] = {}
