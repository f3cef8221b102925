"""The vault of a house, joined by hand: referrals, what the server files, and the end of holds."""

from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from halfdoor.apps.parties import Parties
from halfdoor.readers.review.cyber_tip_facts import Filer
from halfdoor.readers.review.exhibits import Exhibits
from halfdoor.readers.review.holds import Holds
from halfdoor.readers.review.referral_filing import Filing
from halfdoor.readers.review.referrals import Referrals
from halfdoor.store.outerkey import OuterKeyFile, OuterKeyStore
from halfdoor.store.sealed_files import SealedFolder
from halfdoor.store.vault_key import VaultKeyFile, default_key_path

if TYPE_CHECKING:
    from halfdoor.apps.desk import Desk

_FOLDER: Final = "vault"


@final
class VaultOf:
    """What a desk keeps apart. `referrals` is for people, `filing` for what the server does."""

    def __init__(self, desk: "Desk") -> None:
        """Join the rooms of *desk*, whose services stand.

        `OuterKeyError` where the child-safety key lies beside what it opens.
        """
        house = desk.house
        tip, data_dir = house.setting.cyber_tip, house.setting.data_dir
        folder = tip.folder or data_dir / _FOLDER
        files = SealedFolder(folder)
        place = tip.key_file or _key_beside(house.setting.outer_key)
        key = VaultKeyFile(place, data_dir=data_dir, folder=folder)
        self.filing = Filing(desk=desk.store, files=files, key=key, clock=house.clock)
        self.holds = Holds(
            desk=desk.store,
            files=files,
            review=desk.review,
            clock=house.clock,
            copies=desk.files,
        )
        self.referrals = Referrals(
            desk=desk.store,
            conflicts=desk.conflicts,
            exhibits=Exhibits(desk.opener),
            persons=Parties(house.people, house.profiles, house.clock),
            files=files,
            key=key,
            filer=Filer(
                service=tip.service or house.setting.server_name,
                first_name=tip.first_name,
                last_name=tip.last_name,
                email=tip.email,
                company_template=tip.company_template,
                terms_of_service=tip.terms_of_service,
                legal_url=tip.legal_url,
            ),
            review=desk.review,
            clock=house.clock,
            send=tip.send,
        )

    def counted(self) -> dict[str, int]:
        """Return how many referrals were made, filed and refused since the start, for metrics."""
        by_hand, sent = self.referrals.counted, self.filing.counted
        return {
            "made": by_hand["made"],
            "filed": by_hand["filed"] + sent["referral_filed"],
            "failed": sent["referral_failed"],
        }

    def __repr__(self) -> str:
        return "VaultOf()"


def _key_beside(outer_key: OuterKeyStore) -> Path:
    """Return where the child-safety key lies if nobody says otherwise: beside the outer key."""
    if isinstance(outer_key, OuterKeyFile):
        return outer_key.path.with_name(default_key_path().name)
    return default_key_path()
