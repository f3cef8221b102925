"""What the postures of conversations mean (`org.halfdoor`, SEALING §0).

GET …/org.halfdoor/postures    who can read what, in words for people; nobody needs to sign in

An app shows it beside the choice, and behind the label of a conversation.
"""

from collections.abc import Sequence
from typing import Any, Final

from halfdoor.safety.posture_words import CLAIMS, LASTING, NOT_CLAIMED, STATE, explained
from halfdoor.sealing.epochs import Posture
from halfdoor.sealing.shares import EscrowSet
from halfdoor.web.request import Request
from halfdoor.web.response import Response, json_response
from halfdoor.web.router import Route

PATH: Final = "/_matrix/client/unstable/org.halfdoor/postures"


def routes(
    allowed: Sequence[Posture],
    default: Posture,
    escrow: Sequence[EscrowSet],
    keyring_seconds: float,
) -> list[Route]:
    """Return the route; *escrow* are the sets of custodians that standard conversations go to."""
    answer: dict[str, Any] = {
        "language": "en",
        "allowed": list(allowed),
        "default": default,
        "postures": {one: explained(one) for one in ("standard", "e2ee")},
        "lasting": LASTING,
        "state": STATE,
        "custodians": [_groups(one) for one in escrow],
        "keyring_seconds": keyring_seconds,
        "claims": list(CLAIMS),
        "not_claimed": NOT_CLAIMED,
    }

    async def postures(_request: Request, _session: None) -> Response:
        return json_response(answer)

    return [Route("GET", PATH, postures, auth="none")]


def _groups(escrow: EscrowSet) -> list[dict[str, int]]:
    """Return how many custodians of how many it takes, in each group; all groups are needed."""
    return [
        {"needed": needed, "of": len(escrow.group(number))}
        for number, needed in enumerate(escrow.thresholds)
    ]
