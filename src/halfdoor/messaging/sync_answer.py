"""An answer to /sync in the making (CS-API, "Syncing")."""

from collections.abc import Mapping
from typing import Any

import msgspec

from halfdoor.messaging.sync_rooms import Section


class Answer:
    """What one answer holds so far; sections without anything in them are left out."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.join: dict[str, Section] = {}
        self.invite: dict[str, Section] = {}
        self.leave: dict[str, Section] = {}
        self.account: list[msgspec.Raw] = []
        self.to_device: list[Mapping[str, Any]] = []
        self.device_lists: Mapping[str, list[str]] = {}
        # How many keys the device has left: beside everything else, and no news of its own.
        self.keys: Mapping[str, Any] = {}
        # Up to which position messages between devices are in it, or were before.
        self.told = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it that a client would miss."""
        rooms = self.join or self.invite or self.leave
        return not (rooms or self.account or self.to_device or self.device_lists)

    def encode(self, token: str) -> bytes:
        """Return the body; *token* is what the client comes back with."""
        body: dict[str, Any] = {"next_batch": token, **self.keys}
        rooms = {
            name: sections
            for name, sections in (
                ("join", self.join),
                ("invite", self.invite),
                ("leave", self.leave),
            )
            if sections
        }
        if rooms:
            body["rooms"] = rooms
        if self.account:
            body["account_data"] = {"events": self.account}
        if self.to_device:
            body["to_device"] = {"events": self.to_device}
        if self.device_lists:
            body["device_lists"] = self.device_lists
        return msgspec.json.encode(body)
