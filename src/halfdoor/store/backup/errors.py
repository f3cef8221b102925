"""What can be wrong with a backup or with the place it is to go; each message says what to do."""

from halfdoor.store.errors import StoreError


class BackupError(StoreError):
    """A backup could not be made or used; the subclasses name the fact."""


class NoBackupError(BackupError):
    """There is no backup in this folder, or not the one that was asked for."""


class UnfitFolderError(BackupError):
    """This folder is no place for a backup."""


class DamagedBackupError(BackupError):
    """A part or a manifest is missing, cut or changed."""


class UnknownFormatError(BackupError):
    """The backup was written in a form that this version does not know."""


class OccupiedError(BackupError):
    """The place to restore to holds data already, and nothing is ever put over data."""


class UnequalCopyError(BackupError):
    """What was read back from a copy is not what was put into it."""


class NoHouseError(BackupError):
    """There is nothing that could be copied."""
