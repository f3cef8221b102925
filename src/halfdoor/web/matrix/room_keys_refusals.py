"""What a client is told when a key backup is refused (CS-API, "Server-side key backups")."""

from typing import Any

from halfdoor.e2ee import key_backup as refused
from halfdoor.e2ee import key_backup_store as stores
from halfdoor.e2ee.key_backups import BadKeyError, TooLongError
from halfdoor.web.errors import ErrorTable


def add_room_keys_refusals(table: ErrorTable) -> None:
    """Enter everything that is refused about key backups."""
    table.add(refused.UnknownBackupError, 404, "M_NOT_FOUND", "There is no such backup or key.")
    table.add(
        refused.WrongVersionError,
        403,
        "M_WRONG_ROOM_KEYS_VERSION",
        "Keys are kept in the newest backup only.",
        extras=_current,
    )
    table.add(stores.BackupFullError, 413, "M_TOO_LARGE", "No more can be backed up.")
    table.add(stores.AlgorithmChangedError, 400, "M_INVALID_PARAM", "A backup keeps its algorithm.")
    table.add(BadKeyError, 400, "M_INVALID_PARAM", "A room or session is no id.")
    table.add(TooLongError, 413, "M_TOO_LARGE", "A key, or what is said of it, is too long.")


def _current(error: refused.WrongVersionError) -> dict[str, Any]:
    return {"current_version": error.current}
