"""Reads a backup from its first part to its last, and refuses one that is not whole."""

from halfdoor.store.backup.errors import DamagedBackupError
from halfdoor.store.backup.folder import BackupFolder
from halfdoor.store.backup.manifest import Manifest
from halfdoor.store.backup.rows import count_rows
from halfdoor.store.backup.schema import newest_schema, tables
from halfdoor.store.backup.source import Progress
from halfdoor.store.errors import NewerSchemaError


def verify(folder: BackupFolder, manifest: Manifest, progress: Progress) -> None:
    """Read every part that *manifest* names: seal, name, counts; and that no table is missing.

    `DamagedBackupError`, `NewerSchemaError`; each says what to do.
    """
    check_sections(manifest)
    done, parts = 0, sum(len(section.parts) for section in manifest.sections)
    for section in manifest.sections:
        rows = 0
        for part in section.parts:
            plain = folder.part(part)
            if count_rows(plain) != part.rows:
                raise DamagedBackupError(f"a part of {section.name} has another number of rows")
            rows += part.rows
            done += 1
            progress("verifying", done, parts)
        if rows != section.rows:
            raise DamagedBackupError(f"{section.name} has another number of rows than it says")


def check_sections(manifest: Manifest) -> None:
    """Refuse a manifest of a newer schema, or one that lacks a table or a column of its own."""
    known = newest_schema()
    if manifest.schema > known:
        raise NewerSchemaError(
            f"the backup was made by a newer Halfdoor (schema {manifest.schema}, this one knows"
            f" {known}): restore it with that version"
        )
    found = {section.name: section.columns for section in manifest.sections}
    wanted = {table.section: table.columns for table in tables(manifest.schema)}
    if found != wanted or len(found) != len(manifest.sections):
        raise DamagedBackupError(
            "the backup does not hold the tables that its schema has: use another copy of it"
        )
