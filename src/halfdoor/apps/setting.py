"""What a house is built from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from halfdoor.accounts.jwt import JwtSettings, KeySource
from halfdoor.apps.house_log import Peers
from halfdoor.apps.stores import DatabasePlace
from halfdoor.bus.place import BusPlace
from halfdoor.config.desk import CyberTip, Webhooks
from halfdoor.config.log import Log
from halfdoor.config.media import Media
from halfdoor.messaging.mailbox import Quota
from halfdoor.policy.model import Policy
from halfdoor.sealing.shares import EscrowSet
from halfdoor.store.outerkey import OuterKeyStore


@dataclass(frozen=True, kw_only=True)
class ConsolePlace:
    """Where staff reach the console. In a *demo* the link of an invitation signs in by itself."""

    public_url: str
    demo: bool = False


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a house is built from: its name, its policy, who holds shares, whom it believes."""

    server_name: str
    policy: Policy
    escrow: Sequence[EscrowSet]
    data_dir: Path
    outer_key: OuterKeyStore
    access_token_ms: int = 3_600_000
    keyring_seconds: float = 30
    registration: bool = False
    development: bool = False
    jwt: JwtSettings | None = None
    key_source: KeySource | None = None
    two_files: bool = False
    quota: Quota = field(default_factory=Quota)
    database: DatabasePlace | None = None
    # Where the other nodes on the same database are heard of; None where there are none.
    bus: BusPlace | None = None
    media: Media = field(default_factory=Media)
    webhooks: Webhooks = field(default_factory=Webhooks)
    cyber_tip: CyberTip = field(default_factory=CyberTip)
    log: Log = field(default_factory=Log)
    # None: witnesses are asked over HTTP. With those of a demonstration the log begins at once.
    log_peers: Peers | None = None
    # None where there is no console.
    console: ConsolePlace | None = None
