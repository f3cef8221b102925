"""What somebody who reports is told when the desk refuses."""

from halfdoor.readers.review import errors as refused
from halfdoor.web.errors import ErrorTable


def add_report_refusals(table: ErrorTable) -> None:
    """Enter what filing a report can be refused for; the texts are written for whoever reports."""
    table.add(refused.ReportRefusedError, 400, "M_INVALID_PARAM", str)
    table.add(refused.UnseenError, 404, "M_NOT_FOUND", str)
    table.add(
        refused.TooManyReportsError,
        429,
        "M_LIMIT_EXCEEDED",
        str,
        extras=lambda error: {"retry_after_ms": error.retry_after_ms},
    )
    # Nothing was kept, and the same request again is right.
    table.add(refused.StaleCaseError, 503, "M_UNKNOWN", str, retry_after=1)
