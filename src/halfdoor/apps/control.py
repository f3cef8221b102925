"""What the commands of an administrator do on a house, running or opened for them."""

import contextlib
from collections.abc import AsyncIterator
from functools import partial
from typing import Final

import msgspec
from structlog.typing import FilteringBoundLogger

from halfdoor.accounts.errors import (
    AccountsError,
    InvalidParameterError,
    InvalidUsernameError,
    NotFoundError,
)
from halfdoor.accounts.records import PersonRecord
from halfdoor.accounts.recovery import way_back
from halfdoor.apps.house import House
from halfdoor.apps.house_log import LogError
from halfdoor.apps.staff_control import perform_for_staff
from halfdoor.apps.verbs import (
    BeginLog,
    Changed,
    Connect,
    ContinueRenewal,
    CreateUser,
    Deactivate,
    ExplainContact,
    Explained,
    HouseVerb,
    ListUsers,
    LogVerb,
    PasswordReset,
    PrepareKey,
    RemoveFormerKeys,
    RenewAccountKey,
    ResetPassword,
    RotateKey,
    ShowKey,
    ShowUser,
    StaffVerb,
    Suspend,
    Unsuspend,
    UserFacts,
    UserPage,
    Verb,
)
from halfdoor.ids import is_user_id
from halfdoor.safety.ages import may_be_adult_and_minor
from halfdoor.safety.contact import ContactRefused, may_start
from halfdoor.safety.explain import explain
from halfdoor.sealing.outer import RowMacError
from halfdoor.store.errors import StoreError
from halfdoor.web.control import Done, Kind, Refused, serve_control

# Who vouches for an age that an administrator gave.
OPERATOR: Final = "operator"
# An administrator who connects two people speaks for the platform.
_PLATFORM: Final = "platform"
# How long one request of a command that waits for a job works on it.
_WORK_SECONDS: Final = 0.5

_decode: Final = msgspec.json.Decoder(Verb).decode


class AdultAndMinorError(Exception):
    """Two people who may be an adult and a minor are not connected by the way."""


@contextlib.asynccontextmanager
async def control_socket(house: House, log: FilteringBoundLogger) -> AsyncIterator[None]:
    """Let the administrator's commands reach *house* while the block runs.

    An open house holds the lock of its data directory, so a socket left behind there is nobody's.
    `ConfigError` where the socket cannot be made.
    """
    async with serve_control(house.setting.data_dir, partial(answer, house, log=log), log):
        yield


async def answer(house: House, raw: bytes, *, log: FilteringBoundLogger | None = None) -> bytes:
    """Do what the request *raw* asks of *house*, and return `Done` or `Refused` as JSON.

    What is wrong inside is raised, for the caller to tell. *log* hears the verb, never about whom.
    """
    try:
        verb = _decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _refused("usage", "this is no request that the server knows.")
    if log is not None:
        log.info("control", method=verb.__struct_config__.tag)
    try:
        if isinstance(verb, StaffVerb):
            result: msgspec.Struct = await perform_for_staff(house, verb)
        elif isinstance(verb, LogVerb):
            log_of = house.log
            result = await (log_of.begin() if isinstance(verb, BeginLog) else log_of.status())
        else:
            result = await perform(house, verb)
    except (InvalidUsernameError, InvalidParameterError) as error:
        return _refused("usage", f"{error}.")
    except AdultAndMinorError as error:
        return _refused("refused", f"{error}.")
    except RowMacError:
        return _refused(
            "failed",
            "a row about this account was changed by somebody without the outer key, so nothing"
            " was done; the log names it.",
        )
    except (AccountsError, LogError, StoreError) as error:
        # All of them write for whoever runs the server and hold no secret.
        return _refused("failed", f"{error}.")
    return msgspec.json.encode(Done(msgspec.Raw(msgspec.json.encode(result))))


def _refused(kind: Kind, text: str) -> bytes:
    return msgspec.json.encode(Refused(kind, text))


async def perform(house: House, verb: HouseVerb) -> msgspec.Struct:
    """Do what *verb* says; the errors of accounts and store, and `AdultAndMinorError`."""
    match verb:
        case CreateUser():
            return await _create(house, verb)
        case ResetPassword():
            return await _reset(house, verb)
        case Suspend() | Unsuspend():
            user = await _known(house, verb.user)
            await house.people.suspend(user, suspended=isinstance(verb, Suspend))
            return Changed((user,))
        case Deactivate():
            user = await _known(house, verb.user)
            await house.deactivate.account(user)
            return Changed((user,))
        case Connect():
            return await _connect(house, verb)
        case ShowUser():
            return await _facts(house, await _known(house, verb.user))
        case ListUsers():
            return await _list(house, verb)
        case ExplainContact():
            return await _explain(house, verb)
        case RotateKey():
            return await house.key_work.rotate()
        case PrepareKey():
            return await house.key_work.prepare()
        case RemoveFormerKeys():
            return await house.key_work.remove_former()
        case ShowKey():
            return await house.key_work.show()
        case RenewAccountKey():
            return await house.key_work.renew_account()
        case ContinueRenewal():
            # Also on a house that was opened for this command alone, where nobody else works.
            await house.work.go_on(_WORK_SECONDS)
            return await house.key_work.renewal()


async def _create(house: House, verb: CreateUser) -> Changed:
    # Whom the platform named is theirs: taking the name would replace what it says of them.
    user = await house.register.check_free(verb.localpart)
    facts = (
        PersonRecord(user=user, age_band=verb.age_band, age_source=OPERATOR)
        if verb.age_band is not None
        else None
    )
    await house.register.make(verb.localpart, verb.password, facts, house.clock.now_ms())
    return Changed((user,))


async def _reset(house: House, verb: ResetPassword) -> PasswordReset:
    user = await _known(house, verb.user)
    await house.password_change.reset(user, verb.password)
    state = await house.account_store.state(user)
    return PasswordReset(user, history_closed=state is not None and state.account.kid is not None)


async def _connect(house: House, verb: Connect) -> Changed:
    a, b = await _known(house, verb.a), await _known(house, verb.b)
    if a == b:
        raise InvalidParameterError("nobody is connected with themselves")
    one, other = await house.facts.person(a), await house.facts.person(b)
    if not verb.sure and may_be_adult_and_minor(one.band, other.band):
        raise AdultAndMinorError(
            "they are, or may be, an adult and a minor, and a connection lifts the rule that keeps"
            " these apart: where the platform vouches for the two, add --yes"
        )
    await house.people.connect(a, b, _PLATFORM, house.clock.now_ms())
    return Changed((a, b))


async def _list(house: House, verb: ListUsers) -> UserPage:
    found = await house.account_store.user_ids(verb.after, verb.limit + 1)
    page = found[: verb.limit]
    return UserPage(
        tuple([await _facts(house, user) for user in page]), more=len(found) > verb.limit
    )


async def _facts(house: House, user: str) -> UserFacts:
    person = await house.people.person(user)
    state = await house.account_store.state(user)
    return UserFacts(
        user=user,
        age_band=person.age_band,
        age_source=person.age_source,
        region=person.region,
        guardian=person.guardian,
        guardian_allows=len(person.guardian_allows),
        dm_choice=person.dm_choice,
        device_checks=person.device_checks,
        suspended=person.suspended,
        deactivated=state is not None and state.account.deactivated,
        created=state.account.created if state is not None else None,
        signed_in_once=state is not None and state.account.kid is not None,
        password=state is not None and state.login is not None,
        devices=len(state.devices) if state is not None else 0,
        waiting=sum(one.approval is None for one in state.pending) if state is not None else 0,
        way_back=state is not None and state.account.kid is not None and way_back(state),
    )


async def _explain(house: House, verb: ExplainContact) -> Explained:
    a, b = await _known(house, verb.a), await _known(house, verb.b)
    if a == b:
        raise InvalidParameterError("these are one and the same person")
    policy, now = house.setting.policy, house.clock.now_ms()
    alice, bob = await house.facts.person(a), await house.facts.person(b)
    relation = await house.contacts.relation(a, b)
    said = explain(policy, alice, bob, relation, now)
    suspended = [user for user in (a, b) if await house.facts.suspended(user)]
    said += [f"{user} is suspended: may read and leave, and nothing else." for user in suspended]
    try:
        may_start(policy, alice, bob, relation, now)
    except ContactRefused:
        return Explained(allowed=False, sentences=tuple(said))
    return Explained(allowed=a not in suspended, sentences=tuple(said))


async def _known(house: House, name: str) -> str:
    """Return the user id of somebody whom the house knows; *name* is that, or its local part.

    `InvalidParameterError` for a name that cannot be one of this server, `NotFoundError`.
    """
    server = house.setting.server_name
    user = name if name.startswith("@") else f"@{name}:{server}"
    if not is_user_id(user) or user.partition(":")[2] != server:
        raise InvalidParameterError(f"that is no user of {server}")
    await house.people.look_anew([user])
    if not await house.people.exists(user):
        raise NotFoundError("there is no such account")
    return user
