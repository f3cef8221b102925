"""Everything the accounts room can refuse has an answer in the standard form."""

import inspect

import pytest

from halfdoor.accounts import errors
from halfdoor.readers.participants.keyring import KeyringFullError
from halfdoor.web.errors import ErrorTable
from halfdoor.web.matrix.account_refusals import add_account_refusals

# The question for a proof is no refusal: `proofs.interactive` puts it.
TREE = [
    error
    for _, error in inspect.getmembers(errors, inspect.isclass)
    if issubclass(error, errors.AccountsError)
    and error not in {errors.AccountsError, errors.UiaNeededError}
]
NEEDS = {
    errors.UnknownTokenError: errors.UnknownTokenError(soft_logout=True),
    errors.LimitedError: errors.LimitedError(1_500),
    errors.ErasedError: errors.ErasedError(),
}


@pytest.fixture
def table() -> ErrorTable:
    table = ErrorTable()
    add_account_refusals(table)
    return table


@pytest.mark.parametrize("error", TREE)
def test_every_error_of_the_accounts_room_is_in_the_table(
    table: ErrorTable, error: type[errors.AccountsError]
) -> None:
    answer = table.response(NEEDS.get(error) or error("a reason"))
    assert answer is not None
    assert 400 <= answer.status < 500 or answer.status == 503


@pytest.mark.parametrize("soft", [True, False])
def test_an_unknown_token_says_whether_a_refresh_can_help(table: ErrorTable, soft: bool) -> None:
    answer = table.response(errors.UnknownTokenError(soft_logout=soft))
    assert answer is not None
    assert answer.status == 401
    assert f'"soft_logout":{str(soft).lower()}'.encode() in answer.body


def test_who_must_wait_is_told_how_long_in_both_places(table: ErrorTable) -> None:
    answer = table.response(errors.LimitedError(1_500))
    assert answer is not None
    assert b'"retry_after_ms":1500' in answer.body
    assert (b"retry-after", b"2") in answer.headers


def test_what_passes_by_itself_says_when_to_come_back(table: ErrorTable) -> None:
    for error in (errors.ConflictError("x"), errors.KeysUnavailableError("x"), KeyringFullError()):
        answer = table.response(error)
        assert answer is not None
        assert answer.status == 503
        assert any(name == b"retry-after" for name, _ in answer.headers)


def test_a_session_that_waits_is_told_so(table: ErrorTable) -> None:
    answer = table.response(errors.PendingError("wait"))
    assert answer is not None
    assert b'"org.halfdoor.pending":true' in answer.body
