"""Sends a referral that was made, where the configuration says so: worker of queue "refer"."""

import contextlib
from typing import Final, Protocol, final

import msgspec
from msgspec.structs import replace

from halfdoor.readers.review.sealed_files import Package
from halfdoor.readers.review.tip_files import file_details_xml
from halfdoor.store.jobs import Job, JobStore
from halfdoor.web.outbound.filing import FilingRefusedError

# An unfinished report is given up at the other end after an hour without a change.
_NEW_BEGINNINGS: Final = 3


class Tipline(Protocol):
    """Where reports are filed (`web.outbound.cyber_tip.CyberTipline`)."""

    async def submit(self, report: bytes) -> int:
        """Open a report and return its number."""

    async def upload(self, report: int, name: str, content: bytes) -> str:
        """Add a file and return its id."""

    async def fileinfo(self, details: bytes) -> None:
        """Tell what a file is."""

    async def finish(self, report: int) -> int:
        """File the report."""

    async def retract(self, report: int) -> None:
        """Take back a report that is not finished."""


class Outgoing(Protocol):
    """What is to be sent, and what became of it (`readers.review.referral_filing.Filing`)."""

    async def to_send(self, case_id: str, referral: str) -> Package | None:
        """Return a made referral, opened; None where nothing is to be sent any more."""

    async def sent(self, case_id: str, referral: str, report: int) -> None:
        """Note that it was filed."""

    async def failed(self, case_id: str, referral: str, code: int) -> None:
        """Note that it was refused."""


class _Course(msgspec.Struct, frozen=True, kw_only=True):
    """How far a filing has come: the open report, and how many of its files are uploaded and told.

    `file_id` is the file that was uploaded and is not told of yet; `again` counts new beginnings.
    """

    case: str
    referral: str
    report: int | None = None
    told: int = 0
    file_id: str | None = None
    again: int = 0


@final
class Referring:
    """Files referrals, one request a step: opens a report, adds its files, finishes it."""

    def __init__(self, filing: Outgoing, tipline: Tipline, jobs: JobStore) -> None:
        self._filing = filing
        self._tipline = tipline
        self._jobs = jobs

    async def step(self, job: Job, now: int) -> Job | None:
        """Take the filing of *job* one request further; raises where there was no answer."""
        course = msgspec.json.decode(job.payload, type=_Course)
        package = await self._filing.to_send(course.case, course.referral)
        if package is None:
            await self._jobs.end(job)
            return None
        try:
            after = await self._further(course, package)
        except FilingRefusedError as error:
            after = await self._refused(course, package, error.code)
        if after is None:
            await self._jobs.end(job)
            return None
        return await self._jobs.save(job, msgspec.json.encode(after), now)

    async def _further(self, course: _Course, package: Package) -> _Course | None:
        """Make the next request, and return how it stands then; None once the report is filed."""
        if course.report is None:
            return replace(course, report=await self._tipline.submit(package.report))
        if course.told < len(package.files):
            file = package.files[course.told]
            if course.file_id is None:
                file_id = await self._tipline.upload(course.report, file.name, file.content)
                return replace(course, file_id=file_id)
            await self._tipline.fileinfo(file_details_xml(course.report, course.file_id, file))
            return replace(course, told=course.told + 1, file_id=None)
        number = await self._tipline.finish(course.report)
        await self._filing.sent(course.case, course.referral, number)
        return None

    async def _refused(self, course: _Course, package: Package, code: int) -> _Course | None:
        """Return a new beginning where the open report is of no use any more.

        Never after the first try to finish it: it may have been filed just before a crash, and a
        child is rather asked about by a person than reported twice.
        """
        asked_to_finish = course.told == len(package.files)
        if course.report is None or asked_to_finish or course.again >= _NEW_BEGINNINGS:
            await self._filing.failed(course.case, course.referral, code)
            return None
        with contextlib.suppress(FilingRefusedError):
            await self._tipline.retract(course.report)
        return _Course(case=course.case, referral=course.referral, again=course.again + 1)
