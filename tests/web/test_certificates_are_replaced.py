import asyncio
import io
import os
import signal
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from tests.web.serving import Issued, Running, issue, request, running, shown, status, until_closed

from halfdoor.web.certificate import Certificate, CertificateError, load_context
from halfdoor.web.logs import configure

YESTERDAY = datetime.now(UTC) - timedelta(days=1)


@pytest.fixture
def issued(tmp_path: Path) -> Issued:
    return issue(tmp_path)


def wrong_key(issued: Issued) -> None:
    other = issued.authority.issue_cert("localhost")
    other.private_key_pem.write_to_path(str(issued.key))


def no_key(issued: Issued) -> None:
    issued.key.unlink()


def no_chain(issued: Issued) -> None:
    issued.chain.unlink()


def half_a_chain(issued: Issued) -> None:
    issued.chain.write_bytes(issued.chain.read_bytes()[:200])


def ended(issued: Issued) -> None:
    issued.write(not_before=YESTERDAY - timedelta(days=1), not_after=YESTERDAY)


def locked_key(issued: Issued) -> None:
    key = load_pem_private_key(issued.key.read_bytes(), None)
    locked = key.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"a password")
    )
    issued.key.write_bytes(locked)


async def serial_now(server: Running) -> str:
    _, writer = await server.open()
    serial = shown(writer)
    writer.close()
    return serial


@pytest.mark.parametrize("spoil", [wrong_key, no_key, no_chain, half_a_chain, ended, locked_key])
async def test_a_pair_that_cannot_be_used_is_refused_and_the_old_one_stays(
    build: Callable[..., Any], issued: Issued, spoil: Callable[[Issued], None]
) -> None:
    options = {"tls_cert": issued.chain, "tls_key": issued.key, "client_tls": issued.client}
    async with running(build, **options) as server:
        before = await serial_now(server)
        spoil(issued)
        os.kill(os.getpid(), signal.SIGHUP)
        await server.logged("new certificate refused")
        assert await serial_now(server) == before
        told = server.log.getvalue()
    assert '"setting":"tls_' in told
    assert "[removed]" not in told
    assert "PRIVATE" not in told


async def test_a_long_poll_that_was_open_before_the_reload_is_answered_after_it(
    build: Callable[..., Any], issued: Issued
) -> None:
    options = {"tls_cert": issued.chain, "tls_key": issued.key, "client_tls": issued.client}
    async with running(build, **options) as server:
        reader, writer = await server.open()
        old = shown(writer)
        writer.write(request("GET /poll"))
        await server.polls.waiting.wait()
        new = issued.write()
        assert new != old
        os.kill(os.getpid(), signal.SIGHUP)
        await server.logged('"new certificate"')
        assert await serial_now(server) == new
        server.polls.woken.set()
        answer = await asyncio.wait_for(until_closed(reader), 10)
        assert answer.endswith(b'{"woken":true}')
        writer.close()


async def test_one_connection_goes_on_with_requests_across_a_reload(
    build: Callable[..., Any], issued: Issued
) -> None:
    options = {"tls_cert": issued.chain, "tls_key": issued.key, "client_tls": issued.client}
    async with running(build, **options) as server:
        reader, writer = await server.open()
        new = ""
        for time in (1, 2):
            writer.write(b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            await reader.readuntil(b"}")
            new = issued.write()
            os.kill(os.getpid(), signal.SIGHUP)
            await server.logged('"new certificate"', time)
        assert await serial_now(server) == new
        writer.close()


async def test_a_drain_over_tls_answers_who_is_there_and_takes_nobody_more(
    build: Callable[..., Any], issued: Issued
) -> None:
    options = {"tls_cert": issued.chain, "tls_key": issued.key, "client_tls": issued.client}
    async with running(build, **options) as server:
        poll = asyncio.ensure_future(server.talk(request("GET /poll")))
        silent = await asyncio.open_connection("127.0.0.1", server.port)
        await server.polls.waiting.wait()
        server.stopping.ask()
        assert b'{"woken":true}' in await poll
        await asyncio.wait_for(asyncio.shield(server.task), 10)
        with pytest.raises(ConnectionError):
            await server.open()
        silent[1].close()


async def test_changed_files_are_noticed_without_a_signal(
    build: Callable[..., Any], issued: Issued
) -> None:
    options = {"tls_cert": issued.chain, "tls_key": issued.key, "client_tls": issued.client}
    async with running(build, look_seconds=0.02, **options) as server:
        new = issued.write()
        await server.logged('"new certificate"')
        assert await serial_now(server) == new


async def test_a_bad_pair_is_told_once_and_a_good_one_after_it_is_taken(issued: Issued) -> None:
    log = io.StringIO()
    certificate = Certificate(issued.chain, issued.key)
    first = certificate.context
    wrong_key(issued)
    for _ in range(3):
        assert not await certificate.refresh(configure("info", stream=log, console=False))
    assert log.getvalue().count("new certificate refused") == 1
    assert certificate.context is first
    issued.write()
    assert await certificate.refresh(configure("info", stream=log, console=False))
    assert certificate.context is not first


async def test_files_that_did_not_change_are_not_loaded_again(issued: Issued) -> None:
    certificate = Certificate(issued.chain, issued.key)
    first = certificate.context
    log = configure("info", stream=io.StringIO(), console=False)
    assert not await certificate.refresh(log)
    assert certificate.context is first
    assert await certificate.refresh(log, asked=True)


async def test_sighup_without_tls_ends_nothing(build: Callable[..., Any]) -> None:
    async with running(build) as server:
        os.kill(os.getpid(), signal.SIGHUP)
        await server.logged("asked to reload")
        assert status(await server.talk(request("POST /early", body=b"{}"))) == 200


@pytest.mark.parametrize("spoil", [wrong_key, no_key, no_chain, half_a_chain, locked_key])
def test_no_context_is_made_of_a_pair_that_cannot_be_used(
    issued: Issued, spoil: Callable[[Issued], None]
) -> None:
    spoil(issued)
    with pytest.raises(CertificateError) as refused:
        load_context(issued.chain, issued.key)
    assert str(issued.chain.parent) in str(refused.value)


def test_a_context_says_when_its_certificate_ends(tmp_path: Path) -> None:
    issued = issue(tmp_path)
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(days=9)
    issued.write(not_after=end)
    context, ends = load_context(issued.chain, issued.key)
    assert ends == end
    assert context.minimum_version == ssl.TLSVersion.TLSv1_3
    assert "PRIVATE" not in repr(Certificate(issued.chain, issued.key))


async def test_who_speaks_no_tls_or_nothing_at_all_holds_up_nobody(
    build: Callable[..., Any], issued: Issued
) -> None:
    options = {"tls_cert": issued.chain, "tls_key": issued.key, "client_tls": issued.client}
    async with running(build, header_seconds=1, **options) as server:
        silent = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(50)]
        silent[0][1].write(b"GET / HTTP/1.1\r\n\r\n")
        assert status(await server.talk(request("POST /early", body=b"{}"))) == 200
        for reader, writer in silent:
            # TLS may say goodbye in an alert of seven bytes; no word of HTTP is said.
            assert b"HTTP" not in await asyncio.wait_for(until_closed(reader), 10)
            writer.close()
