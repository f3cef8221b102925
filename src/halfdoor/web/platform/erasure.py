"""Erasing a person by the platform's word (decision 0016)."""

from typing import Protocol, final

from halfdoor.web.platform.naming import named_user
from halfdoor.web.platform.operations import Operation
from halfdoor.web.platform.shapes import ErasePerson, Erasure
from halfdoor.web.request import Request
from halfdoor.web.response import Response, json_response


class Stood(Protocol):
    """When erasure was asked for, and when the last row was gone; ms since 1970."""

    @property
    def asked(self) -> int:
        """When it was asked for first."""

    @property
    def done(self) -> int | None:
        """When nothing was left, None until then."""


class Erasures(Protocol):
    """Whoever erases people."""

    async def begin(self, user: str, *, messages: bool) -> Stood:
        """Let *user* be erased; `NotFoundError`. Asked again it answers how far that has come."""


@final
class PlatformErasure:
    """Takes the platform's word that somebody is to be forgotten."""

    def __init__(self, erasures: Erasures, *, server: str) -> None:
        self._erasures = erasures
        self._server = server

    def operations(self) -> list[Operation]:
        """Return what the platform can ask."""
        return [
            Operation(
                method="DELETE",
                path="/people/{user}",
                summary="Erase a person for good. Ask again to see how far it has come.",
                handler=self.erase,
                body=ErasePerson,
                empty=True,
                answer=Erasure,
                accepted="The person is signed out and their keys are gone; the rest is at work.",
                missing="There is no such person, and never was one who was erased.",
            )
        ]

    async def erase(self, request: Request, _issuer: str) -> Response:
        """DELETE /people/{user}."""
        user = named_user(request, "user", self._server)
        said = await request.json_as(ErasePerson)
        found = await self._erasures.begin(user, messages=said.messages == "redact")
        answer = Erasure(
            user=user,
            state="running" if found.done is None else "done",
            asked=found.asked,
            done=found.done,
        )
        return json_response(answer, status=202 if found.done is None else 200)
