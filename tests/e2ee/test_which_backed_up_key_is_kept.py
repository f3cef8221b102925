"""A verified key goes before one that is not, then the earlier index, then fewer forwards."""

from hypothesis import given
from hypothesis import strategies as st

from halfdoor.e2ee.key_backup import BackedUpKey, is_better

KEYS = st.builds(
    BackedUpKey,
    first_message_index=st.integers(0, 3),
    forwarded_count=st.integers(0, 3),
    is_verified=st.booleans(),
    session_data=st.just({"ciphertext": "secret"}),
)


@given(KEYS, KEYS)
def test_the_better_copy_is_the_one_that_the_specification_names(
    new: BackedUpKey, kept: BackedUpKey
) -> None:
    if new.is_verified != kept.is_verified:
        expected = new.is_verified
    elif new.first_message_index != kept.first_message_index:
        expected = new.first_message_index < kept.first_message_index
    else:
        expected = new.forwarded_count < kept.forwarded_count
    assert is_better(new, kept) is expected


@given(KEYS, KEYS)
def test_the_order_in_which_two_copies_come_decides_nothing(
    one: BackedUpKey, other: BackedUpKey
) -> None:
    assert not (is_better(one, other) and is_better(other, one))


@given(KEYS)
def test_a_backed_up_key_prints_nothing_of_itself(key: BackedUpKey) -> None:
    assert "secret" not in repr(key)
