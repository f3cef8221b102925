"""What no single setting can say: which of them go together, and which never."""

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from halfdoor.config.desk import Console, PublicForm, Webhooks
from halfdoor.config.errors import ConfigError
from halfdoor.config.listening import check_listening, is_loopback, split_bind
from halfdoor.config.model import Bus, Config, Database, Jwt
from halfdoor.ids import is_server_name
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.keys import check_name


def check_config(config: Config) -> None:
    """Refuse a configuration that contradicts itself or would expose people (ConfigError)."""
    if not is_server_name(config.server_name):
        raise ConfigError("server_name", "it must be a host name, as in example.org.")
    if (config.tls_cert is None) != (config.tls_key is None):
        raise ConfigError("tls_cert", "a certificate and its key are given together.")
    check_listening(
        config.bind,
        tls=config.tls_cert is not None,
        behind_proxy=config.behind_proxy,
        trusted_proxies=config.trusted_proxies,
        development=config.development,
    )
    if config.outer_key_file and _lies_in(config.outer_key_file, config.data_dir):
        raise ConfigError(
            "outer_key_file",
            "it lies in data_dir, where a thief or a backup of the database takes it along. "
            "Put it elsewhere.",
        )
    if config.metrics_bind is not None:
        host, _ = split_bind(config.metrics_bind)
        closed = config.metrics_token_file and (config.tls_cert or config.behind_proxy)
        if not is_loopback(host) and not closed:
            raise ConfigError(
                "metrics_bind",
                "beyond loopback it needs metrics_token_file, and TLS so that the token is safe.",
            )
    if config.public_url is not None:
        _check_url("public_url", config.public_url)
    _check_jwt(config.jwt)
    _check_webhooks(config.webhooks)
    _check_cyber_tip(config)
    _check_database(config.database, config.bus)
    _check_media(config)
    _check_log(config)
    if config.console.public_url is not None:
        _check_console(config, config.console, config.console.public_url)
    if config.public_form.public_url is not None:
        _check_place(config, "public_form", config.public_form, config.public_form.public_url)


def _check_console(config: Config, console: Console, public_url: str) -> None:
    _check_url("console.public_url", public_url)
    parts = urlsplit(public_url)
    # WebAuthn Level 3, §5.1.2: a passkey is made for a domain, and an address is none.
    if not is_server_name(parts.hostname or "") or _is_address(parts.hostname or ""):
        raise ConfigError(
            "console.public_url", "passkeys need a host name in it (localhost is one), no address."
        )
    _check_place(config, "console", console, public_url)


def _check_place(
    config: Config, section: str, place: Console | PublicForm, public_url: str
) -> None:
    _check_url(f"{section}.public_url", public_url)
    parts = urlsplit(public_url)
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ConfigError(f"{section}.public_url", "it ends after the host and the port.")
    try:
        check_listening(
            place.bind,
            tls=config.tls_cert is not None,
            behind_proxy=config.behind_proxy,
            trusted_proxies=config.trusted_proxies,
        )
    except ConfigError as error:
        raise ConfigError(f"{section}.{error.setting}", error.why) from None


def _is_address(host: str) -> bool:
    try:
        is_loopback(host)
    except ConfigError:
        return False
    return host != "localhost"


def _check_database(database: Database, bus: Bus) -> None:
    for name, url in (("url", database.url), ("people_url", database.people_url)):
        if url is not None and _holds_password(url):
            raise ConfigError(
                f"database.{name}",
                "a password in an address ends up in lists of processes and in logs: put it into "
                "a file and name that in database.password_file.",
            )
    if database.url is None and (database.people_url or database.password_file):
        raise ConfigError("database.url", "it is missing, and the rest means nothing without it.")
    if bus.nats_url is not None and database.url is None:
        raise ConfigError(
            "bus.nats_url", "the embedded store belongs to one server; a bus needs database.url."
        )
    if bus.nats_url is None and (bus.credentials_file or bus.ca_file):
        raise ConfigError("bus.nats_url", "it is missing, and the rest means nothing without it.")


def _check_media(config: Config) -> None:
    media, s3 = config.media, config.media.s3
    if s3.endpoint is not None:
        _check_plain_url("media.s3.endpoint", s3.endpoint)
        if s3.bucket is None or s3.credentials_file is None:
            raise ConfigError(
                "media.s3.endpoint", "it takes a bucket and a credentials_file along."
            )
        if media.folder is not None:
            raise ConfigError("media.folder", "files lie in a folder or in a bucket, not in both.")
    elif s3.bucket is not None or s3.credentials_file is not None or s3.ca_file is not None:
        raise ConfigError("media.s3.endpoint", "it is missing, and the rest means nothing.")
    elif config.bus.nats_url is not None and media.folder is None:
        raise ConfigError(
            "media.folder", "several servers need a folder that they share, or a bucket."
        )


def _holds_password(url: str) -> bool:
    try:
        parts = urlsplit(url)
        named = {key.lower() for key, _ in parse_qsl(parts.query)}
        return parts.password is not None or "password" in named
    except ValueError:
        raise ConfigError("database.url", "it is no address.") from None


def _check_jwt(jwt: Jwt) -> None:
    if jwt.jwks_file is not None and jwt.jwks_url is not None:
        raise ConfigError("jwt.jwks_url", "give a file or an address, not both.")
    if jwt.jwks_file is None and jwt.jwks_url is None:
        if jwt.issuer is not None or jwt.audience is not None:
            raise ConfigError("jwt.jwks_file", "issuer and audience mean nothing without keys.")
        return
    if not jwt.issuer:
        raise ConfigError("jwt.issuer", "with keys it must be set, or any issuer would do.")
    if not jwt.audience:
        raise ConfigError("jwt.audience", "with keys it must be set, or tokens made for others do.")
    if jwt.jwks_url is not None:
        _check_url("jwt.jwks_url", jwt.jwks_url)


def _check_webhooks(webhooks: Webhooks) -> None:
    if (webhooks.url is None) != (webhooks.secret_file is None):
        raise ConfigError(
            "webhooks.url",
            "address and secret_file are given together: what is not signed could "
            "come from anybody.",
        )
    if webhooks.url is not None:
        _check_plain_url("webhooks.url", webhooks.url)


def _check_cyber_tip(config: Config) -> None:
    tip = config.cyber_tip
    _check_plain_url("cyber_tip.endpoint", tip.endpoint)
    if tip.send and not (tip.username and tip.password_file and tip.email):
        raise ConfigError("cyber_tip.send", "to send, it takes username, password_file and email.")
    if tip.key_file and _lies_in(tip.key_file, config.data_dir):
        raise ConfigError(
            "cyber_tip.key_file",
            "it lies in data_dir, where a thief of the reports takes it along. Put it elsewhere.",
        )


def _check_log(config: Config) -> None:
    log = config.log
    given = (log.origin, log.key_file, log.witnesses, log.folder)
    if all(one is None for one in given):
        return
    if log.origin is None or log.key_file is None or log.witnesses is None or log.folder is None:
        raise ConfigError("log", "origin, key_file, witnesses and folder are given together.")
    try:
        check_name(log.origin, "origin")
    except RefusedError as error:
        raise ConfigError("log.origin", f"{error.why}.") from None
    for folder in (config.data_dir, log.folder):
        if _lies_in(log.key_file, folder):
            raise ConfigError(
                "log.key_file", f"it lies in {folder}, and whoever copies that has it. Move it."
            )


def _check_plain_url(setting: str, url: str) -> None:
    """Refuse an address with a password in it, beside what `_check_url` refuses."""
    _check_url(setting, url)
    if urlsplit(url).username is not None or urlsplit(url).password is not None:
        raise ConfigError(setting, "names and passwords do not belong into an address.")


def _check_url(setting: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        scheme, host = parts.scheme, parts.hostname or ""
    except ValueError:
        scheme, host = "", ""
    # Whoever can change what plain HTTP answers could be anybody; loopback has nobody between.
    if not host or not (scheme == "https" or (scheme == "http" and _names_loopback(host))):
        raise ConfigError(setting, "it must be an https address, or http on loopback.")


def _names_loopback(host: str) -> bool:
    try:
        return is_loopback(host)
    except ConfigError:
        return False


def _lies_in(file: Path, folder: Path) -> bool:
    return file.resolve().is_relative_to(folder.resolve())
