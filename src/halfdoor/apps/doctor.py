"""`halfdoor doctor`: looks at everything a server stands on, says what to do, and tries to cheat.

Each check is a small function that returns what it found; none changes anything.
"""

import asyncio
import resource
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from halfdoor.apps.checks import Check
from halfdoor.apps.doctor_database import examine_database
from halfdoor.apps.doctor_log import examine_log
from halfdoor.apps.doctor_store import examine_embedded
from halfdoor.apps.release import release, release_check
from halfdoor.apps.stores import database_place, has_data
from halfdoor.config.errors import ConfigError
from halfdoor.config.model import Config
from halfdoor.policy.errors import PolicyError
from halfdoor.policy.load import escrow_documents
from halfdoor.policy.load import load as load_policy
from halfdoor.policy.model import Policy
from halfdoor.sealing.shares import EscrowSet, EscrowSetError
from halfdoor.store.errors import StoreError
from halfdoor.store.outerkey import OuterKeyFile, default_path, outer_key_file, successor_path
from halfdoor.store.rotation import former_keys
from halfdoor.store.sqlite.opening import has_data as folder_has_data

# Before this program was written: a clock that says so is wrong.
_FIRST_MOMENT: Final = datetime(2026, 1, 1, tzinfo=UTC)
_SOON_DAYS: Final = 30
_OTHERS: Final = 0o077
_RENEW: Final = "Renew it: the server takes the new files by itself, at once on SIGHUP."


def examine(config: Config, *, chains: bool) -> list[Check]:
    """All checks of a server with *config*; *chains* recomputes every conversation's chain."""
    found = examine_machine(config)
    try:
        place = database_place(config)
    except ConfigError as error:
        return [*found, Check("database", "failed", str(error))]
    key = _outer_key(config)
    found.append(key[0])
    if key[1] is not None and place is not None:
        found += asyncio.run(examine_database(place, key[1], config, chains=chains))
    elif key[1] is not None and folder_has_data(config.data_dir):
        found += asyncio.run(examine_embedded(config, key[1], chains=chains))
    elif chains:
        found.append(Check("chains", "failed", "there is no data that could be recomputed."))
    return found


def examine_machine(config: Config) -> list[Check]:
    """What can be said of a server with *config* without opening its database."""
    found = [release_check(release()), _data_folder(config.data_dir)]
    found += _clock(config.data_dir, datetime.now(UTC))
    found += [*_policy(config), *_tls(config, datetime.now(UTC)), *examine_log(config)]
    return [*found, _core_dumps()]


def examine_beside(config: Config) -> list[Check]:
    """All checks of a server that runs; an embedded database is its own, and left alone.

    It takes a thread without an event loop.
    """
    found = examine_machine(config)
    key = _outer_key(config)
    found.append(key[0])
    place = database_place(config)
    if key[1] is not None and place is not None:
        found += asyncio.run(examine_database(place, key[1], config, chains=False))
    return found


def _data_folder(folder: Path) -> Check:
    name = "data folder"
    if not folder.exists():
        return Check(name, "advice", f"{folder} is not there yet; the first start makes it.")
    if not folder.is_dir():
        return Check(name, "failed", f"{folder} is no folder.", "Name another data_dir.")
    if folder.stat().st_mode & _OTHERS:
        return Check(
            name, "failed", f"others on this machine can enter {folder}.", f"chmod 700 {folder}"
        )
    return Check(name, "ok", f"{folder}, for its owner alone.")


def _clock(folder: Path, now: datetime) -> Iterator[Check]:
    name, todo = "clock", "Set the clock, and keep it right (chrony, systemd-timesyncd)."
    said = f"{now:%Y-%m-%d %H:%M} UTC"
    if now < _FIRST_MOMENT:
        yield Check(name, "failed", f"{said}: that is in the past.", todo)
        return
    # Every event is written as it happens, so no file can be newer than now.
    newest = max((each.stat().st_mtime for each in folder.glob("*.db*")), default=0.0)
    if newest > now.timestamp() + 60:
        yield Check(name, "failed", f"{said}: the newest event is later than that.", todo)
        return
    yield Check(name, "ok", said)


def _policy(config: Config) -> Iterator[Check]:
    try:
        policy = load_policy(config.policy_file)
    except PolicyError as error:
        yield Check("policy", "failed", str(error), "halfdoor policy lint FILE")
        return
    yield Check("policy", "ok", f"entity {policy.entity.name}, hash {policy.digest.hex()[:16]}…")
    first, emergency = (
        (None, None) if config.policy_file is None else escrow_documents(policy, config.policy_file)
    )
    first = config.escrow_set_file or first
    emergency = config.emergency_set_file or emergency
    if first is None:
        yield Check(
            "escrow set",
            "advice",
            "none is named, so standard conversations cannot be created.",
            "halfdoor custodian init (each custodian), then halfdoor custodian set",
        )
    else:
        yield _escrow_set("escrow set", first, policy)
    if emergency is not None:
        yield _escrow_set("emergency set", emergency, policy)


def _escrow_set(name: str, file: Path, policy: Policy) -> Check:
    todo = "halfdoor custodian set"
    try:
        escrow_set = EscrowSet.from_document(msgspec.json.decode(file.read_bytes()))
    except OSError as error:
        return Check(name, "failed", f"{file} cannot be read: {error.strerror}.", todo)
    except (msgspec.DecodeError, EscrowSetError):
        return Check(name, "failed", f"{file} is no escrow set.", todo)
    if escrow_set.entity != policy.entity.name:
        return Check(name, "failed", f"{file} belongs to another entity.", todo)
    if escrow_set.open_until is not None:
        return Check(name, "failed", f"{file} is closed to new conversations.", todo)
    need = " and ".join(str(k) for k in escrow_set.thresholds)
    people = len(escrow_set.custodians)
    return Check(name, "ok", f"{need} of {people} custodians, set {escrow_set.hash.hex()[:16]}…")


def _tls(config: Config, now: datetime) -> Iterator[Check]:
    name = "TLS"
    if config.tls_cert is None or config.tls_key is None:
        where = "a proxy speaks TLS" if config.behind_proxy else "plain HTTP on loopback"
        yield Check(name, "ok", f"none here: {where}.")
        return
    try:
        certificate = x509.load_pem_x509_certificates(config.tls_cert.read_bytes())[0]
        key = load_pem_private_key(config.tls_key.read_bytes(), None)
    except OSError as error:
        yield Check(name, "failed", f"{error.filename} cannot be read: {error.strerror}.")
        return
    except (ValueError, TypeError):
        yield Check(name, "failed", "the certificate or its key is not PEM without passphrase.")
        return
    if _public(certificate) != _public(key):
        yield Check(name, "failed", "the key belongs to another certificate.")
    elif now > certificate.not_valid_after_utc:
        yield Check(name, "failed", "the certificate has expired.", "Renew it.")
    elif (certificate.not_valid_after_utc - now).days < _SOON_DAYS:
        days = (certificate.not_valid_after_utc - now).days
        yield Check(name, "advice", f"the certificate expires in {days} days.", _RENEW)
    else:
        yield Check(name, "ok", f"valid until {certificate.not_valid_after_utc:%Y-%m-%d}.")
    if config.tls_key.stat().st_mode & _OTHERS:
        yield Check("TLS key", "failed", "others can read it.", f"chmod 600 {config.tls_key}")


def _public(owner: Any) -> bytes:
    spelled: bytes = owner.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    return spelled


def _core_dumps() -> Check:
    if resource.getrlimit(resource.RLIMIT_CORE)[0] == 0:
        return Check("core dumps", "ok", "off.")
    return Check(
        "core dumps",
        "advice",
        "allowed here; the server turns them off for itself at start.",
        "LimitCORE=0 in its unit, or `ulimit -c 0`, makes sure.",
    )


def _outer_key(config: Config) -> tuple[Check, OuterKeyFile | None]:
    name = "outer key"
    path = config.outer_key_file or default_path()
    try:
        if not path.exists() and not has_data(config):
            said = f"not there yet; the first start makes it at {path}."
            return Check(name, "advice", said), None
        key = outer_key_file(path, config.data_dir, make=False)
    except StoreError as error:
        return Check(name, "failed", f"{error}."), None
    if successor_path(path).exists():
        return (
            Check(
                name,
                "advice",
                f"at {path}, and a new one beside it that is not in its place yet.",
                "halfdoor key rotate puts it in force, or finishes that.",
            ),
            key,
        )
    former = len(former_keys(path))
    kept = f" {former} former keys lie beside it: halfdoor key show." if former else ""
    return (
        Check(
            name,
            "ok",
            f"at {path}, for its owner alone.{kept}",
            "Keep a copy in another place, never beside a backup of the data: without it "
            "everything stays sealed.",
        ),
        key,
    )
