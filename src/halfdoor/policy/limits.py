"""How far an entity may loosen the table by age band: one row per limit, and the check of them.

The limits are the words of SAFETY §5.1 itself: under 13 the guardian's list alone; for 13 to 15 an
entity may set direct messages to "mutuals" and no further; an unknown age is ruled "as 16-17".
"""

from collections.abc import Iterator
from enum import Enum
from typing import Final

import msgspec.structs

from halfdoor.policy.errors import PolicyError
from halfdoor.policy.model import (
    Band,
    Dm,
    DmEnabled,
    EndToEnd,
    FirstContact,
    GroupAdd,
    Kinds,
    LinkHandling,
    ListVisible,
    MediaHandling,
    Policy,
    WhoCanStart,
)
from halfdoor.policy.review_limits import check_review

_LOOSEST: Final = {
    "under13": Band(
        dm=Dm(enabled=DmEnabled.GUARDIAN_LIST, who_can_start=WhoCanStart.GUARDIAN_LIST),
        first_contact=FirstContact(messages=0, kinds=Kinds.TEXT),
        links_from_non_connection=LinkHandling.BLOCKED,
        media_from_non_connection=MediaHandling.BLOCKED,
        group_add=GroupAdd.GUARDIAN,
        connection_list_visible=ListVisible.NOBODY,
    ),
    "13-15": Band(
        dm=Dm(enabled=DmEnabled.MUTUALS, who_can_start=WhoCanStart.MUTUALS),
        first_contact=FirstContact(messages=0, kinds=Kinds.TEXT),
        links_from_non_connection=LinkHandling.BLOCKED,
        media_from_non_connection=MediaHandling.BLOCKED,
        group_add=GroupAdd.MUTUALS_MUST_ACCEPT,
        connection_list_visible=ListVisible.NOBODY,
    ),
}


def _as_from_16(policy: Policy) -> Band:
    """Return the loosest rules for an unknown age: those of 16-17.

    To be shown the adults in a group is no tighter than not to be: for an unknown age each of them
    must be connected anyway. End-to-end encryption alone is ruled as for 13-15: not at all.
    """
    limit = policy.bands.from16
    group_add = limit.group_add
    if group_add is GroupAdd.MUST_ACCEPT_SHOWS_ADULTS:
        group_add = GroupAdd.MUST_ACCEPT
    # Who may be a child whose age nobody knows has nobody's checks on their device either.
    return msgspec.structs.replace(limit, group_add=group_add, end_to_end=EndToEnd.NEVER)


def _values(band: Band) -> Iterator[tuple[str, Enum | int]]:
    """Yield each key of *band*, as policy files spell it, with its value."""
    yield "dm.enabled", band.dm.enabled
    yield "dm.who_can_start", band.dm.who_can_start
    yield "first_contact.messages", band.first_contact.messages
    yield "first_contact.kinds", band.first_contact.kinds
    yield "links_from_non_connection", band.links_from_non_connection
    yield "media_from_non_connection", band.media_from_non_connection
    yield "group_add", band.group_add
    yield "connection_list_visible", band.connection_list_visible
    yield "end_to_end", band.end_to_end


def _looseness(value: Enum | int) -> int:
    """Return how loose *value* is; the choices are declared from strictest to loosest."""
    return value if isinstance(value, int) else list(type(value)).index(value)


def _spelled(value: Enum | int) -> str:
    return str(value) if isinstance(value, int) else f'"{value.value}"'


def check_limits(policy: Policy, file: str) -> None:
    """Refuse a *policy* that loosens what no entity may loosen.

    Raises `PolicyError` naming *file*, the key and the loosest value it may have.
    """
    if not policy.entity.regions:
        raise PolicyError(file, "entity.regions", 'nobody lives here: name countries, or "*"')
    if not policy.posture.allowed:
        raise PolicyError(file, "posture.allowed", "no posture is allowed, so nobody could write")
    _check_posture(policy, file)
    if policy.escrow.emergency_set is not None and policy.escrow.set is None:
        raise PolicyError(file, "escrow.emergency_set", "an emergency set needs an escrow set too")
    _check_retention(policy, file)
    check_review(policy.review, file)
    limits = {**_LOOSEST, "unknown": _as_from_16(policy)}
    for name, limit in limits.items():
        pairs = zip(_values(policy.bands.of(name)), _values(limit), strict=True)
        for (key, value), (_, loosest) in pairs:
            if _looseness(value) > _looseness(loosest):
                why = (
                    "an unknown age is never ruled more loosely than 16-17"
                    if name == "unknown"
                    else "this protects children and no entity may loosen it"
                )
                reason = f"{_spelled(value)} is looser than {_spelled(loosest)}: {why}"
                raise PolicyError(file, f"bands.{name}.{key}", reason)


def _check_posture(policy: Policy, file: str) -> None:
    """Refuse a default that is not allowed, a posture named twice, and looser rules for 16-17.

    Whoever is 16 or 17 has end-to-end encryption with connections and device checks or not at all.
    """
    rules = policy.posture
    if rules.default not in rules.allowed:
        raise PolicyError(file, "posture.default", f'"{rules.default}" is none of posture.allowed')
    if len(set(rules.allowed)) < len(rules.allowed):
        raise PolicyError(file, "posture.allowed", "a posture is named twice")
    if policy.bands.from16.end_to_end is EndToEnd.ALLOW:
        raise PolicyError(
            file,
            "bands.16-17.end_to_end",
            '"allow" is looser than "mutuals_with_device_checks": this protects children and no'
            " entity may loosen it",
        )


def _check_retention(policy: Policy, file: str) -> None:
    """Refuse days that contradict each other: shortest, default, longest, in this order."""
    rules = policy.retention
    default, longest = rules.default_days, rules.longest_days
    if isinstance(longest, int) and (default == "unlimited" or default > longest):
        raise PolicyError(
            file,
            "retention.default_days",
            f"{_days(default)} is more than retention.longest_days, {longest}",
        )
    if isinstance(default, int) and rules.shortest_days > default:
        raise PolicyError(
            file,
            "retention.shortest_days",
            f"{rules.shortest_days} is more than retention.default_days, {default}: members could"
            " choose nothing as short as what holds without a choice",
        )


def _days(value: int | str) -> str:
    return str(value) if isinstance(value, int) else f'"{value}"'
