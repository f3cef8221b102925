"""`halfdoor up`: the server, from its configuration to its last answered request."""

import asyncio
import secrets
import sys
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import uvloop
from structlog.typing import FilteringBoundLogger

from halfdoor.accounts.jwt import JwtSettings, KeySource
from halfdoor.apps.control import control_socket
from halfdoor.apps.custodians import escrow_sets
from halfdoor.apps.doors import build_apps
from halfdoor.apps.hardening import harden
from halfdoor.apps.house import House
from halfdoor.apps.house_log import LogError, Peers, log_gauges
from halfdoor.apps.setting import ConsolePlace, Setting
from halfdoor.apps.stores import database_place, outer_key_of
from halfdoor.bus.errors import BusError
from halfdoor.bus.place import BusPlace
from halfdoor.config.errors import ConfigError
from halfdoor.config.listening import is_loopback, split_bind
from halfdoor.config.model import Config
from halfdoor.messaging.mailbox import Quota
from halfdoor.policy.errors import PolicyError
from halfdoor.policy.load import load as load_policy
from halfdoor.store.errors import StoreError
from halfdoor.web.logs import configure, describe, loop_handler
from halfdoor.web.metrics import Metrics
from halfdoor.web.outbound.jwks import JwksFile
from halfdoor.web.platform.doors import platform_doors
from halfdoor.web.serve import Listener, ListenError, Stopping, serve

_FAILED = 1
_OFTEN_SECONDS = 1.0
_DESK_SECONDS = 20.0
_SELDOM_SECONDS = 3600.0

Ready = Callable[[House, str], Coroutine[Any, Any, None]]


def run(config: Config) -> int:
    """Serve until SIGTERM; return the exit code."""
    return run_house(config, nothing_more)


async def nothing_more(_house: House, _base_url: str) -> None:
    """What `up` does once it is ready: nothing but serve."""


def run_house(
    config: Config,
    ready: Ready,
    *,
    stopping: Stopping | None = None,
    demo: bool = False,
    log_peers: Peers | None = None,
) -> int:
    """Open the house that *config* describes, serve it, and call *ready* once it answers."""
    harden()
    log = configure(config.log_level)
    try:
        setting = replace(setting_of(config, demo=demo), log_peers=log_peers)
        uvloop.run(_serve(config, setting, ready, stopping or Stopping(), log))
    except (ConfigError, LogError, PolicyError, StoreError, ListenError) as error:
        # These texts are written for whoever runs the server and hold no secret.
        sys.stderr.write(f"halfdoor: {error}\n")
        return _FAILED
    return 0


def setting_of(config: Config, *, demo: bool = False) -> Setting:
    """Return what the house is built from; the outer key is made where there is no data yet.

    In a *demo* staff come in by links alone, so it is no setting that a file could hold.
    """
    policy = load_policy(config.policy_file)
    return Setting(
        server_name=config.server_name,
        policy=policy,
        escrow=escrow_sets(config, policy),
        data_dir=config.data_dir,
        outer_key=outer_key_of(config),
        database=database_place(config),
        bus=_bus(config),
        quota=Quota(config.limits.account_data, config.limits.filters),
        access_token_ms=config.access_token_seconds * 1000,
        keyring_seconds=config.keyring_seconds,
        registration=config.registration,
        development=config.development,
        jwt=_jwt(config),
        key_source=_key_source(config),
        console=_console(config, demo=demo),
        media=config.media,
        webhooks=config.webhooks,
        cyber_tip=config.cyber_tip,
        log=config.log,
    )


def _console(config: Config, *, demo: bool) -> ConsolePlace | None:
    public_url = config.console.public_url
    if public_url is None:
        return None
    return ConsolePlace(public_url=public_url.rstrip("/"), demo=demo)


def _bus(config: Config) -> BusPlace | None:
    bus = config.bus
    if bus.nats_url is None:
        return None
    try:
        return BusPlace(bus.nats_url, credentials_file=bus.credentials_file, ca_file=bus.ca_file)
    except BusError as error:
        raise ConfigError("bus", f"{error}.") from None


def _jwt(config: Config) -> JwtSettings | None:
    jwt = config.jwt
    if jwt.issuer is None or jwt.audience is None:
        return None
    return JwtSettings(
        issuer=jwt.issuer,
        audience=jwt.audience,
        algorithms=tuple(jwt.algorithms),
        leeway_s=jwt.leeway_seconds,
    )


def _key_source(config: Config) -> KeySource | None:
    if config.jwt.jwks_url is not None:
        # An HTTP client is a tenth of this process's memory; most houses need none.
        from halfdoor.web.outbound.jwks_url import JwksUrl, outbound_client  # noqa: PLC0415

        return JwksUrl(config.jwt.jwks_url, outbound_client())
    return JwksFile(config.jwt.jwks_file) if config.jwt.jwks_file is not None else None


async def _serve(
    config: Config,
    setting: Setting,
    ready: Ready,
    stopping: Stopping,
    log: FilteringBoundLogger,
) -> None:
    asyncio.get_running_loop().set_exception_handler(loop_handler(log))
    house = await House.open(setting)
    addresses: list[str] = []
    try:
        await house.outgoing.begin()
        if setting.log_peers is not None:
            await house.log.begin()
        listeners = _listeners(house, config, addresses, stopping, log)
        async with control_socket(house, log), asyncio.TaskGroup() as tasks:
            house.retention.report = lambda swept: log.info("retention", **swept.numbers())
            house.media.sweep.report = lambda swept: log.info("files deleted", **swept._asdict())
            house.outgoing.report = partial(_tell_of_webhooks, log)
            sweeps = [
                tasks.create_task(_sweep(house.sweep_often, _OFTEN_SECONDS, log)),
                tasks.create_task(_sweep(house.sweep_work, _OFTEN_SECONDS, log, house.work.pause)),
                tasks.create_task(_sweep(house.desk.sweep_often, _DESK_SECONDS, log)),
                tasks.create_task(_sweep(house.sweep_seldom, _SELDOM_SECONDS, log)),
                tasks.create_task(house.log.run(log)),
            ]

            def on_ready(base_url: str) -> None:
                addresses.append(_public_address(config, base_url))
                tasks.create_task(ready(house, base_url))

            try:
                await serve(
                    listeners,
                    log=log,
                    drain_seconds=config.drain_seconds,
                    on_ready=on_ready,
                    on_drain=house.wakeups.drain,
                    stopping=stopping,
                )
            finally:
                for sweep in sweeps:
                    sweep.cancel()
    finally:
        # Whatever was acknowledged is durable already; this lets the directory go.
        await house.close()


def _listeners(
    house: House,
    config: Config,
    addresses: list[str],
    stopping: Stopping,
    log: FilteringBoundLogger,
) -> list[Listener]:
    metrics = _metrics(house)
    token = _metrics_token(config.metrics_token_file)
    apps = build_apps(
        house,
        config,
        base_url=lambda: addresses[0] if addresses else f"https://{config.server_name}",
        draining=stopping.drain.is_set,
        platform=platform_doors(house, config),
        metrics=metrics,
        metrics_token=token,
        log=log,
    )
    listeners = [
        Listener(
            app=apps[0],
            bind=config.bind,
            port=config.port,
            tls_cert=config.tls_cert,
            tls_key=config.tls_key,
            behind_proxy=config.behind_proxy,
            trusted_proxies=tuple(config.trusted_proxies),
            development=config.development,
            connections=config.limits.connections,
            header_seconds=config.limits.header_seconds,
        )
    ]
    if config.metrics_bind is not None:
        host, port = split_bind(config.metrics_bind)
        listeners.append(
            Listener(
                app=apps[1],
                bind=host,
                port=port,
                tls_cert=config.tls_cert,
                tls_key=config.tls_key,
            )
        )
    if house.setting.console is not None:
        # Templates and attestations are for servers with a console alone.
        from halfdoor.apps.console import console_listener  # noqa: PLC0415

        listeners.append(console_listener(house, config, house.setting.console, metrics, log))
    if config.public_form.public_url is not None:
        from halfdoor.apps.public_form import public_listener  # noqa: PLC0415

        address = config.public_form.public_url
        listeners.append(public_listener(house, config, address, metrics, log))
    return listeners


def _tell_of_webhooks(log: FilteringBoundLogger, missed: int) -> None:
    """Say once that the platform takes no webhooks, quietly with each further try, and its end."""
    if missed == 1:
        log.warning("webhooks are not taken, tried again with longer and longer pauses")
    elif missed:
        log.info("webhooks are not taken", count=missed)
    else:
        log.warning("webhooks are taken again")


def _public_address(config: Config, base_url: str) -> str:
    """Return where clients reach this server: as configured, by its name, or on this machine."""
    if config.public_url is not None:
        return config.public_url
    if is_loopback(config.bind) and not config.behind_proxy:
        return base_url
    return f"https://{config.server_name}"


def _referrals(house: House, state: str) -> int:
    return house.desk.vault.counted()[state]


def _metrics(house: House) -> Metrics:
    metrics = Metrics()
    metrics.gauges.add(
        "keyring_sessions", "Sessions whose keys are in memory", lambda: len(house.keyring)
    )
    metrics.gauges.add(
        "retention_deleted_events",
        "Events that retention deleted since the start",
        lambda: house.retention.totals.deleted_events,
    )
    metrics.gauges.add_total(
        "review_alarms",
        "Cases whose time was over before somebody claimed or decided them",
        house.desk.cases.alarms.total,
    )
    for state, meaning in (
        ("made", "Referrals to an authority that two people made"),
        ("filed", "Referrals that were filed, by the server or by hand"),
        ("failed", "Referrals that the authority's system refused: a person has to look"),
    ):
        metrics.gauges.add_total(
            f"review_referrals_{state}", meaning, partial(_referrals, house, state)
        )
    for name, meaning, read in log_gauges(house.log):
        metrics.gauges.add(name, meaning, read)
    if house.nodes is not None:
        bus = house.nodes.bus
        metrics.gauges.add("bus_connected", "1 while hints travel", lambda: int(bus.is_connected))
        metrics.gauges.add_total("bus_dropped", "Hints nobody was there for", lambda: bus.dropped)
        metrics.gauges.add_total("bus_failures", "Times no bus answered", lambda: bus.failures)
        metrics.gauges.add_total("bus_senseless", "Messages of no sense", lambda: bus.senseless)
    return metrics


def _metrics_token(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        token = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(
            "metrics_token_file", f"{path} cannot be read: {error.strerror}."
        ) from None
    if not token:
        raise ConfigError("metrics_token_file", f"{path} is empty.")
    return token


async def _sweep(
    work: Callable[[], Awaitable[None]],
    seconds: float,
    log: FilteringBoundLogger,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Do *work* every so often; one failure must not end the keyring's forgetting."""
    while True:
        # Not all servers of a fleet at the same moment.
        await pause(seconds * (0.9 + secrets.randbelow(200) / 1000))
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - told by type, and tried again next time
            log.error("sweep failed", **describe(error))
