"""Programs of others that a server talks to: in this machine, or by TLS with a verified name."""

import ipaddress


def is_local(host: str) -> bool:
    """Tell whether *host* is this machine: the folder of a socket, or a loopback name."""
    if host.startswith("/") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def another_machine(what: str, host: str, todo: str) -> str:
    """Return why *what* on *host* is not talked to in the clear, and what *todo* about it."""
    return f"the {what} on {host} is another machine: {todo}"
