"""A database on another machine is spoken to by TLS with a verified name, or not at all."""

import os
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from tests.store.making import ALICE, BOB, chains, found
from tests.store.postgres_server import PostgresServer

from halfdoor.config.peers import is_local
from halfdoor.store.errors import StoreUnavailableError
from halfdoor.store.outerkey import OuterKeyFile
from halfdoor.store.postgres.address import Address
from halfdoor.store.postgres.errors import UnfitServerError, UnsafeConnectionError
from halfdoor.store.postgres.opening import open_store

KEY = OuterKeyFile(Path("unused"), b"k" * 32)
FAR = "postgresql://halfdoor:secret-word@db.example/halfdoor"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?sslmode=disable",
        "?sslmode=prefer",
        "?sslmode=require",
        "?sslmode=verify-ca",
        "?sslmode=require&sslrootcert=/etc/ssl/certs/ca-certificates.crt",
    ],
)
def test_another_machine_without_a_verified_name_is_refused(query: str) -> None:
    with pytest.raises(UnsafeConnectionError, match="sslmode=verify-full"):
        Address(FAR + query)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://127.0.0.1,db.example/x",
        "postgresql:///x?host=127.0.0.1,db.example",
        "postgresql://db.example/x?host=127.0.0.1",
        "postgresql://192.0.2.7/x",
        "postgresql://[2001:db8::1]:5432/x",
        "postgresql://localhost.db.example/x",
        "postgresql://127.0.0.1.db.example/x",
    ],
)
def test_one_far_host_among_near_ones_is_enough(address: str) -> None:
    with pytest.raises(UnsafeConnectionError, match="another machine"):
        Address(address)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("mysql://127.0.0.1/x", "postgresql://"),
        ("postgresql:///x", "must name its host"),
        ("postgresql://a:b@c@127.0.0.1/x", "%40"),
        ("postgresql://127.0.0.1/x?sslmode=require", "does not check whom"),
        ("postgresql://db.example/x?sslmode=verify-full&sslrootcert=/none", "cannot be read"),
    ],
)
def test_an_address_that_cannot_be_used_says_why(address: str, why: str) -> None:
    with pytest.raises(UnsafeConnectionError, match=why):
        Address(address)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("/run/postgresql", True),
        ("10.0.0.1", False),
        ("db", False),
    ],
)
def test_near_is_a_socket_or_a_loopback_name(host: str, local: bool) -> None:
    assert is_local(host) is local


def test_near_addresses_need_no_tls() -> None:
    for address in (
        "postgresql://127.0.0.1:5433/x",
        "postgresql://[::1]/x",
        "postgresql://user@/x?host=/run/postgresql",
        "postgresql://%2Frun%2Fpostgresql/x",
    ):
        assert Address(address).ssl is False


def test_a_far_address_gets_tls_that_verifies_the_name() -> None:
    context = Address(FAR + "?sslmode=verify-full").ssl
    assert isinstance(context, ssl.SSLContext)
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_no_address_shows_its_password() -> None:
    address = Address(FAR + "?sslmode=verify-full")
    assert repr(address) == "Address(hosts=('db.example',))"
    with pytest.raises(UnsafeConnectionError) as refused:
        Address(FAR)
    assert "secret-word" not in str(refused.value)


# In the clear by the socket alone.
_HBA = "hostssl all all 127.0.0.1/32 scram-sha-256\nlocal all all scram-sha-256\n"
DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def tls_server(authority: trustme.CA) -> Iterator[PostgresServer]:
    """A server of the machine's own PostgreSQL, which has TLS, and refuses to go without."""
    assert DEBIAN, "install Debian's postgresql: the packaged server of the tests has no TLS"
    server = PostgresServer("ssl = on", bin=DEBIAN[-1])
    try:
        certificate = authority.issue_cert("localhost")
        for name, blob in (
            ("server.key", certificate.private_key_pem.bytes()),
            ("server.crt", certificate.cert_chain_pems[0].bytes()),
        ):
            path = server.data / name
            path.write_bytes(blob)
            path.chmod(0o600)
            os.chown(path, server.data.stat().st_uid, server.data.stat().st_gid)
        (server.data / "pg_hba.conf").write_text(_HBA)
        server.start()
        yield server
    finally:
        server.stop()


def tls_address(server: PostgresServer, root: Path, host: str) -> str:
    near = server.dsn().replace("127.0.0.1", host)
    return f"{near}?sslmode=verify-full&sslrootcert={root}"


async def test_a_server_with_the_name_that_was_asked_for_is_used(
    tls_server: PostgresServer, authority: trustme.CA, tmp_path: Path
) -> None:
    root = tmp_path / "root.pem"
    authority.cert_pem.write_to_path(str(root))
    store = await open_store(tls_address(tls_server, root, "localhost"), KEY)
    await found(store, ALICE, BOB)
    assert {report.ok for report in await chains(store)} == {True}
    await store.close()


async def test_a_server_that_takes_no_connection_in_the_clear_is_not_spoken_to_in_the_clear(
    tls_server: PostgresServer,
) -> None:
    with pytest.raises(StoreUnavailableError, match="refuses"):
        await open_store(tls_server.dsn(), KEY)


async def test_a_database_behind_a_socket_of_this_machine_needs_no_tls(
    tls_server: PostgresServer,
) -> None:
    near = tls_server.dsn().replace(f"127.0.0.1:{tls_server.port}", "")
    store = await open_store(f"{near}?host={tls_server.folder}&port={tls_server.port}", KEY)
    await found(store, ALICE, BOB)
    assert {report.ok for report in await chains(store)} == {True}
    await store.close()


async def test_a_server_with_another_name_or_of_another_authority_is_refused(
    tls_server: PostgresServer, authority: trustme.CA, tmp_path: Path
) -> None:
    root, stranger = tmp_path / "root.pem", tmp_path / "stranger.pem"
    authority.cert_pem.write_to_path(str(root))
    trustme.CA().cert_pem.write_to_path(str(stranger))
    for address in (
        tls_address(tls_server, root, "127.0.0.1"),
        tls_address(tls_server, stranger, "localhost"),
    ):
        with pytest.raises(StoreUnavailableError, match="certificate verify failed"):
            await open_store(address, KEY)


async def test_a_server_that_does_not_speak_tls_is_refused(
    postgresql_address: str, authority: trustme.CA, tmp_path: Path
) -> None:
    root = tmp_path / "root.pem"
    authority.cert_pem.write_to_path(str(root))
    with pytest.raises(StoreUnavailableError):
        await open_store(f"{postgresql_address}?sslmode=verify-full&sslrootcert={root}", KEY)


@pytest.mark.parametrize("setting", ["fsync = off", "synchronous_commit = off"])
async def test_a_server_that_acknowledges_what_it_may_lose_is_refused(setting: str) -> None:
    server = PostgresServer(setting).start()
    try:
        with pytest.raises(UnfitServerError, match="fsync = on"):
            await open_store(server.dsn(), KEY)
    finally:
        server.stop()


def test_the_server_of_tests_leaves_nothing() -> None:
    server = PostgresServer().start()
    server.stop()
    assert not server.folder.exists()
    assert shutil.which("setpriv") or os.geteuid() != 0
