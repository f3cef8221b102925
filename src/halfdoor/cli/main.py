"""`halfdoor`: nouns, then verbs. Each command imports what it needs when it runs."""

import sys

import typer

from halfdoor.cli import (
    backup,
    custodian,
    demo,
    doctor,
    evidence,
    init,
    key,
    log,
    mirror,
    monitor,
    policy,
    public,
    staff,
    up,
    user,
    verify,
    version,
    witness,
)
from halfdoor.cli.speech import FAILED, USAGE, tell
from halfdoor.config.errors import ConfigError

app = typer.Typer(
    name="halfdoor",
    help="A direct-message server for Matrix clients that keeps only sealed envelopes.",
    epilog="Example: halfdoor demo",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
init.add_to(app)
demo.add_to(app)
up.add_to(app)
doctor.add_to(app)
user.add_to(app)
staff.add_to(app)
key.add_to(app)
log.add_to(app)
backup.add_to(app)
evidence.add_to(app)
custodian.add_to(app)
policy.add_to(app)
verify.add_to(app)
mirror.add_to(app)
monitor.add_to(app)
public.add_to(app)
witness.add_to(app)
version.add_to(app)


def main() -> None:
    """Run the command line. Codes: 0 done, 1 a check failed, 2 used wrongly, 3 policy refuses."""
    try:
        app()
    except ConfigError as error:
        tell(f"halfdoor: {error}")
        sys.exit(USAGE)
    except BrokenPipeError:
        # The reader of our output has seen enough. Closing stdout now would raise once more.
        sys.stdout = None
        sys.exit(FAILED)
