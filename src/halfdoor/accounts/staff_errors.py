"""What the accounts of staff refuse, each error named for the fact."""

from halfdoor.accounts.errors import AccountsError, ForbiddenError, InvalidParameterError


class NotSignedInError(AccountsError):
    """No session: never begun, ended, idle for too long, or its account has ended (401)."""

    def __init__(self) -> None:
        super().__init__("nobody is signed in")


class SignInRefusedError(ForbiddenError):
    """The passkey, or the link of a demonstration, signs nobody in (403); nobody is told why."""

    def __init__(self) -> None:
        super().__init__("this does not sign in")


class InvitationSpentError(AccountsError):
    """The invitation was used, has expired, or never was one (410)."""

    def __init__(self) -> None:
        super().__init__("this invitation is not good any more; ask for another one")


class SpentError(AccountsError):
    """Something that is good once was used by somebody else first; nothing was written."""


class RolesError(InvalidParameterError):
    """Roles that the policy does not know, or that nobody may hold together (400)."""
