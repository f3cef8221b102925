"""The bodies of requests to the staff interface; its OpenAPI document is made from them."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from halfdoor.readers.review.choices import Action, Choice
from halfdoor.readers.review.cyber_tip_facts import Annotation, IncidentType
from halfdoor.readers.review.referral_events import ReferralRequest
from halfdoor.safety.measures import Kind

Reason = Annotated[
    str, Meta(min_length=1, max_length=500, description="Why; it stands in the staff log.")
]
Words = Annotated[str, Meta(max_length=5000)]
_User = Annotated[str, Meta(min_length=1, max_length=255)]


class _Closed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body in which a misspelt field is refused, not passed over."""


class Why(_Closed, frozen=True, kw_only=True):
    """Why something is done."""

    reason: Reason


class Escalation(_Closed, frozen=True, kw_only=True):
    """Who is to look at a case instead."""

    reason: Reason
    to: Literal["lead", "child_safety"] = "lead"


class SilenceBody(_Closed, frozen=True, kw_only=True):
    """Until when (ms since 1970; 0 lifts it) the subject is told nothing, and by which order."""

    until: Annotated[int, Meta(ge=0)]
    order: Reason


class Merge(_Closed, frozen=True, kw_only=True):
    """Which case goes on in place of this one."""

    into: Annotated[str, Meta(max_length=100)]
    reason: Reason


class RevealBody(_Closed, frozen=True, kw_only=True):
    """Which message to open: a piece of evidence, or a report whose note is to be read."""

    item: Annotated[str, Meta(max_length=100)]
    reason: Reason


class UnmaskBody(_Closed, frozen=True, kw_only=True):
    """Whose name to show."""

    label: Annotated[str, Meta(max_length=40, examples=["Person A"])]
    reason: Reason


class MoreAnswer(_Closed, frozen=True, kw_only=True):
    """Whether reporters may be asked for more."""

    approve: bool
    reason: Reason


class ActionBody(_Closed, frozen=True, kw_only=True):
    """One thing to do; `scope` names a label or an event, `room` its conversation."""

    kind: Kind
    days: Literal[1, 7, 30] | None = None
    scope: Annotated[str, Meta(max_length=255)] = ""
    room: Annotated[str, Meta(max_length=255)] = ""


class ChoiceBody(_Closed, frozen=True, kw_only=True):
    """What is decided. Without actions and referral the report did not hold."""

    reason: Annotated[str, Meta(max_length=100, description="A reason of the policy.")] = ""
    actions: Annotated[tuple[ActionBody, ...], Meta(max_length=60)] = ()
    facts: Annotated[Words, Meta(description="Your own words, never those of a message.")] = ""
    strike: bool = True
    refer: Annotated[bool, Meta(description="Whether it goes to the authorities.")] = False
    reports: Annotated[
        int | None, Meta(description="How many reports you saw: one more since is a 409.")
    ] = None

    def choice(self) -> Choice:
        """Return the choice as the desk knows it."""
        actions = tuple(
            Action(kind=one.kind, days=one.days, scope=one.scope, room=one.room)
            for one in self.actions
        )
        return Choice(
            reason=self.reason,
            actions=actions,
            facts=self.facts,
            strike=self.strike,
            refer=self.refer,
            reports=self.reports,
        )


class Confirmation(_Closed, frozen=True, kw_only=True):
    """Which proposal was looked at; another one since is a 409."""

    proposal: Annotated[str, Meta(max_length=100)] | None = None


class AppealAnswer(_Closed, frozen=True, kw_only=True):
    """Whether the decision stands."""

    uphold: bool
    reason: Reason


class ReferralBody(_Closed, frozen=True, kw_only=True):
    """What is to be referred. Without `victims` those of the case count."""

    incident: IncidentType
    annotations: Annotated[tuple[Annotation, ...], Meta(max_length=5)] = ()
    high_priority: Annotated[Words, Meta(description="Why a child is at risk now.")] = ""
    victims: Annotated[tuple[_User, ...], Meta(max_length=50)] | None = None
    recipients: Annotated[tuple[_User, ...], Meta(max_length=50)] = ()
    note: Annotated[Words, Meta(description="Goes to the authority as it is.")] = ""

    def request(self) -> ReferralRequest:
        """Return the request as the desk knows it."""
        return ReferralRequest(
            incident=self.incident,
            annotations=frozenset(self.annotations),
            high_priority=self.high_priority,
            victims=self.victims,
            recipients=self.recipients,
            note=self.note,
        )


class FiledBody(_Closed, frozen=True, kw_only=True):
    """The number under which a report was filed by hand."""

    report: Annotated[int, Meta(ge=1)]
