"""Opening one reported message, and making sure that it is what was stored (SEALING §6).

Neither the reporter nor somebody with the database alone can alter what was said, by whom, when:
the key opens one body under one header and these clear fields, and the receipt that the reporter
holds lists the hash of that body. Somebody with both the key and the database could write another
message: therefore the conversation is asked as well what it holds at that place, and whether its
chain holds from there on. Where retention has ended that day since, the receipt proves it alone.
"""

from typing import final

import msgspec

from halfdoor.readers.review.case_keys import private_key
from halfdoor.readers.review.disclosures import Disclosure, FileHash, decode_disclosures
from halfdoor.readers.review.megolm_evidence import ENCRYPTED, Proof
from halfdoor.readers.review.proving import Proofs
from halfdoor.readers.review.receipts import ReceiptEvent, read_receipt
from halfdoor.readers.review.records import Case, Evidence, Report
from halfdoor.readers.review.report_sources import StoredEvents, Witness
from halfdoor.readers.review.store import DeskStore
from halfdoor.safety.postures import E2EE
from halfdoor.sealing.chain import link
from halfdoor.sealing.envelope import EventFields
from halfdoor.sealing.epochs import parse_header
from halfdoor.sealing.labels import CheckError, Denied, H, b64
from halfdoor.sealing.opening.cases import open_case, open_case_disclosure


class Opened(msgspec.Struct, frozen=True):
    """A message that opened and is proven: `content` is the JSON of its content.

    `stored` says that the conversation itself still holds it; else the receipt alone proves it.
    Where it was encrypted end to end, `proof` says how it is known what it said: with None it is
    not, and `content` is the ciphertext. `loose` are characters that the reporter could have
    chosen, `hashes` those of files (SHA-256) that the reporter named and nobody can check.
    """

    type: str
    content: bytes
    stored: bool = False
    encrypted: bool = False
    proof: Proof | None = None
    loose: str = ""
    hashes: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        return f"Opened({self.type!r}, …)"


def opened(case: Case, report: Report, evidence: Evidence, receipt_key: bytes) -> Opened:
    """Return what *evidence* holds, with the key of the *case* it was handed over in.

    The conversation is not asked here. *receipt_key* is the public key of the entity's receipts.
    Whatever does not fit is `Denied`, without a cause: another case, report, reporter, sender,
    time, epoch, body or key.
    """
    try:
        return _opened(case, report, evidence, receipt_key)
    except (Denied, CheckError, ValueError, RecursionError):
        pass
    raise Denied


def _opened(case: Case, report: Report, evidence: Evidence, receipt_key: bytes) -> Opened:
    # 1. It belongs to this case and to this report.
    owner = (evidence.case, evidence.report, evidence.reporter)
    if owner != (case.id, report.id, report.reporter) or report.case != case.id:
        raise Denied
    # 2. The epoch is the one its header hashes to, and of this conversation.
    header = parse_header(evidence.header)
    if header.hh != evidence.hh or header.conv != evidence.room:
        raise Denied
    # 3. Who said it, when, is what the sealed body is bound to.
    fields = msgspec.json.decode(evidence.fields, type=EventFields)
    said = (fields.event_id, fields.sender, fields.ts)
    if said != (evidence.event_id, evidence.sender, evidence.ts):
        raise Denied
    # 4. It is what the receipt was signed for, in this place of the conversation.
    _check_receipt(report, evidence, receipt_key)
    # 5. The key opens this body and no other.
    content = open_case(
        private_key(case),
        evidence.blob,
        case.id,
        evidence.reporter,
        evidence.hh,
        fields,
        evidence.body,
    )
    # What is no JSON object was never taken as a message: nothing of it is shown.
    msgspec.json.decode(content, type=dict[str, object])
    end_to_end = header.posture == E2EE and fields.type == ENCRYPTED
    return Opened(fields.type, content, encrypted=end_to_end)


def disclosures_of(case: Case, evidence: Evidence) -> list[Disclosure]:
    """Return what the reporter disclosed of *evidence*, sealed to the *case*; else `Denied`."""
    if not evidence.disclosed:
        return []
    data = open_case_disclosure(
        private_key(case),
        evidence.disclosed,
        case.id,
        evidence.reporter,
        evidence.hh,
        evidence.event_id,
        evidence.body,
    )
    return decode_disclosures(data)


def _check_receipt(report: Report, evidence: Evidence, receipt_key: bytes) -> None:
    """Refuse evidence that the reporter's receipt does not list just so."""
    receipt = read_receipt(report.receipt, receipt_key)
    if (receipt.report, receipt.reporter) != (report.id, report.reporter):
        raise Denied
    listed = ReceiptEvent(
        room=evidence.room,
        event_id=evidence.event_id,
        hh=b64(evidence.hh),
        seq=evidence.seq,
        body=b64(H(evidence.body)),
        context=evidence.context,
    )
    if listed not in receipt.events:
        raise Denied


def check_stored(evidence: Evidence, witness: Witness) -> None:
    """Refuse *evidence* that is not what its conversation holds at that place, with `Denied`.

    Its epoch, id, sender, device, time, type, relation and body are compared at once, by their
    hashes: so it does not matter that the body was destroyed since. *evidence* must have opened.
    """
    fields = msgspec.json.decode(evidence.fields, type=EventFields)
    if witness != Witness(evidence.hh, link(evidence.seq, fields, evidence.body)):
        raise Denied


@final
class EvidenceOpener:
    """Opens evidence for whoever has logged already who looks, and why."""

    def __init__(
        self,
        store: DeskStore,
        receipt_key: bytes,
        conversations: StoredEvents,
        proofs: Proofs | None = None,
    ) -> None:
        """*receipt_key* is the public key of the entity's receipts, 32 bytes (RFC 8032).

        *proofs* open what was encrypted end to end.
        """
        self._proofs = proofs or Proofs()
        self._store = store
        self._receipt_key = receipt_key
        self._conversations = conversations

    async def open(self, evidence: Evidence) -> Opened:
        """Return what *evidence* holds; `Denied` where anything about it is not as it was stored.

        One more read asks its conversation, which goes over its chain where that is short: see
        `StoredEvents`. Its key is that of the case it was handed over in, also after that was
        merged.
        """
        case = await self._store.case(evidence.case)
        report = await self._store.report(evidence.report)
        if case is None or report is None:
            raise Denied
        message = opened(case, report, evidence, self._receipt_key)
        if message.encrypted:
            message = await self._decrypted(case, evidence, message)
        witness = await self._conversations.witness(evidence.room, evidence.seq)
        if witness is None:
            return message
        check_stored(evidence, witness)
        return msgspec.structs.replace(message, stored=True)

    async def _decrypted(self, case: Case, evidence: Evidence, message: Opened) -> Opened:
        """Return what an encrypted *message* said, as far as the reporter disclosed it; `Denied`.

        Checked anew, against the stored ciphertext that *message* holds.
        """
        given = disclosures_of(case, evidence)
        fields = msgspec.json.decode(evidence.fields, type=EventFields)
        said = await self._proofs.opened(message.content, evidence.room, fields, given)
        hashes = tuple(one.sha256 for one in given if isinstance(one, FileHash))
        if said is None:
            return msgspec.structs.replace(message, hashes=hashes)
        return msgspec.structs.replace(
            message,
            type=said.type,
            content=said.content,
            proof=said.proof,
            loose=said.loose,
            hashes=hashes,
        )

    async def open_evidence(self, case: Case, evidence: Evidence) -> tuple[bytes, bool]:
        """Return the content (JSON) of *evidence*, and that it is proven: else it is `Denied`.

        *case* is the one it was handed over in.
        """
        if evidence.case != case.id:
            raise Denied
        return (await self.open(evidence)).content, True
