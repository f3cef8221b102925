"""Every setting of a server, with its type, its default, and what it is for.

The explanations are the documentation: `halfdoor init` and docs/configuration.md print them.
"""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from halfdoor.config.desk import Console, CyberTip, PublicForm, Webhooks
from halfdoor.config.log import Log
from halfdoor.config.media import Media
from halfdoor.config.section import Port, Section

Algorithm = Literal["EdDSA", "ES256", "ES384", "ES512", "RS256", "PS256"]


class Rate(Section, frozen=True, kw_only=True):
    """How often one caller may ask."""

    per_minute: Annotated[
        float, Meta(gt=0, description="Requests a minute that may go on for ever.")
    ]
    burst: Annotated[int, Meta(ge=1, description="Requests that may come at once.")]


class Jwt(Section, frozen=True, kw_only=True):
    """Sign-in with a token that your platform signs (`org.matrix.login.jwt`)."""

    jwks_file: Annotated[
        Path | None, Meta(description="File with the platform's public keys (a JWK Set, RFC 7517).")
    ] = None
    jwks_url: Annotated[
        str | None,
        Meta(description="Address of that JWK Set instead of a file: https, or loopback."),
    ] = None
    issuer: Annotated[
        str | None, Meta(description="The `iss` claim every token must carry. Needed with keys.")
    ] = None
    audience: Annotated[
        str | None, Meta(description="The `aud` claim every token must name. Needed with keys.")
    ] = None
    algorithms: Annotated[
        list[Algorithm],
        Meta(min_length=1, description="Signature algorithms that are accepted."),
    ] = msgspec.field(default_factory=lambda: ["EdDSA", "ES256"])
    leeway_seconds: Annotated[
        int, Meta(ge=0, le=300, description="How far the platform's clock may be off.")
    ] = 10


class PlatformApi(Section, frozen=True, kw_only=True):
    """The signed API by which your platform creates people, connections and blocks."""

    jwks_file: Annotated[
        Path | None,
        Meta(
            description="File with the public keys (a JWK Set) that sign the platform's requests. "
            "Without it `/_halfdoor/platform/` is closed."
        ),
    ] = None
    issuer: Annotated[
        str | None,
        Meta(description="The `iss` claim of signed requests; without it, that of sign-in."),
    ] = None


class Limits(Section, frozen=True, kw_only=True):
    """How much one caller, and everybody together, may ask. Lifted by `development`."""

    login: Annotated[
        Rate, Meta(description="Sign-ins from one address, which may be a whole school.")
    ] = Rate(per_minute=60, burst=100)
    register: Annotated[Rate, Meta(description="Registrations from one address.")] = Rate(
        per_minute=10, burst=10
    )
    send: Annotated[Rate, Meta(description="Messages sent by one session.")] = Rate(
        per_minute=120, burst=60
    )
    sync: Annotated[Rate, Meta(description="Syncs of one session.")] = Rate(
        per_minute=300, burst=100
    )
    other: Annotated[Rate, Meta(description="All else that one session asks.")] = Rate(
        per_minute=600, burst=300
    )
    anonymous: Annotated[
        Rate, Meta(description="All else that one address asks without a session.")
    ] = Rate(per_minute=300, burst=200)
    wrong_tokens: Annotated[
        Rate, Meta(description="Tokens from one address that open nothing.")
    ] = Rate(per_minute=60, burst=60)
    requests: Annotated[
        int, Meta(ge=1, description="Requests in hand at once; one more is answered 503.")
    ] = 1000
    polls: Annotated[int, Meta(ge=1, description="Syncs that wait at once, in all.")] = 20_000
    polls_per_address: Annotated[
        int, Meta(ge=1, description="Syncs that wait at once for one address.")
    ] = 500
    polls_per_person: Annotated[
        int, Meta(ge=1, description="Syncs that wait at once for one person, on all devices.")
    ] = 40
    writes: Annotated[
        int,
        Meta(ge=1, description="Writes that wait for the database at once; one more is 503."),
    ] = 500
    connections: Annotated[int, Meta(ge=1, description="Open connections, in all.")] = 20_000
    account_data: Annotated[
        int,
        Meta(
            ge=100,
            description="Pieces of account data that one person keeps (413); read markers are not "
            "counted.",
        ),
    ] = 5_000
    filters: Annotated[
        int, Meta(ge=10, description="Sync filters that one person keeps (413).")
    ] = 500
    url_bytes: Annotated[int, Meta(ge=1024, description="Longest path and query (414).")] = 8192
    header_bytes: Annotated[int, Meta(ge=1024, description="Longest headers in all (431).")] = (
        16_384
    )
    header_seconds: Annotated[int, Meta(ge=1, description="Time for the headers to arrive.")] = 20
    body_seconds: Annotated[int, Meta(ge=1, description="Time for a body to arrive (408).")] = 20


class Support(Section, frozen=True, kw_only=True):
    """Whom people can turn to (`/.well-known/matrix/support`)."""

    email: Annotated[str | None, Meta(description="Mail address of support.")] = None
    matrix_id: Annotated[str | None, Meta(description="Matrix id of support.")] = None
    page: Annotated[str | None, Meta(description="Web page of support.")] = None


class Database(Section, frozen=True, kw_only=True):
    """PostgreSQL (15 or newer) in place of the embedded store in `data_dir`."""

    url: Annotated[
        str | None,
        Meta(
            description="`postgresql://user@host/database`. A host that is not this machine needs "
            "`?sslmode=verify-full&sslrootcert=FILE`. Without it the embedded store is used."
        ),
    ] = None
    people_url: Annotated[
        str | None,
        Meta(description="Another database for accounts and inboxes; without it one holds all."),
    ] = None
    password_file: Annotated[
        Path | None,
        Meta(description="File with the password, mode 0600. It never stands in an address."),
    ] = None


class Bus(Section, frozen=True, kw_only=True):
    """NATS, by which several servers on one PostgreSQL wake each other."""

    nats_url: Annotated[
        str | None,
        Meta(
            description="`nats://host:4222`, or `tls://` beyond this machine (its server then "
            "needs `handshake_first: true`). With it several servers may share the database; "
            "without it one server has it for itself."
        ),
    ] = None
    credentials_file: Annotated[
        Path | None,
        Meta(description="NATS `.creds`, or a file with `name:password` or a token; mode 0600."),
    ] = None
    ca_file: Annotated[
        Path | None,
        Meta(description="Certificate of who vouches for the NATS server's name (PEM)."),
    ] = None


class Config(Section, frozen=True, kw_only=True):
    """Everything a server is told."""

    server_name: Annotated[
        str,
        Meta(
            description="The part of ids after the colon (`@ada:example.org`). It stands in "
            "everything the server stores and can never be changed."
        ),
    ] = "localhost"
    public_url: Annotated[
        str | None,
        Meta(
            description="Where clients reach this server, as /.well-known/matrix/client tells "
            "them. Without it: `https://` and the server name, or on loopback the address itself."
        ),
    ] = None
    bind: Annotated[
        str,
        Meta(
            description="Address to listen on. Beyond loopback it takes TLS, or `behind_proxy` "
            "with named proxies."
        ),
    ] = "127.0.0.1"
    port: Annotated[Port, Meta(description="Port to listen on; 0 takes any free one.")] = 8008
    data_dir: Annotated[
        Path,
        Meta(
            description="Folder of the embedded database and of the control socket. Every server "
            "has one of its own. Relative paths start at this file."
        ),
    ] = Path("data")
    outer_key_file: Annotated[
        Path | None,
        Meta(
            description="The outer key, made on first start, mode 0600. It lies outside "
            "`data_dir`, or a thief of the database would have it too; when not set, at "
            "`~/.config/halfdoor/outer.key`. Copy it to another place: without it the database "
            "cannot be opened. `credential:NAME` reads a systemd credential."
        ),
    ] = None
    tls_cert: Annotated[
        Path | None,
        Meta(
            description="Certificate chain (PEM). TLS 1.3 only. New files are taken within a "
            "minute, at once on SIGHUP, and open connections go on."
        ),
    ] = None
    tls_key: Annotated[
        Path | None, Meta(description="Private key of the certificate (PEM), mode 0600.")
    ] = None
    behind_proxy: Annotated[
        bool, Meta(description="True where a reverse proxy speaks TLS for this server.")
    ] = False
    trusted_proxies: Annotated[
        list[str],
        Meta(
            description="Addresses or networks of those proxies. Only their `X-Forwarded-For` is "
            "believed; with `behind_proxy` there must be at least one."
        ),
    ] = msgspec.field(default_factory=list)
    policy_file: Annotated[
        Path | None,
        Meta(description="The entity's policy (TOML), laid over Halfdoor's default policy."),
    ] = None
    escrow_set_file: Annotated[
        Path | None,
        Meta(
            description="The escrow set document, in place of the one the policy names. Without "
            "any set, standard conversations cannot be created."
        ),
    ] = None
    emergency_set_file: Annotated[
        Path | None,
        Meta(description="The emergency set document, in place of the one the policy names."),
    ] = None
    registration: Annotated[
        bool, Meta(description="True lets anyone who can reach the server make an account.")
    ] = False
    access_token_seconds: Annotated[
        int,
        Meta(ge=60, description="Life of an access token, for clients that can refresh theirs."),
    ] = 3600
    keyring_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=30,
            description="How long a person's key stays in memory after their last request. "
            "0 keeps it for the request only.",
        ),
    ] = 30
    max_body_bytes: Annotated[int, Meta(ge=65_536, description="Longest request body (413).")] = (
        1_048_576
    )
    drain_seconds: Annotated[
        int, Meta(ge=0, description="How long a stop waits for requests in hand.")
    ] = 10
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="Least severe line that is logged. `debug` has one line per request."),
    ] = "info"
    metrics_bind: Annotated[
        str | None,
        Meta(
            description="A second listener, `address:port`, for `/metrics` and `/health`. Without "
            "it `/metrics` is on the main port, for loopback or with the token."
        ),
    ] = None
    metrics_token_file: Annotated[
        Path | None,
        Meta(description="File with a token; who brings it may read `/metrics` from elsewhere."),
    ] = None
    development: Annotated[
        bool,
        Meta(
            description="For test suites on one machine, never for people: anyone may register, "
            "rates and password rules are lifted, `?access_token=` works. Loopback only."
        ),
    ] = False
    jwt: Jwt = Jwt()
    platform_api: PlatformApi = PlatformApi()
    limits: Limits = Limits()
    support: Support = Support()
    webhooks: Webhooks = Webhooks()
    cyber_tip: CyberTip = CyberTip()
    database: Database = Database()
    bus: Bus = Bus()
    media: Media = Media()
    console: Console = Console()
    public_form: PublicForm = PublicForm()
    log: Log = Log()
