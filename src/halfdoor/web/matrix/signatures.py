"""Cross-signing (CS-API): a person's signing keys, and the signatures made with them."""

from typing import Final

from halfdoor.accounts.session import Session
from halfdoor.e2ee.cross_signing import CrossSigning
from halfdoor.e2ee.signatures import Signatures
from halfdoor.web.matrix.asker import writer_of
from halfdoor.web.matrix.key_refusals import failure_of
from halfdoor.web.matrix.proofs import Proofs, interactive
from halfdoor.web.request import Request
from halfdoor.web.response import Response, empty_object, json_response
from halfdoor.web.router import Route

_KEYS: Final = "/_matrix/client/v3/keys"


def routes(cross_signing: CrossSigning, signatures: Signatures, proofs: Proofs) -> list[Route]:
    """Return the routes of this page; another master key needs a proof."""

    async def upload_keys(request: Request, session: Session) -> Response:
        user = writer_of(session).user
        body = await request.json()
        await cross_signing.upload(user, body, lambda: proofs.check(request, session, body))
        return empty_object()

    async def upload_signatures(request: Request, session: Session) -> Response:
        refused = await signatures.upload(writer_of(session).user, await request.json())
        failures = {
            user: {target: failure_of(error) for target, error in of_user.items()}
            for user, of_user in refused.items()
        }
        return json_response({"failures": failures})

    return [
        Route(
            "POST",
            f"{_KEYS}/device_signing/upload",
            interactive(upload_keys),
            limit="send",
        ),
        Route("POST", f"{_KEYS}/signatures/upload", upload_signatures, limit="send"),
    ]
