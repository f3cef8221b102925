"""Everything the messaging room can refuse has an answer, and none of them tells a secret."""

import inspect

import pytest

from halfdoor.messaging import errors
from halfdoor.messaging.contacts import SuspendedError
from halfdoor.messaging.epoch_making import NoEscrowSetError
from halfdoor.messaging.keep import BusyError, NoKeyError
from halfdoor.safety.contact import ContactRefused, Reason
from halfdoor.sealing.labels import Denied
from halfdoor.web.errors import ErrorTable
from halfdoor.web.matrix.refusals import add_refusals

TREE = [
    error
    for _, error in inspect.getmembers(errors, inspect.isclass)
    if issubclass(error, errors.MessagingError)
    and error not in {errors.MessagingError, errors.PushRuleError}
]


@pytest.fixture
def table() -> ErrorTable:
    table = ErrorTable()
    add_refusals(table)
    return table


@pytest.mark.parametrize("error", TREE)
def test_every_error_of_the_messaging_room_is_in_the_table(
    table: ErrorTable, error: type[errors.MessagingError]
) -> None:
    answer = table.response(error("a reason"))
    assert answer is not None
    assert 400 <= answer.status < 500


@pytest.mark.parametrize("reason", Reason)
def test_a_refused_contact_is_told_no_more_than_is_public(
    table: ErrorTable, reason: Reason
) -> None:
    error = ContactRefused(reason, "13-15.dm.enabled")
    answer = table.response(error)
    assert answer is not None
    assert answer.status == 403
    assert error.sentence.encode() in answer.body
    assert f'"{error.public.value}"'.encode() in answer.body
    assert b"13-15" not in answer.body
    if reason is not error.public:
        assert reason.value.encode() not in answer.body


def test_what_does_not_open_is_forbidden_and_nobody_is_told_why(table: ErrorTable) -> None:
    answer = table.response(Denied())
    other = table.response(NoKeyError("this request has no key to seal with"))
    assert answer is not None
    assert other is not None
    assert (answer.status, answer.body) == (403, other.body)


@pytest.mark.parametrize(
    ("error", "status", "errcode"),
    [
        (SuspendedError("x"), 403, b"M_USER_SUSPENDED"),
        (BusyError("x"), 503, b"M_UNKNOWN"),
        (NoEscrowSetError("x"), 403, b"M_FORBIDDEN"),
        (errors.UnknownRoomError("x"), 403, b"M_FORBIDDEN"),
        (errors.UnknownEventError("x"), 404, b"M_NOT_FOUND"),
    ],
)
def test_each_fact_has_its_code(
    table: ErrorTable, error: Exception, status: int, errcode: bytes
) -> None:
    answer = table.response(error)
    assert answer is not None
    assert answer.status == status
    assert b'"errcode":"' + errcode + b'"' in answer.body
    assert b'"x"' not in answer.body or isinstance(error, errors.UnknownEventError)
