"""A certificate authority for one house: clients verify, none of them is told not to."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Certificates:
    """Files in PEM: the authority's certificate, the server's chain and the server's key."""

    authority: Path
    chain: Path
    private_key: Path

    def client_context(self) -> ssl.SSLContext:
        """A context that trusts this authority and no other."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cafile=self.authority)
        return context


def make_certificates(directory: Path) -> Certificates:
    """Make an authority and a certificate for localhost and 127.0.0.1 in *directory*."""
    directory.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    server = authority.issue_cert("localhost", "127.0.0.1")
    made = Certificates(
        authority=directory / "ca.pem",
        chain=directory / "server.pem",
        private_key=directory / "server.key",
    )
    authority.cert_pem.write_to_path(made.authority)
    for number, part in enumerate(server.cert_chain_pems):
        part.write_to_path(made.chain, append=number > 0)
    server.private_key_pem.write_to_path(made.private_key)
    made.private_key.chmod(0o600)
    return made
