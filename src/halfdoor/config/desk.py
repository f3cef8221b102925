"""The settings of the review desk: its console, and what leaves the house from it."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from halfdoor.config.section import Port, Section


class Console(Section, frozen=True, kw_only=True):
    """The console of safety staff, on a listener of its own; TLS and proxies are the server's."""

    public_url: Annotated[
        str | None,
        Meta(
            description="Where staff reach the console, such as `https://desk.example.org`: https, "
            "or `http://localhost` with its port. Passkeys are made for its host name and work "
            "nowhere else, so it should never change. Without it there is no console."
        ),
    ] = None
    bind: Annotated[
        str,
        Meta(description="Address to listen on. Beyond loopback it takes TLS, or `behind_proxy`."),
    ] = "127.0.0.1"
    port: Annotated[Port, Meta(description="Port to listen on; 0 takes any free one.")] = 8010


class PublicForm(Section, frozen=True, kw_only=True):
    """Reports by people without an account, on a listener of its own; TLS is the server's."""

    public_url: Annotated[
        str | None,
        Meta(
            description="Where everybody reaches the form, such as `https://report.example.org`: "
            "https, or http on loopback. Without it there is no form."
        ),
    ] = None
    bind: Annotated[
        str,
        Meta(description="Address to listen on. Beyond loopback it takes TLS, or `behind_proxy`."),
    ] = "127.0.0.1"
    port: Annotated[Port, Meta(description="Port to listen on; 0 takes any free one.")] = 8011
    per_hour: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="How many reports each server takes in an hour, from everybody together. "
            "One address has `limits.register` beside that.",
        ),
    ] = 120


class Webhooks(Section, frozen=True, kw_only=True):
    """What happens at the review desk, told to your platform: ids and kinds, never content."""

    url: Annotated[
        str | None,
        Meta(
            description="Where to post: https, or http on loopback. Nothing is posted without it."
        ),
    ] = None
    secret_file: Annotated[
        Path | None,
        Meta(
            description="File with the secret that signs (Standard Webhooks), mode 0600: `whsec_` "
            "and base64 of 24 to 64 bytes. A second line holds the one before, which signs too."
        ),
    ] = None


class CyberTip(Section, frozen=True, kw_only=True):
    """Reports of child sexual abuse to NCMEC's CyberTipline (18 USC 2258A)."""

    send: Annotated[
        bool,
        Meta(
            description="True sends what two people referred. Without it reports lie sealed in "
            "`folder`, to be exported and filed by hand."
        ),
    ] = False
    endpoint: Annotated[
        str,
        Meta(
            description="Where they are sent. The default is NCMEC's test system, which reaches "
            "nobody; the real one is `https://report.cybertip.org/ispws`."
        ),
    ] = "https://exttest.cybertip.org/ispws"
    username: Annotated[str | None, Meta(description="Account that NCMEC gave you.")] = None
    password_file: Annotated[
        Path | None, Meta(description="File with its password, mode 0600.")
    ] = None
    service: Annotated[
        str | None,
        Meta(description="The name by which people know your platform; else `server_name`."),
    ] = None
    first_name: Annotated[str, Meta(description="Who files: first name.")] = ""
    last_name: Annotated[str, Meta(description="Who files: last name.")] = ""
    email: Annotated[
        str, Meta(description="Who files: mail address. Without it nothing can be referred.")
    ] = ""
    company_template: Annotated[
        str,
        Meta(
            description="What NCMEC and the police should know of your company: legal process, "
            "retention, a number for emergencies."
        ),
    ] = ""
    terms_of_service: Annotated[
        str, Meta(description="Terms of service that bear on such incidents.")
    ] = ""
    legal_url: Annotated[str, Meta(description="Page for legal process.")] = ""
    folder: Annotated[
        Path | None,
        Meta(
            description="Where reports lie sealed (0700), else `vault` in `data_dir`. Several "
            "servers need one that they share. Backups leave it out."
        ),
    ] = None
    key_file: Annotated[
        Path | None,
        Meta(
            description="The child-safety key, made when first needed, mode 0600, outside "
            "`data_dir`; else `child_safety.key` beside the outer key. Copy it to another place: "
            "without it reports in `folder` cannot be opened."
        ),
    ] = None
