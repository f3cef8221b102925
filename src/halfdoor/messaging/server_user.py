"""The server's own voice: the user id that notices come from, which no person can have."""

from typing import Final

from halfdoor.accounts.names import SERVER_LOCALPART

# What clients show as the sender, and as the name of the conversation.
DISPLAY_NAME: Final = "Notices"


def server_user(server_name: str) -> str:
    """Return the user id of the server itself."""
    return f"@{SERVER_LOCALPART}:{server_name}"


def is_server_user(user: str) -> bool:
    """Tell whether *user* is the server itself: only people of this server are ever asked about."""
    return user.startswith(f"@{SERVER_LOCALPART}:")
