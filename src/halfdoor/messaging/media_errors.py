"""What is refused about files, beside what the stores refuse (`media_store`)."""

from halfdoor.messaging.errors import MessagingError, NotFoundError


class UnknownMediaError(NotFoundError):
    """There is no such file, as far as this person may know."""


class NotYetUploadedError(MessagingError):
    """The file has an address, and nothing has been put there so far."""


class TooManyTransfersError(MessagingError):
    """One person sends or fetches as many files at once as anybody may."""
