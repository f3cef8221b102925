"""The keyring: keys stay while a request runs and thirty seconds after, and are never shown."""

import traceback
from collections.abc import Callable

import pytest

from halfdoor.readers.participants.keyring import Keyring, KeyringFullError
from halfdoor.readers.participants.keyring_epochs import EpochKeys
from halfdoor.sealing.envelope import EventFields
from halfdoor.sealing.epochs import NO_EPOCH, Member, NewEpoch, new_epoch
from halfdoor.sealing.labels import Denied, b64
from halfdoor.sealing.shares import EscrowSet
from halfdoor.sealing.suites import X25519, PrivateKey, PublicKey

ALICE, BOB = "@alice:a.example", "@bob:a.example"
KEK = bytes(range(32))
FIELDS = EventFields(event_id="$e", sender=ALICE, device="D", ts=1, type="m.room.message")


class Ticks:
    """A clock of seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def keyring(ticks: Ticks) -> Keyring:
    return Keyring(clock=ticks)


def escrow_set() -> EscrowSet:
    custodians = [
        {
            "name": f"c{n}",
            "organisation": "o",
            "employer": "e",
            "hpke": b64(PrivateKey.generate(X25519).public.to_bytes()[1:]),
            "approval_key": b64(bytes([n])),
            "notice_url": "https://c.example/",
        }
        for n in range(3)
    ]
    return EscrowSet.from_document(
        {
            "v": 1,
            "entity": "a.example",
            "suite": 1,
            "groups": [{"k": 2, "custodians": custodians}],
            "open_until": 30_000,
        }
    )


ESCROW = escrow_set()


def epoch_for(*members: Member, number: int = 1, prev: bytes = NO_EPOCH) -> NewEpoch:
    return new_epoch(
        entity="a.example",
        conv="!room:a.example",
        epoch=number,
        day=20_000,
        posture="standard",
        prev=prev,
        members=members,
        escrow=[ESCROW],
    )


def opened(keyring: Keyring, session: str, user: str, made: NewEpoch) -> EpochKeys:
    return keyring.epoch(
        session,
        user,
        made.header.bytes,
        made.header.hh,
        wrap=made.wraps.get(user),
        records=(),
        late=None,
        late_index=-1,
    )


# --- how long ---------------------------------------------------------------------------------


def test_thirty_seconds_after_the_last_request_it_is_gone(keyring: Keyring, ticks: Ticks) -> None:
    with keyring.request("S"):
        keyring.create("S", ALICE)
    ticks.now += 29.9
    assert keyring.sweep(ticks.now) == 0
    assert keyring.holds("S")
    ticks.now += 0.1
    assert keyring.sweep(ticks.now) == 1
    assert not keyring.holds("S")
    with pytest.raises(Denied):
        keyring.wrap("S", ALICE, "acc:S", KEK)


def test_a_sweep_that_comes_late_adds_no_time(keyring: Keyring, ticks: Ticks) -> None:
    made = epoch_for(Member(ALICE, keyring.create("S", ALICE)))
    opened(keyring, "S", ALICE, made)
    ticks.now += 30
    assert keyring.cached("S", made.header.hh) is None
    assert not keyring.holds("S")
    for use in (
        lambda: keyring.wrap("S", ALICE, "acc:S", KEK),
        lambda: opened(keyring, "S", ALICE, made),
        lambda: keyring.account_data_seal("S", ALICE, "t", "", b"x"),
    ):
        with pytest.raises(Denied):
            use()


def test_while_a_request_runs_the_key_stays_however_long(keyring: Keyring, ticks: Ticks) -> None:
    with keyring.request("S"):
        keyring.create("S", ALICE)
        with keyring.request("S"):
            ticks.now += 1000
        assert keyring.sweep(ticks.now) == 0
        ticks.now += 1000
        assert keyring.holds("S")
    ticks.now += 29
    assert keyring.holds("S")


def test_with_no_seconds_it_is_the_request_alone(ticks: Ticks) -> None:
    keyring = Keyring(seconds=0, clock=ticks)
    with keyring.request("S"):
        keyring.create("S", ALICE)
        ticks.now += 5
        assert keyring.holds("S")
    assert not keyring.holds("S")
    # Opened by authentication, and the request that should follow never came.
    keyring.create("S", ALICE)
    assert keyring.sweep(ticks.now) == 1
    assert not keyring.holds("S")


def test_a_request_that_fails_ends_too(keyring: Keyring, ticks: Ticks) -> None:
    keyring.create("S", ALICE)
    with pytest.raises(ValueError, match="it"), keyring.request("S"):
        raise ValueError("it")
    ticks.now += 30
    assert keyring.sweep(ticks.now) == 1


def test_logging_out_wipes_at_once_also_what_a_request_still_holds(keyring: Keyring) -> None:
    with keyring.request("S"):
        made = epoch_for(Member(ALICE, keyring.create("S", ALICE)))
        epoch = opened(keyring, "S", ALICE, made)
        body = epoch.sealer.seal(FIELDS, b"{}")
        keyring.forget("S")
        for use in (lambda: epoch.opener, lambda: epoch.sealer):
            with pytest.raises(Denied):
                use()
        assert not keyring.holds("S")
        assert body
    assert repr(keyring) == "Keyring(sessions=0, epochs=0)"


def test_a_request_that_opens_nothing_leaves_nothing(keyring: Keyring) -> None:
    with keyring.request("S"):
        assert repr(keyring) == "Keyring(sessions=1, epochs=0)"
    assert repr(keyring) == "Keyring(sessions=0, epochs=0)"


def test_the_end_of_a_request_that_outlived_its_session_ends_no_other(
    keyring: Keyring, ticks: Ticks
) -> None:
    keyring.start("S")
    keyring.forget("S")
    keyring.end("S")
    keyring.create("S", ALICE)
    keyring.end("S")
    with keyring.request("S"):
        ticks.now += 100
        assert keyring.sweep(ticks.now) == 0


# --- how much ---------------------------------------------------------------------------------


def test_the_session_unused_longest_makes_room_and_a_busy_one_never_does(ticks: Ticks) -> None:
    keyring = Keyring(sessions=3, clock=ticks)
    with keyring.request("busy"):
        keyring.create("busy", ALICE)
        for name in ("a", "b"):
            keyring.create(name, ALICE)
        keyring.create("c", ALICE)
        assert [keyring.holds(one) for one in ("busy", "a", "b", "c")] == [True, False, True, True]
        assert len(keyring) == 3
        with keyring.request("b"), keyring.request("c"), pytest.raises(KeyringFullError):
            keyring.create("d", ALICE)


def test_the_epochs_of_a_session_are_bounded(ticks: Ticks) -> None:
    keyring = Keyring(epochs=2, clock=ticks)
    public = keyring.create("S", ALICE)
    made = [epoch_for(Member(ALICE, public)) for _ in range(3)]
    held = [opened(keyring, "S", ALICE, one) for one in made]
    assert [keyring.cached("S", one.header.hh) is not None for one in made] == [False, True, True]
    assert repr(keyring) == "Keyring(sessions=1, epochs=2)"
    # The request that opened the first one reads on.
    body = held[0].sealer.seal(FIELDS, b"{}")
    assert held[0].opener.open(FIELDS, body) == b"{}"


# --- whose ------------------------------------------------------------------------------------


def test_a_slot_opens_for_its_own_user_kid_and_name_alone(keyring: Keyring) -> None:
    kid = keyring.create("S", ALICE).kid
    other = keyring.create("T", BOB).kid
    blob = keyring.wrap("S", ALICE, "acc:S", KEK)
    for user, named, slot, kek in (
        (BOB, kid, "acc:S", KEK),
        (ALICE, other, "acc:S", KEK),
        (ALICE, kid, "acc:T", KEK),
        (ALICE, kid, "ref:S", KEK),
        (ALICE, kid, "acc:S", bytes(32)),
    ):
        with pytest.raises(Denied):
            keyring.unlock("U", user, named, slot, blob, kek)
    assert not keyring.holds("U")
    keyring.unlock("U", ALICE, kid, "acc:S", blob, KEK)
    assert keyring.holds("U")


def test_no_session_works_with_the_keys_of_another_user(keyring: Keyring) -> None:
    public = keyring.create("S", ALICE)
    made = epoch_for(Member(ALICE, public))
    for use in (
        lambda: keyring.wrap("S", BOB, "acc:S", KEK),
        lambda: keyring.create("S", BOB),
        lambda: keyring.make_recovery("S", BOB),
        lambda: keyring.approve("S", BOB, "T", public.to_bytes()),
        lambda: keyring.replace("S", BOB),
        lambda: keyring.new_pending("S", BOB),
        lambda: keyring.wrap_pending("S", ALICE, "pend-acc:S", KEK),
        lambda: keyring.account_data_seal("S", BOB, "t", "", b"x"),
        lambda: keyring.wrap("nobody", ALICE, "acc:S", KEK),
    ):
        with pytest.raises(Denied):
            use()
    with pytest.raises(Denied):
        keyring.epoch(
            "S",
            BOB,
            made.header.bytes,
            made.header.hh,
            wrap=made.wraps[ALICE],
            records=(),
            late=None,
            late_index=-1,
        )


# --- recovery, approval, former keys ------------------------------------------------------------


def test_the_recovery_key_opens_the_kit_without_the_server(keyring: Keyring) -> None:
    kid = keyring.create("S", ALICE).kid
    recovery = keyring.make_recovery("S", ALICE)
    assert recovery.kit == {
        "v": 1,
        "user": ALICE,
        "kid": b64(kid),
        "rec": b64(recovery.blob),
    }
    for text in ("", recovery.text[:-1], recovery.text.replace(" ", "-")):
        with pytest.raises(Denied):
            keyring.unlock_recovery("T", ALICE, kid, recovery.blob, text)
    keyring.unlock_recovery("T", ALICE, kid, recovery.blob, recovery.text)
    assert keyring.holds("T")


def test_sealing_again_needs_the_public_part_of_the_recovery_key_alone(keyring: Keyring) -> None:
    keyring.create("S", ALICE)
    recovery = keyring.make_recovery("S", ALICE)
    public, _ = keyring.replace("S", ALICE)
    blob = keyring.seal_recovery("S", ALICE, recovery.public)
    keyring.unlock_recovery("T", ALICE, public.kid, blob, recovery.text)
    assert keyring.holds("T")


def test_an_approval_is_for_one_session_and_one_key(keyring: Keyring) -> None:
    kid = keyring.create("S", ALICE).kid
    pending = keyring.new_pending("T", ALICE)
    other = keyring.new_pending("U", ALICE)
    blob = keyring.approve("S", ALICE, "T", pending.to_bytes())
    with pytest.raises(Denied):
        keyring.take_approval("U", ALICE, kid, blob)
    with pytest.raises(Denied):
        keyring.take_approval("T", ALICE, other.kid, blob)
    with pytest.raises(Denied):
        keyring.take_approval("T", ALICE, kid, keyring.approve("S", ALICE, "U", pending.to_bytes()))
    keyring.take_approval("T", ALICE, kid, blob)
    assert keyring.holds("T")


def test_a_pending_secret_comes_back_from_its_slot_alone(keyring: Keyring) -> None:
    kid = keyring.create("S", ALICE).kid
    pending = keyring.new_pending("T", ALICE)
    blob = keyring.wrap_pending("T", ALICE, "pend-acc:T", KEK)
    approval = keyring.approve("S", ALICE, "T", pending.to_bytes())
    keyring.forget("T")
    for slot, named in (("pend-ref:T", pending.kid), ("acc:T", pending.kid), ("pend-acc:T", kid)):
        with pytest.raises(Denied):
            keyring.unlock_pending("T", ALICE, named, slot, blob, KEK)
    with pytest.raises(Denied):
        keyring.unlock("T", ALICE, pending.kid, "pend-acc:T", blob, KEK)
    keyring.unlock_pending("T", ALICE, pending.kid, "pend-acc:T", blob, KEK)
    assert not keyring.holds("T")
    keyring.take_approval("T", ALICE, kid, approval)
    assert keyring.holds("T")


def test_a_former_key_opens_with_its_successor_and_reads_what_it_could(keyring: Keyring) -> None:
    old = keyring.create("S", ALICE)
    made = epoch_for(Member(ALICE, old))
    data = keyring.account_data_seal("S", ALICE, "t", "", b"{}")
    new, blob = keyring.replace("S", ALICE)
    slot = keyring.wrap("S", ALICE, "acc:S", KEK)
    keyring.forget("S")
    keyring.unlock("S", ALICE, new.kid, "acc:S", slot, KEK)
    with pytest.raises(Denied):
        opened(keyring, "S", ALICE, made)
    with pytest.raises(Denied):
        keyring.account_data_open("S", ALICE, "t", "", data)
    with pytest.raises(Denied):
        keyring.unlock_former("S", ALICE, old.kid, old.kid, blob)
    with pytest.raises(Denied):
        keyring.unlock_former("S", ALICE, new.kid, new.kid, blob)
    keyring.unlock_former("S", ALICE, old.kid, new.kid, blob)
    assert opened(keyring, "S", ALICE, made) is keyring.cached("S", made.header.hh)
    assert keyring.account_data_open("S", ALICE, "t", "", data) == b"{}"
    # What is sealed from now on is sealed under the key in force.
    keyring.forget("S")
    keyring.unlock("S", ALICE, new.kid, "acc:S", slot, KEK)
    fresh = keyring.account_data_seal("S", ALICE, "t", "", b"[]")
    assert keyring.account_data_open("S", ALICE, "t", "", fresh) == b"[]"


# --- epochs -----------------------------------------------------------------------------------


def test_an_epoch_opens_for_its_members_alone(keyring: Keyring) -> None:
    alice, bob = keyring.create("A", ALICE), keyring.create("B", BOB)
    made = epoch_for(Member(ALICE, alice), Member(BOB, bob))
    only_alice = epoch_for(Member(ALICE, alice))
    sealed = opened(keyring, "A", ALICE, made).sealer.seal(FIELDS, b"hello")
    assert opened(keyring, "B", BOB, made).opener.open(FIELDS, sealed) == b"hello"
    for header, hh, wrap in (
        (only_alice.header.bytes, only_alice.header.hh, only_alice.wraps[ALICE]),
        (made.header.bytes, only_alice.header.hh, made.wraps[BOB]),
        (only_alice.header.bytes, made.header.hh, made.wraps[BOB]),
        (made.header.bytes, made.header.hh, made.wraps[ALICE]),
        (made.header.bytes, made.header.hh, None),
        (b"{}", made.header.hh, made.wraps[BOB]),
    ):
        keyring.forget("B")
        keyring._owned("B", BOB).put(_key_of(keyring, bob))
        with pytest.raises(Denied):
            keyring.epoch("B", BOB, header, hh, wrap=wrap, records=(), late=None, late_index=-1)


_KEYS: dict[bytes, PrivateKey] = {}


def _key_of(keyring: Keyring, public: PublicKey) -> PrivateKey:
    """Return the private key of *public*, which some session of *keyring* has held."""
    for held in keyring._kept.held.values():
        _KEYS.update(held.keys)
    return _KEYS[public.kid]


@pytest.fixture(autouse=True)
def _remember(monkeypatch: pytest.MonkeyPatch) -> None:
    generate = PrivateKey.generate

    def remembered(suite: int) -> PrivateKey:
        key = generate(suite)
        _KEYS[key.kid] = key
        return key

    monkeypatch.setattr(PrivateKey, "generate", remembered)


def test_a_newcomer_reads_by_a_late_wrap_and_only_with_a_record(keyring: Keyring) -> None:
    alice, bob = keyring.create("A", ALICE), keyring.create("B", BOB)
    made = epoch_for(Member(ALICE, alice))
    epoch = opened(keyring, "A", ALICE, made)
    body = epoch.sealer.seal(FIELDS, b"before you came")
    record, _, late = epoch.late_wrap([], BOB, bob, ALICE, 20_000)
    for records, index in (((), 0), ((record.bytes,), 1), ((record.bytes,), -1), ((b"{}",), 0)):
        with pytest.raises(Denied):
            keyring.epoch(
                "B",
                BOB,
                made.header.bytes,
                made.header.hh,
                wrap=None,
                records=records,
                late=late,
                late_index=index,
            )
    found = keyring.epoch(
        "B",
        BOB,
        made.header.bytes,
        made.header.hh,
        wrap=None,
        records=(record.bytes,),
        late=late,
        late_index=0,
    )
    assert found.opener.open(FIELDS, body) == b"before you came"
    assert keyring.cached("B", made.header.hh) is found


def test_an_epoch_that_a_request_begins_is_kept_for_its_members_alone(keyring: Keyring) -> None:
    alice = keyring.create("A", ALICE)
    keyring.create("B", BOB)
    made = epoch_for(Member(ALICE, alice))
    for session in (None, "B", "nobody"):
        started = keyring.begin(session, made.header, made.cek)
        assert started.sealer.seal(FIELDS, b"{}")
    assert keyring.cached("B", made.header.hh) is None
    assert keyring.begin("A", made.header, made.cek) is keyring.cached("A", made.header.hh)
    with pytest.raises(Denied):
        keyring.begin("A", made.header, bytes(32))


def test_account_data_opens_for_its_own_type_room_and_user(keyring: Keyring) -> None:
    keyring.create("S", ALICE)
    sealed = keyring.account_data_seal("S", ALICE, "m.tag", "!r:a.example", b"{}")
    assert keyring.account_data_open("S", ALICE, "m.tag", "!r:a.example", sealed) == b"{}"
    for kind, room in (("m.tag", ""), ("m.direct", "!r:a.example")):
        with pytest.raises(Denied):
            keyring.account_data_open("S", ALICE, kind, room, sealed)


# --- never shown ------------------------------------------------------------------------------


def _shown(value: object) -> str:
    return f"{value!r} {value!s} {value}"


def test_nothing_here_can_be_printed(keyring: Keyring) -> None:
    public = keyring.create("S", ALICE)
    key = _key_of(keyring, public)
    made = epoch_for(Member(ALICE, public))
    epoch = opened(keyring, "S", ALICE, made)
    body = epoch.sealer.seal(FIELDS, b"{}")
    assert epoch.opener.open(FIELDS, body) == b"{}"
    keyring.new_pending("S", ALICE)
    recovery = keyring.make_recovery("S", ALICE)
    held = keyring._kept.held["S"]
    assert held.pending is not None
    secrets = [key.raw, made.cek, held.pending, recovery.text.encode(), KEK]
    assert repr(keyring) == "Keyring(sessions=1, epochs=1)"
    assert repr(held) == "Held(keys=1, epochs=1, in_flight=0)"
    assert repr(epoch) == "EpochKeys(…)"
    assert repr(recovery) == "RecoveryKey(…)"

    def fail() -> None:
        with keyring.request("S"):
            keyring.unlock("S", BOB, public.kid, "acc:S", b"", KEK)

    written = [_shown(one) for one in (keyring, held, epoch, recovery, keyring.request("S"))]
    written += [_traceback(fail), _traceback(lambda: keyring.begin("S", made.header, bytes(32)))]
    for text in written:
        for secret in secrets:
            for form in (secret.hex(), b64(secret), repr(secret)[2:-1]):
                assert form not in text


def _traceback(use: Callable[[], object]) -> str:
    with pytest.raises(Denied) as refused:
        use()
    return "".join(traceback.format_exception(refused.value))


def test_what_holds_keys_has_no_dictionary_to_look_through(keyring: Keyring) -> None:
    public = keyring.create("S", ALICE)
    epoch = opened(keyring, "S", ALICE, epoch_for(Member(ALICE, public)))
    for value in (keyring._kept.held["S"], keyring.request("S"), epoch):
        with pytest.raises(TypeError):
            vars(value)
