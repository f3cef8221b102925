"""What is wrong with a message bus before anything is sent; each message says what to do."""


class BusError(Exception):
    """The bus cannot be used as it is configured."""


class UnsafeBusError(BusError):
    """The bus is on another machine and would not be protected, or its secrets lie open."""
