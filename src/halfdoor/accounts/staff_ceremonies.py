"""Passkeys of staff: what browsers are asked, and what holds of their answers (WebAuthn Level 3).

Only a console needs this module: it brings the packages that read attestations along.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, final

import msgspec
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    options_to_json_dict,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from halfdoor.accounts.staff_errors import SignInRefusedError
from halfdoor.accounts.staff_records import PasskeyRecord, StaffRecord
from halfdoor.accounts.staff_secrets import CHALLENGE_MS

# Bytes of a credential id (WebAuthn §7.1, step 25).
_LONGEST_ID: Final = 1023
_WRONG: Final = (WebAuthnException, ValueError, TypeError, KeyError, AttributeError)


class RelyingParty(msgspec.Struct, frozen=True):
    """Whom passkeys are made for: *id* is the console's host name, *origin* its whole address.

    A browser gives a passkey to nobody else (WebAuthn §5.1.2), so neither may change later.
    """

    id: str
    origin: str
    name: str


class NewPasskey(msgspec.Struct, frozen=True):
    """What a registration proved: a credential, its public key (COSE), its counter."""

    credential: bytes
    public_key: bytes
    count: int


class Presented(msgspec.Struct, frozen=True):
    """What a browser says before anything of it was checked: which passkey, for which challenge.

    `answer` is what the checks are made on.
    """

    credential: bytes
    challenge: bytes
    answer: Any

    def __repr__(self) -> str:
        return "Presented(…)"


@final
class Ceremonies:
    """Asks browsers and checks what they answer. Whatever is wrong is `SignInRefusedError`."""

    def __init__(self, party: RelyingParty) -> None:
        self._party = party

    def ask_to_make(
        self, staff: StaffRecord, challenge: bytes, have: Iterable[PasskeyRecord]
    ) -> dict[str, Any]:
        """Return what `navigator.credentials.create` is given, as JSON holds it.

        An authenticator that has one of the passkeys they *have* makes no second one.
        """
        options = generate_registration_options(
            rp_id=self._party.id,
            rp_name=self._party.name,
            user_id=staff.id.encode(),
            user_name=staff.name,
            challenge=challenge,
            timeout=CHALLENGE_MS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=one.credential) for one in have],
        )
        return _json(options)

    def ask_to_sign(self, challenge: bytes) -> dict[str, Any]:
        """Return what `navigator.credentials.get` is given; the browser offers whom it knows."""
        options = generate_authentication_options(
            rp_id=self._party.id,
            challenge=challenge,
            timeout=CHALLENGE_MS,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return _json(options)

    def presented(self, credential: Mapping[str, Any], *, new: bool) -> Presented:
        """Read what a browser sent after making a *new* passkey, or signing with one."""
        parse = parse_registration_credential_json if new else parse_authentication_credential_json
        try:
            answer = parse(dict(credential))
            challenge = parse_client_data_json(answer.response.client_data_json).challenge
        except _WRONG:
            raise SignInRefusedError from None
        return Presented(answer.raw_id, challenge, answer)

    def made(self, presented: Presented) -> NewPasskey:
        """Return the passkey that was made for this console by a verified person."""
        try:
            found = verify_registration_response(
                credential=presented.answer,
                expected_challenge=presented.challenge,
                expected_rp_id=self._party.id,
                expected_origin=self._party.origin,
                require_user_verification=True,
            )
        except _WRONG:
            raise SignInRefusedError from None
        # What is signed over is the id inside, not the one that stands beside it.
        if found.credential_id != presented.credential or len(found.credential_id) > _LONGEST_ID:
            raise SignInRefusedError
        return NewPasskey(found.credential_id, found.credential_public_key, found.sign_count)

    def check_signed(self, presented: Presented, passkey: PasskeyRecord) -> int:
        """Refuse what *passkey* did not sign here for its owner; return the counter it shows."""
        if presented.answer.response.user_handle != passkey.staff.encode():
            raise SignInRefusedError
        try:
            found = verify_authentication_response(
                credential=presented.answer,
                expected_challenge=presented.challenge,
                expected_rp_id=self._party.id,
                expected_origin=self._party.origin,
                credential_public_key=passkey.public_key,
                # The counter is judged apart, so that a copy is told from a wrong signature.
                credential_current_sign_count=0,
                require_user_verification=True,
            )
        except _WRONG:
            raise SignInRefusedError from None
        return found.new_sign_count

    def __repr__(self) -> str:
        return f"Ceremonies({self._party.origin!r})"


def is_copied(before: int, shown: int) -> bool:
    """Tell whether a counter says that there is a second copy of a key (WebAuthn §6.1.1).

    Authenticators that keep none show 0 for ever.
    """
    return (before > 0 or shown > 0) and shown <= before


def _json(options: Any) -> dict[str, Any]:
    found: dict[str, Any] = options_to_json_dict(options)
    return found
