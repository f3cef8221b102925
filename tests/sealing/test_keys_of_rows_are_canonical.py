"""What binds a row to its place is one text, and nothing that has two (SEALING §1–2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfdoor.sealing.labels import Denied, b64, canonical, canonical_key

PART = st.text(alphabet=st.characters(exclude_categories=["Cs"])) | st.binary() | st.integers(-9, 9)


@pytest.mark.parametrize("part", [2**53, -(2**53), "\ud800", 1.0, [1.0]], ids=repr)
def test_a_key_that_cannot_be_written_canonically_is_denied(part: object) -> None:
    with pytest.raises(Denied):
        canonical_key(["conversation", part])  # type: ignore[list-item]


@given(st.lists(PART))
def test_binary_stands_in_a_key_as_base64_and_all_else_as_in_any_json(
    parts: list[str | bytes | int],
) -> None:
    said = [b64(part) if isinstance(part, bytes) else part for part in parts]
    assert canonical_key(parts) == canonical(said)
