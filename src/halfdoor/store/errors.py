"""What can go wrong with keeping things; each message says what to do."""


class StoreError(Exception):
    """The store refused or could not serve; the subclasses name the fact."""


class StoreUnavailableError(StoreError):
    """Disk full, read-only, broken or busy: not acknowledged; the request may be sent again."""


class StoreClosedError(StoreError):
    """The store is shutting down and takes no more writes."""


class DataInUseError(StoreError):
    """Another process has this data directory open."""


class DamagedStoreError(StoreError):
    """The database file is not a sound SQLite database."""


class UnfinishedCopyError(StoreError):
    """A restore or a move into this place was begun and is not complete."""


class NewerSchemaError(StoreError):
    """The database was written by a newer version of Halfdoor than this one."""


class SchemaError(StoreError):
    """The tables are not as any version of Halfdoor leaves them, and cannot be brought forward."""


class OuterKeyError(StoreError):
    """The outer key cannot be used: wrong, readable by others, missing, or beside the data."""


class NoteKeyError(StoreError):
    """The key of a log or a witness cannot be used: wrong, missing, or where others can read it."""


class WitnessMemoryError(StoreError):
    """What a witness remembers is missing, damaged, or not its own: it must not vouch."""


class UnknownConversationError(StoreError):
    """There is no conversation of this id to write to."""


class LostLeaseError(StoreError):
    """A job took longer than its lease, and another worker goes on with it."""
