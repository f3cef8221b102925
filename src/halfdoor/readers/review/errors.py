"""What the review desk refuses, each by a name of its own."""


class ReviewError(Exception):
    """A request that the desk refuses; its text may be shown to whoever asked."""


class UnknownCaseError(ReviewError):
    """There is no such case, report or evidence for whoever asks."""


class StaleCaseError(ReviewError):
    """The case moved on since it was looked at: look again, then decide (409)."""


class NotHeldError(ReviewError):
    """The case is not held by whoever asks, or their lease has ended (409)."""


class HeldError(ReviewError):
    """Another person holds the case (409)."""


class ConflictOfInterestError(ReviewError):
    """Whoever asks is the subject, a reporter, or connected with one of them (403)."""


class SecondPersonError(ReviewError):
    """This needs a second, different person (409)."""


class RoleError(ReviewError):
    """Whoever asks has no role that may do this (403)."""


class ReportRefusedError(ReviewError):
    """A report that cannot be taken as it was made (400)."""


class UnseenError(ReviewError):
    """The reporter cannot see one of the messages (404)."""


class TooManyReportsError(ReviewError):
    """More reports than the policy takes at once (429); come again after `retry_after_ms`."""

    def __init__(self, message: str, retry_after_ms: int) -> None:
        super().__init__(message)
        self.retry_after_ms = retry_after_ms


class BreakError(ReviewError):
    """Time for a break: the budget of the day is used up (429)."""


class ChoiceRefusedError(ReviewError):
    """A decision that the policy does not allow for this reason, or that is no decision (400)."""


class AppealRefusedError(ReviewError):
    """An appeal or complaint that is not taken: too late, twice, or about no decision (409)."""


class AppealWordsError(AppealRefusedError):
    """An appeal or complaint without words, or with too many: other words would do (400)."""
