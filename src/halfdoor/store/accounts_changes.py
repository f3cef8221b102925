"""One change of an account as named statements, made before a transaction begins."""

from typing import Any

import msgspec
from msgspec.structs import replace

from halfdoor.accounts.records import AccountRecord
from halfdoor.accounts.store import Change
from halfdoor.store.accounts_rows import AccountRows, place

# The name of a statement in the store's `accounts.sql`, and its values.
Statement = tuple[str, tuple[Any, ...]]


class Prepared(msgspec.Struct, frozen=True):
    """A change that is ready to be written: every row of it is sealed.

    If *first* touches no row the account moved on, and nothing may be written.
    """

    account: AccountRecord
    first: Statement
    rest: tuple[Statement, ...]


def slot_name(name: str, kid: bytes) -> str:
    """Return what a slot's row is found by: the same name may hold a former key too."""
    return f"{name}:{kid.hex()}"


def prepare(rows: AccountRows, change: Change) -> Prepared:
    """Return *change* with its rows sealed and its statements in order."""
    user = change.account.user
    at = place(user)
    account = replace(change.account, revision=0 if change.expects is None else change.expects + 1)
    row = rows.seal("account", user, (user,), account)
    first: Statement
    if change.expects is None:
        first = ("insert_account", (*at, account.revision, row.sealed, row.mac))
    else:
        moved = (account.revision, row.sealed, row.mac, *at, change.expects)
        first = ("update_account", moved)
    rest = [*_drops(change, at), *_puts(rows, change, at)]
    return Prepared(account, first, tuple(rest))


def _drops(change: Change, at: tuple[int, str]) -> list[Statement]:
    """Return what goes, before anything comes: a device's new session follows its old one."""
    found: list[Statement] = []
    for session in change.drop_sessions:
        key = (*at, session)
        found += [
            ("drop_session", key),
            ("drop_tokens_of", key),
            ("drop_pending", key),
            ("drop_start_over_of", key),
        ]
    for device in change.drop_devices:
        key = (*at, device)
        # The device first: whoever is adding keys to it holds its row, and finds it gone later.
        found += [
            ("drop_device", key),
            ("drop_device_key", key),
            ("drop_one_time_keys_of", key),
            ("drop_fallback_keys_of", key),
            ("drop_signatures_on", key),
        ]
    # After the devices: whoever queues a message for one holds its row meanwhile.
    found += [("drop_todev_of", (*at, one)) for one in change.drop_devices]
    found += [("drop_slot", (*at, slot_name(*one))) for one in change.drop_slots]
    found += [("drop_token", (at[0], one)) for one in change.drop_tokens]
    found += [("drop_pending", (*at, one)) for one in change.drop_pending]
    found += [("drop_former_key", (*at, one.hex())) for one in change.drop_former]
    if change.drop_start_over:
        found.append(("drop_start_over", at))
    if change.drop_login:
        found.append(("drop_login", at))
    if change.account.deactivated:
        found += [("drop_cross_keys", at), ("drop_signatures", at)]
        found += [("drop_key_backups", at), ("drop_backed_up_keys", at)]
    return found


def _puts(rows: AccountRows, change: Change, at: tuple[int, str]) -> list[Statement]:
    user = at[1]
    found: list[Statement] = []

    def put(table: str, name: str, record: msgspec.Struct, *more: Any) -> None:
        row = rows.seal(table, user, (user, name), record)
        found.append((f"put_{table}", (*at, name, *more, row.sealed, row.mac)))

    def put_one(table: str, record: msgspec.Struct, *more: Any) -> None:
        row = rows.seal(table, user, (user,), record)
        found.append((f"put_{table}", (*at, *more, row.sealed, row.mac)))

    for slot in change.put_slots:
        put("slot", slot_name(slot.name, slot.kid), slot)
    for session in change.put_sessions:
        put("session", session.id, session)
    for device in change.put_devices:
        put("device", device.id, device)
    for waiting in change.put_pending:
        put("pending", waiting.session, waiting)
    for former in change.put_former:
        put("former_key", former.kid.hex(), former, former.readable_until or None)
    for token in change.put_tokens:
        row = rows.seal("token", user, (user, token.lookup), token)
        expires = token.expires if token.blob else None
        values = (at[0], token.lookup, user, token.session, expires, row.sealed, row.mac)
        found.append(("put_token", values))
    if change.login is not None:
        put_one("login", change.login)
    if change.person is not None:
        put_one("person", change.person)
    if change.start_over is not None:
        put_one("start_over", change.start_over, change.start_over.session)
    return found
