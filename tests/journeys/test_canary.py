"""What people write, and what opens their accounts, is nowhere in files or logs."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio
from tests.journeys.canaries import Canaries, Finding, files_below, forms, search
from tests.journeys.house import House
from tests.journeys.platform_side import Platform
from tests.journeys.raw_client import RawClient

_V3 = "/_matrix/client/v3"


@dataclass
class Searched:
    """Findings at three moments: while the server runs, after SIGKILL, after a clean end."""

    findings: dict[str, list[Finding]]
    controls: dict[str, list[Finding]]
    users: list[str]
    planted: dict[str, bytes]
    stderr: str


def _places(house: House) -> list[Path]:
    return files_below(house.data, house.home, house.stdout_file, house.stderr_file)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def searched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Searched]:
    canaries = Canaries()
    platform = Platform(tmp_path_factory.mktemp("platform"))
    findings: dict[str, list[Finding]] = {}
    controls: dict[str, list[Finding]] = {}

    def look(moment: str, house: House, users: list[str]) -> None:
        places = _places(house)
        findings[moment] = search(canaries.planted, places)
        controls[moment] = search({user: user.encode() for user in users}, places)

    with House(tmp_path_factory.mktemp("canary"), jwks=platform.jwks) as house:
        async with house.client() as alice, house.client() as bob, house.client() as other:
            users = await _sign_in(canaries, platform, alice, bob, other)
            room_id = await _write(canaries, alice, bob)
            await _keep_account_data(canaries, alice, room_id)
            await _search(canaries, alice, room_id)
            await _misbehave(canaries, alice, room_id)
            await _fail_to_sign_in(canaries, platform, house)
            await _change_password(canaries, alice)
            look("running", house, users)
        house.kill()
        look("killed", house, users)
        house.start()
        async with house.client() as bob_again:
            bob_again.credentials = bob.credentials
            answer = await bob_again.sync()
            assert room_id in answer["rooms"]["join"], "the restarted server forgot the room"
        house.stop()
        look("stopped", house, users)
        stderr = house.stderr_file.read_text(errors="replace")
    yield Searched(findings, controls, users, canaries.planted, stderr)


async def _sign_in(
    canaries: Canaries, platform: Platform, alice: RawClient, bob: RawClient, other: RawClient
) -> list[str]:
    """Every way to sign in; passwords and tokens of all of them are watched."""
    password = canaries.plant("password at registration")
    await alice.register("canaryalice", password)
    canaries.watch_token("access token of registration", alice.access_token)
    await bob.register("canarybob", canaries.plant("password of the other"))
    await alice.login(alice.user_id, password, refresh=True)
    canaries.watch_token("access token of login", alice.access_token)
    canaries.watch_token("refresh token of login", alice.credentials["refresh_token"])
    refreshed = await other.ask(
        "POST", f"{_V3}/refresh", {"refresh_token": alice.credentials["refresh_token"]}
    )
    canaries.watch_token("access token of refresh", refreshed["access_token"])
    canaries.watch_token("refresh token of refresh", refreshed["refresh_token"])
    alice.credentials.update(refreshed, password=password)
    token = platform.sign_in("canaryplatform")
    canaries.watch("JWT", token)
    answer = await other.login_jwt(token)
    canaries.watch_token("access token of JWT login", other.access_token)
    if recovery := answer.get("org.halfdoor.recovery_key"):
        canaries.watch("recovery key", recovery)
        canaries.watch("recovery key, without spaces", recovery.replace(" ", ""))
    return [alice.user_id, bob.user_id]


async def _write(canaries: Canaries, alice: RawClient, bob: RawClient) -> str:
    """All that a conversation can carry in words."""
    room_id = await alice.create_dm(
        bob.user_id,
        name=canaries.plant("room name"),
        topic=canaries.plant("room topic"),
    )
    await alice.send(room_id, canaries.plant("message before the other accepted"))
    await bob.join(room_id)
    event_id = await alice.send(room_id, canaries.plant("message"))
    await bob.send(
        room_id,
        {
            "msgtype": "m.text",
            "body": canaries.plant("fallback of an edit"),
            "m.new_content": {"msgtype": "m.text", "body": canaries.plant("edit")},
            "m.relates_to": {
                "rel_type": "m.replace",
                "event_id": await bob.send(room_id, canaries.plant("message before its edit")),
            },
        },
    )
    reaction = {"rel_type": "m.annotation", "event_id": event_id}
    reaction["key"] = canaries.plant("reaction")
    await bob.send(room_id, {"m.relates_to": reaction}, kind="m.reaction")
    await alice.send(
        room_id, {"text": canaries.plant("event of an own type")}, kind="com.example.x"
    )
    redacted = await alice.send(room_id, canaries.plant("message that was redacted"))
    await alice.redact(room_id, redacted, canaries.plant("reason of a redaction"))
    state = f"{_V3}/rooms/{quote(room_id)}/state"
    await alice.ask("PUT", f"{state}/m.room.name/", {"name": canaries.plant("second room name")})
    await alice.ask("PUT", f"{state}/m.room.topic/", {"topic": canaries.plant("second topic")})
    for reader in (alice, bob):
        await reader.sync()
        await reader.messages(room_id)
    return room_id


async def _keep_account_data(canaries: Canaries, alice: RawClient, room_id: str) -> None:
    user = f"{_V3}/user/{quote(alice.user_id)}"
    secret = {"secret": canaries.plant("account data")}
    await alice.ask("PUT", f"{user}/account_data/com.example.notes", secret)
    nested = {"a": [{"b": canaries.plant("nested account data")}]}
    await alice.ask("PUT", f"{user}/account_data/com.example.nested", nested)
    draft = {"draft": canaries.plant("account data of a room")}
    await alice.ask("PUT", f"{user}/rooms/{quote(room_id)}/account_data/com.example.draft", draft)
    tag = canaries.plant("tag")
    await alice.ask("PUT", f"{user}/rooms/{quote(room_id)}/tags/u.{tag}", {"order": 0})
    read = await alice.ask("GET", f"{user}/account_data/com.example.notes")
    assert read == secret


async def _search(canaries: Canaries, alice: RawClient, room_id: str) -> None:
    """Search terms, in bodies and in query strings."""
    term = canaries.plant("search term")
    body = {"search_categories": {"room_events": {"search_term": term}}}
    await alice.http.post(f"{_V3}/search", json=body, headers=alice.headers())
    wanted = {"search_term": canaries.plant("search term for people"), "limit": 5}
    await alice.http.post(f"{_V3}/user_directory/search", json=wanted, headers=alice.headers())
    for path, parameter in (
        (f"{_V3}/sync", "since"),
        (f"{_V3}/sync", "filter"),
        (f"{_V3}/rooms/{quote(room_id)}/messages", "from"),
        (f"{_V3}/rooms/{quote(room_id)}/messages", "filter"),
        (f"{_V3}/publicRooms", "since"),
        ("/_matrix/client/versions", "nothing"),
        ("/_matrix/no/such/path", "nothing"),
        ("/health", "nothing"),
    ):
        value = canaries.plant(f"query string {parameter} of {path}")
        answer = await alice.http.get(path, params={parameter: value}, headers=alice.headers())
        assert answer.status_code < 500, f"{path}?{parameter}: {answer.text}\n{alice.explain()}"
    # The development switch accepts it there; nobody may write it down.
    await alice.http.get(f"{_V3}/account/whoami", params={"access_token": alice.access_token})


async def _misbehave(canaries: Canaries, alice: RawClient, room_id: str) -> None:
    """Bodies that are refused: each refusal is a 4xx, and none repeats the words into a log."""
    send = f"{_V3}/rooms/{quote(room_id)}/send/m.room.message"

    def word(fault: str) -> bytes:
        return canaries.plant(f"refused body: {fault}").encode()

    bodies = [
        b'{"msgtype":"m.text","body":"' + word("cut off"),
        b'{"msgtype":"m.text","body":"' + word("float") + b'","x":1.5}',
        b'{"msgtype":"m.text","body":"' + word("huge integer") + b'","x":1' + b"0" * 40 + b"}",
        b'{"msgtype":"m.text","body":"' + word("lone surrogate") + b'\\ud800"}',
        b'{"msgtype":"m.text","body":"' + word("bad UTF-8") + b'\xff\xfe"}',
        b'["' + word("not an object") + b'"]',
        b'"' + word("a string") + b'"',
        b'{"body":"' + word("too deep") + b'","x":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"body":"' + word("too large") + b'","x":"' + b"y" * 200_000 + b'"}',
        word("no JSON at all"),
    ]
    for number, body in enumerate(bodies):
        answer = await alice.http.put(
            f"{send}/bad{number}",
            content=body,
            headers={**alice.headers(), "Content-Type": "application/json"},
        )
        _check_refused(answer, body, alice)
    login_bodies: list[Any] = [
        {"type": canaries.plant("login type")},
        {"type": "m.login.password", "identifier": canaries.plant("identifier"), "password": "x"},
        {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": "canaryalice"},
            "password": [canaries.plant("password in a list")],
        },
        [canaries.plant("login body in a list")],
    ]
    for login_body in login_bodies:
        answer = await alice.http.post(f"{_V3}/login", json=login_body)
        _check_refused(answer, repr(login_body).encode(), alice)


def _check_refused(answer: httpx.Response, body: bytes, client: RawClient) -> None:
    said = f"{body[:60]!r}: {answer.status_code} {answer.text[:300]}"
    assert 400 <= answer.status_code < 500, f"{said}\n{client.explain()}"


async def _fail_to_sign_in(canaries: Canaries, platform: Platform, house: House) -> None:
    """Wrong passwords and forged tokens: what is nearly right is nearly as secret."""
    async with house.client() as stranger:
        for user in ("canaryalice", "nobody-of-that-name"):
            body = {
                "type": "m.login.password",
                "identifier": {"type": "m.id.user", "user": user},
                "password": canaries.plant(f"wrong password of {user}"),
            }
            _check_refused(await stranger.http.post(f"{_V3}/login", json=body), b"wrong", stranger)
        forged = platform.sign_in("canaryforged")[:-8] + "AAAAAAAA"
        canaries.watch("forged JWT", forged)
        unsigned = base64.urlsafe_b64encode(canaries.plant("JWT without sense").encode()).decode()
        for token in (forged, f"{unsigned}.{unsigned}.{unsigned}"):
            body = {"type": "org.matrix.login.jwt", "token": token}
            _check_refused(await stranger.http.post(f"{_V3}/login", json=body), b"jwt", stranger)
        wrong = canaries.plant("access token of nobody")
        for token in (wrong, f"hda1.{wrong}"):
            answer = await stranger.http.get(
                f"{_V3}/account/whoami", headers={"Authorization": f"Bearer {token}"}
            )
            assert answer.status_code == 401, answer.text
        stale = {"refresh_token": f"hdr1.{canaries.plant('refresh token of nobody')}"}
        answer = await stranger.http.post(f"{_V3}/refresh", json=stale)
        assert answer.status_code in (401, 403), answer.text


async def _change_password(canaries: Canaries, alice: RawClient) -> None:
    """A weak new password, a wrong old one, then a good change; then a sign-in with it."""
    change = f"{_V3}/account/password"
    new = canaries.plant("new password")
    asked = await alice.ask("POST", change, {"new_password": new}, status=401)
    auth = {
        "type": "m.login.password",
        "session": asked["session"],
        "identifier": {"type": "m.id.user", "user": alice.user_id},
        "password": canaries.plant("wrong password in authentication"),
    }
    await alice.ask("POST", change, {"new_password": new, "auth": auth}, status=401)
    auth["password"] = alice.credentials["password"]
    await alice.ask("POST", change, {"new_password": new, "auth": auth})
    await alice.login(alice.user_id, new)
    canaries.watch_token("access token after the change", alice.access_token)


def _told(findings: list[Finding]) -> str:
    return "\n".join(f"{f.needle} as {f.form} in {f.file} at {f.offset}" for f in findings)


def test_the_search_finds_a_word_in_every_encoding_and_in_the_middle_of_others(
    tmp_path: Path,
) -> None:
    word = "Canary0123456789abcdef"
    for number, (_, shape) in enumerate(forms(word.encode())):
        (tmp_path / f"{number}").write_bytes(b"\x00before" + shape + b"after\xff")
    for shift in range(6):
        inside = b"x" * shift + word.encode() + b"yz"
        (tmp_path / f"inside{shift}").write_bytes(base64.b64encode(inside))
        (tmp_path / f"inside-url{shift}").write_bytes(base64.urlsafe_b64encode(inside))
    files = files_below(tmp_path)
    found = search({"word": word.encode()}, files)
    assert {finding.file for finding in found} == set(files)
    assert search({"other": b"Canaryfedcba9876543210"}, files) == []


@pytest.mark.parametrize("moment", ["running", "killed", "stopped"])
def test_the_search_finds_the_user_ids_that_must_be_there(searched: Searched, moment: str) -> None:
    found = {finding.needle for finding in searched.controls[moment]}
    assert found == set(searched.users)


@pytest.mark.parametrize("moment", ["running", "killed", "stopped"])
def test_no_word_password_or_token_is_in_a_file_or_a_log(searched: Searched, moment: str) -> None:
    assert len(searched.planted) >= 50
    assert searched.findings[moment] == [], _told(searched.findings[moment])


def test_nothing_that_was_refused_made_a_traceback(searched: Searched) -> None:
    assert "Traceback" not in searched.stderr
