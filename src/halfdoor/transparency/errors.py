"""What can be wrong with an entry, or stop a log."""


class EntryError(ValueError):
    """An entry, or what it names, is not what the log may hold; the message says why."""


class StoppedError(Exception):
    """The log does not go on: signing now would fork it, shrink it or begin it anew."""


class NoQuorumError(Exception):
    """Too few witnesses cosigned; nothing is lost, and it is tried again."""
