from pathlib import Path

import msgspec

from halfdoor.apps.demo_people import ROLES, Account, seeded_accounts


def test_the_accounts_of_a_demo_are_drawn_once(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "passwords.json"
    first = seeded_accounts(path)
    assert [one.user_id for one in first] == [f"@{role.name}:localhost" for role in ROLES]
    assert seeded_accounts(path) == first
    assert path.stat().st_mode & 0o777 == 0o600


def test_who_came_with_a_later_release_joins_those_who_were_there(tmp_path: Path) -> None:
    path = tmp_path / "passwords.json"
    first = seeded_accounts(path)
    path.write_bytes(msgspec.json.encode(first[:3]))
    later = seeded_accounts(path)
    assert later[:3] == first[:3]
    assert len(later) == len(ROLES)
    assert msgspec.json.decode(path.read_bytes(), type=list[Account]) == later
