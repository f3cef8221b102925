"""The doctor says how much retention has deleted, and which conversations were changed."""

from halfdoor.apps.doctor_trials import chains_check
from halfdoor.store.chain_walk import ChainReport, sound


def test_a_changed_conversation_is_named() -> None:
    check = chains_check(
        [sound("!a:x", 3, 0), ChainReport("!b:x", ok=False, detail="event 6 is missing")]
    )
    assert check.result == "failed"
    assert "!b:x: event 6 is missing" in check.found


def test_what_retention_deleted_is_counted() -> None:
    assert sound("!a:x", 5, 4).detail == "5 events, 4 deleted by retention"
    check = chains_check([sound("!a:x", 5, 4), sound("!b:x", 2, 0)])
    assert check.result == "ok"
    assert check.found.endswith("7 events, 4 deleted by retention.")
    assert "retention" not in chains_check([sound("!b:x", 2, 0)]).found
