"""Webhooks go to the one configured address, signed as the standard says, and nowhere else."""

import base64
import hmac
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
import trustme
from tests.web.receiver import Receiver, receiver

from halfdoor.web.outbound import webhooks
from halfdoor.web.outbound.jwks_url import outbound_client
from halfdoor.web.outbound.webhooks import (
    DeliveryError,
    SecretError,
    WebhookPost,
    WebhookSecret,
    read_secret,
)

NOW = 1_795_000_000_123
KEY = bytes(range(32))
BODY = b'{"type":"case.alarm"}'


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with receiver("hooks", tmp_path_factory.mktemp("hooks")) as running:
        yield running


@pytest.fixture
def hooks(running: Receiver) -> Receiver:
    running.answers()
    (running.folder / "received.jsonl").unlink(missing_ok=True)
    return running


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with outbound_client() as client:
        yield client


def secret_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "secret"
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "whsec_",
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        "whsec_not base64!",
        base64.b64encode(bytes(32)).decode(),
        "\n".join(["whsec_" + base64.b64encode(bytes(32)).decode()] * 3),
        "whsec_ü",
    ],
)
def test_a_secret_of_another_form_is_refused_and_not_quoted(tmp_path: Path, text: str) -> None:
    with pytest.raises(SecretError) as caught:
        read_secret(secret_file(tmp_path, text))
    secret = text.strip().removeprefix("whsec_")
    assert not secret or secret not in str(caught.value)


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    text = "whsec_" + base64.b64encode(KEY).decode()
    with pytest.raises(SecretError, match="read by others"):
        read_secret(secret_file(tmp_path, text, 0o644))
    with pytest.raises(SecretError, match="cannot be read"):
        read_secret(tmp_path / "none")


def test_the_signature_is_that_of_the_standards_own_example() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = WebhookSecret([key]).sign(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_while_a_secret_is_changed_both_sign(tmp_path: Path) -> None:
    keys = [KEY, bytes(24)]
    text = "\n".join("whsec_" + base64.b64encode(key).decode() for key in keys)
    signed = read_secret(secret_file(tmp_path, text)).sign("evt_1", 7, BODY).split(" ")
    alone = [WebhookSecret([key]).sign("evt_1", 7, BODY) for key in keys]
    assert signed == alone
    assert alone[0] != alone[1]


def test_a_secret_cannot_be_printed() -> None:
    secret = WebhookSecret([KEY])
    assert repr(secret) == "WebhookSecret(keys=1)"


async def test_a_message_carries_what_a_receiver_needs_to_check_it(
    hooks: Receiver, client: httpx.AsyncClient
) -> None:
    post = WebhookPost(client, f"{hooks.url}/hook?desk=1", WebhookSecret([KEY]))
    await post.post("evt_7", BODY, NOW)
    (got,) = hooks.received()
    assert (got.path, got.body) == ("/hook?desk=1", BODY)
    headers = got.headers
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("evt_7", "1795000000")
    signed = b"evt_7.1795000000." + got.body
    expected = base64.b64encode(hmac.new(KEY, signed, sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["content-type"] == "application/json"
    assert "cookie" not in headers


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 404, 410, 429, 500, 503])
async def test_what_is_not_taken_is_not_delivered_and_no_redirect_is_followed(
    hooks: Receiver, client: httpx.AsyncClient, status: int
) -> None:
    hooks.answers(status=status, headers={"location": f"{hooks.url}/elsewhere"})
    post = WebhookPost(client, f"{hooks.url}/hook", WebhookSecret([KEY]))
    with pytest.raises(DeliveryError):
        await post.post("evt_7", BODY, NOW)
    assert [one.path for one in hooks.received()] == ["/hook"]


async def test_an_answer_that_never_ends_is_given_up(
    hooks: Receiver, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "_SECONDS", 0.2)
    hooks.answers(drip=True)
    with pytest.raises(DeliveryError, match="no answer"):
        await WebhookPost(client, hooks.url, WebhookSecret([KEY])).post("evt_7", BODY, NOW)


async def test_where_nobody_listens_it_is_not_delivered(client: httpx.AsyncClient) -> None:
    post = WebhookPost(client, "http://127.0.0.1:1/hook", WebhookSecret([KEY]))
    with pytest.raises(DeliveryError) as caught:
        await post.post("evt_7", BODY, NOW)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("name", ["127.0.0.1", "other.example"])
async def test_a_certificate_of_another_name_is_refused(tmp_path: Path, name: str) -> None:
    authority = trustme.CA()
    authority.issue_cert(name).private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "pem"))
    pem = tmp_path / "pem"
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with receiver("hooks", tmp_path / "hooks", tls=(pem, pem)) as hooks:
        async with httpx.AsyncClient(verify=context, trust_env=False) as client:
            post = WebhookPost(client, hooks.url, WebhookSecret([KEY]))
            if name == "127.0.0.1":
                await post.post("evt_7", BODY, NOW)
                assert len(hooks.received()) == 1
                return
            with pytest.raises(DeliveryError):
                await post.post("evt_7", BODY, NOW)
        assert hooks.received() == []


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    pem = tmp_path / "pem"
    trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
    with receiver("hooks", tmp_path / "hooks", tls=(pem, pem)) as hooks:
        async with outbound_client() as client:
            with pytest.raises(DeliveryError):
                await WebhookPost(client, hooks.url, WebhookSecret([KEY])).post("e", BODY, NOW)
        assert hooks.received() == []


async def test_a_proxy_of_the_environment_sees_nothing(
    hooks: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with receiver("hooks", tmp_path / "proxy") as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        async with outbound_client() as client:
            await WebhookPost(client, hooks.url, WebhookSecret([KEY])).post("e", BODY, NOW)
        assert proxy.received() == []
    assert json.loads(hooks.received()[0].body) == {"type": "case.alarm"}
