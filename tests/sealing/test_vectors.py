"""Every case of tests/vectors/sealing.json: bytes that another implementation made."""

import copy
import json
from base64 import b64decode
from collections.abc import Callable
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from halfdoor import ids
from halfdoor.merkle import tree
from halfdoor.sealing import (
    chain,
    epochs,
    franking,
    media,
    roots,
    shares,
    slots,
    symmetric,
)
from halfdoor.sealing import labels as label
from halfdoor.sealing.envelope import EventFields, EventKeys, clear_hash, seal_event
from halfdoor.sealing.labels import CheckError, Denied
from halfdoor.sealing.opening import cases as open_cases
from halfdoor.sealing.opening import epochs as open_epochs
from halfdoor.sealing.opening import events as open_events
from halfdoor.sealing.opening import media as open_media
from halfdoor.sealing.opening import shares as open_shares
from halfdoor.sealing.opening import user_keys
from halfdoor.sealing.outer import OuterKeys
from halfdoor.sealing.suites import XWING, PrivateKey

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "sealing.json").read_text())
CASES = [
    pytest.param(case, id=f"{block}-{number}-{case['op']}")
    for block, cases in VECTORS["blocks"].items()
    for number, case in enumerate(cases)
]
CHUNK = media.CHUNK_BYTES + symmetric.TAG_BYTES
HEAD = 33

Inputs = dict[str, Any]


def meant(value: Any) -> Any:
    """Return the bytes, named value or text that a string of the file stands for."""
    if isinstance(value, str):
        if value.startswith("hex:"):
            return bytes.fromhex(value[4:])
        return meant(VECTORS["values"][value[4:]]) if value.startswith("use:") else value
    if isinstance(value, list):
        return [meant(one) for one in value]
    if isinstance(value, dict):
        return {key: meant(one) for key, one in value.items()}
    return value


def changed(inputs: Inputs, refusal: dict[str, Any]) -> Inputs:
    """Return a copy of *inputs* with the one thing changed that must be refused."""
    result: Inputs = copy.deepcopy(inputs) | meant(refusal.get("set", {}))
    if "put" in refusal:
        *path, last = refusal["put"][0]
        inside: Any = result
        for step in path:
            inside = inside[step]
        inside[last] = meant(refusal["put"][1])
    if "flip" in refusal:
        name, n = refusal["flip"]
        flipped = bytearray(result[name])
        flipped[n] ^= 1
        result[name] = bytes(flipped)
    return result


def fields(i: Inputs) -> EventFields:
    return EventFields(**{name: i[name] for name in EventFields.__struct_fields__})


def user_key(raw: bytes) -> PrivateKey:
    return PrivateKey.from_bytes(XWING, raw)


def escrow_set(i: Inputs) -> shares.EscrowSet:
    return shares.EscrowSet.from_document(i["doc"])


def commits(i: Inputs) -> list[bytes]:
    return [b64decode(one) for one in i["commits"]]


def header(i: Inputs) -> epochs.Header:
    return epochs.parse_header(label.canonical(i["header"]))


def records(i: Inputs) -> list[epochs.ReaderRecord]:
    return [epochs.parse_record(label.canonical(one)) for one in i["records"]]


def token(i: Inputs) -> list[Any]:
    text = slots.make_token(i["kind"], i["ub"], i["r"])
    return [text, slots.token_kek(i["r"]), slots.token_lookup(i["k_lookup"], i["r"])]


def password(i: Inputs) -> list[bytes]:
    secrets = slots.password_secrets(i["password"], i["salt"])
    return [slots.stretch(i["password"], i["salt"]), secrets.kek, secrets.verifier]


def recovery(i: Inputs) -> list[Any]:
    key = slots.recovery_private(i["secret"])
    return [slots.recovery_text(i["secret"]), key.raw, key.kid]


def chain_values(i: Inputs) -> list[bytes]:
    """Compute the values, and let the checker compare them with those that were stored."""
    links = [
        chain.link(one["seq"], fields(one), one["body"])
        if "body" in one
        else chain.destroyed_link(
            one["seq"],
            one["event_id"],
            one["sender"],
            one["device"],
            one["ts"],
            one["clear_hash"],
            one["body_hash"],
        )
        for one in i["items"]
    ]
    chain.check_chain(i["first"], links, i["stored"])
    return list(accumulate(links, chain.extended, initial=i["first"]))[1:]


def formula_file(i: Inputs) -> bytes:
    content = bytes(n * 7 % 251 for n in range(251)) * (i["size"] // 251 + 1)
    return media.seal_media(i["key"], i["media_id"], content[: i["size"]])


def edited_file(i: Inputs) -> bytes:
    file = formula_file(i)
    head, rest = file[:HEAD], file[HEAD:]
    chunks = [rest[n : n + CHUNK] for n in range(0, len(rest), CHUNK)]
    for edit, *where in i.get("edit", []):
        if edit == "flip":
            changed_head = bytearray(head)
            changed_head[where[0]] ^= 1
            head = bytes(changed_head)
        elif edit == "cut":
            chunks.pop()
        elif edit == "append":
            chunks.append(chunks[where[0]])
        elif edit == "empty_last":
            n = len(chunks)
            aad = media.chunk_aad(i["media_id"], n, 1)
            chunks.append(symmetric.cipher(i["key"]).encrypt(media.chunk_nonce(n), b"", aad))
        else:
            assert edit == "swap"
            a, b = where
            chunks[a], chunks[b] = chunks[b], chunks[a]
    return head + b"".join(chunks)


def media_opened(i: Inputs) -> bytes:
    opened_as = {"open_key": i["key"], "open_id": i["media_id"]} | i
    key, media_id = opened_as["open_key"], opened_as["open_id"]
    return sha256(open_media.open_media(key, media_id, edited_file(i))).digest()


def frank_facts(i: Inputs) -> Inputs:
    return {name: i[name] for name in ("sender", "device", "room", "event_id", "ts", "ct_hash")}


def headers_root(i: Inputs) -> bytes:
    return tree.root(roots.headers_leaves(roots.EpochDay(*one) for one in i["epochs"]))


def opened_key(i: Inputs) -> bytes:
    return user_keys.open_user_key(i["kek"], i["blob"], i["user"], i["kid"], i["slot"]).raw


OPS: dict[str, Callable[[Inputs], Any]] = {
    "enc": lambda i: label.enc(i["label"], *i["fields"]),
    "json": lambda i: label.canonical(i["value"]),
    "json_parse": lambda i: label.canonical(label.parse_canonical(i["bytes"])),
    "kdf": lambda i: label.kdf(i["k"], i["info"], i["length"]),
    "expand": lambda i: label.expand(i["prk"], i["info"], i["length"]),
    "kid": lambda i: [
        sha256((key := PrivateKey.from_bytes(i["suite"], i["private"])).public.raw).digest(),
        key.kid,
    ],
    "hpke_open": lambda i: PrivateKey.from_bytes(i["suite"], i["private"]).open(
        label.enc(*i["info"]), i["blob"]
    ),
    "password": password,
    "token": token,
    "token_read": lambda i: list(slots.read_token(i["token"], i["slot"][:3])),
    "uk_wrap": lambda i: slots.wrap_user_key(
        i["kek"], user_key(i["uk"]), i["user"], i["slot"], i["nonce"]
    ),
    "uk_open": opened_key,
    "recovery": recovery,
    "recovery_read": lambda i: slots.read_recovery_text(i["text"]),
    "pending": lambda i: [(key := slots.pending_private(i["r"])).raw, key.kid],
    "account_data_seal": lambda i: slots.seal_account_data(
        user_key(i["uk"]), i["user"], i["type"], i["room"], i["pt"], i["nonce"]
    ),
    "account_data_open": lambda i: user_keys.open_account_data(
        user_key(i["uk"]), i["blob"], i["user"], i["type"], i["room"]
    ),
    "outer_seal": lambda i: OuterKeys({i["month"]: i["dk"]}).seal(
        i["month"], i["table"], i["partition"], i["pk"], i["body"], i["nonce"]
    ),
    "outer_open": lambda i: OuterKeys(dict(i["keys"])).open(
        i["table"], i["partition"], i["pk"], i["row"]
    ),
    "bucket": lambda i: ids.bucket(i["id"]),
    "id_make": lambda i: ids.make_id(i["prefix"], i["bucket"], i["random"]),
    "id_bucket": lambda i: ids.read_id(i["prefix"], i["id"])[0],
    "escrow_set": lambda i: escrow_set(i).hash,
    "share_commit": lambda i: shares.share_commit(escrow_set(i).hash, i["i"], i["share"]),
    "share_check": lambda i: shares.check_share(escrow_set(i), commits(i), i["i"], i["share"]),
    "combine": lambda i: open_shares.combine(
        escrow_set(i), commits(i), i["cek_commit"], i["shares"]
    ),
    "share_open": lambda i: open_shares.open_share(
        escrow_set(i),
        i["i"],
        i["hh"],
        PrivateKey.from_bytes(escrow_set(i).suite, i["private"]),
        i["blob"],
    ),
    "header": lambda i: [header(i).bytes, header(i).hh],
    "cek_commit": lambda i: epochs.cek_commit(i["cek"]),
    "wrap_open": lambda i: open_epochs.open_cek(
        header(i), i["hh"], i["user"], user_key(i["uk"]), i["blob"]
    ),
    "reader_hashes": lambda i: epochs.reader_hashes(i["hh"], records(i)),
    "late_open": lambda i: open_epochs.open_late_cek(
        header(i), i["hh"], records(i), i["n"], i["user"], user_key(i["uk"]), i["blob"]
    ),
    "event_seal": lambda i: seal_event(i["cek"], i["hh"], fields(i), i["pt"], i["salt"]),
    "event_key": lambda i: EventKeys(i["cek"], i["hh"]).derive(fields(i), i["salt"])[0],
    "event_open": lambda i: open_events.EventOpener(i["cek"], i["hh"]).open(fields(i), i["body"]),
    "event_open_with_key": lambda i: open_events.open_event_with_key(
        i["key"], i["hh"], fields(i), i["body"]
    ),
    "chain": chain_values,
    "headers_root": headers_root,
    "users_root": lambda i: tree.root(roots.users_leaves(map(tuple, i["users"]))),
    "media_seal": lambda i: media.seal_media(i["key"], i["media_id"], i["pt"]),
    "media_file": lambda i: [len(formula_file(i)), sha256(formula_file(i)).digest()],
    "media_open": media_opened,
    "media_epoch_wrap": lambda i: media.wrap_media_key(
        i["cek"], i["hh"], i["media_id"], i["key"], i["nonce"]
    ),
    "media_epoch_open": lambda i: open_media.open_epoch_media_key(
        i["cek"], i["hh"], i["media_id"], i["blob"]
    ),
    "case_open": lambda i: open_cases.open_case(
        user_key(i["case_key"]),
        i["blob"],
        i["case_id"],
        i["reporter"],
        i["hh"],
        fields(i),
        i["body"],
    ),
    "case_media_open": lambda i: open_cases.open_case_media(
        user_key(i["case_key"]), i["blob"], i["case_id"], i["reporter"], i["media_id"], i["file"]
    ),
    "frank_commit": lambda i: franking.frank_commit(
        i["kf"], i["sender"], i["room"], i["type"], i["content"]
    ),
    "frank_tag": lambda i: franking.frank_tag(i["k"], i["key_id"], c=i["c"], **frank_facts(i)),
    "frank_verify": lambda i: franking.check_frank(
        i["k"],
        i["key_id"],
        i["tag"],
        kf=i["kf"],
        event_type=i["type"],
        content=i["content"],
        **frank_facts(i),
    ),
}


def run(case: dict[str, Any], inputs: Inputs) -> Any:
    # What a chain's checker is given as stored is what the file says comes out.
    stored = {"stored": meant(case["out"])} if case["op"] == "chain" else {}
    return OPS[case["op"]](inputs | stored)


@pytest.mark.parametrize("case", CASES)
def test_we_refuse_what_they_refuse_and_make_the_bytes_they_make(case: dict[str, Any]) -> None:
    inputs = meant(case["in"])
    assert run(case, inputs) == meant(case["out"])
    for refusal in case.get("refuse", []):
        try:
            result = run(case, changed(inputs, refusal))
        # Checks on public or presented facts have named errors; the file knows only one.
        except (Denied, CheckError, ids.BadId):
            continue
        pytest.fail(f"not refused: {refusal['why']}, but {result!r}")


def test_no_case_and_no_refusal_is_left_out() -> None:
    cases = [case for block in VECTORS["blocks"].values() for case in block]
    assert len(CASES) == len(cases) == 159
    assert sum(len(case.get("refuse", [])) for case in cases) == 524


def test_no_operation_is_written_for_nothing() -> None:
    named = {case["op"] for block in VECTORS["blocks"].values() for case in block}
    assert set(OPS) == named


def test_the_clear_hash_of_a_destroyed_event_is_that_of_its_fields() -> None:
    (case,) = VECTORS["blocks"]["chain"]
    destroyed = [meant(one) for one in case["in"]["items"] if "clear_hash" in one]
    assert destroyed
    for one in destroyed:
        assert clear_hash(fields(one)) == one["clear_hash"]
