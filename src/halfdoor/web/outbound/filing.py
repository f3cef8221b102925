"""How the filing of a report can fail; apart from the client, which needs packages of its own."""


class FilingError(Exception):
    """The report was not taken; trying again may help."""


class FilingRefusedError(FilingError):
    """The endpoint read the report and said no, with a code: trying again changes nothing."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the endpoint refused with code {code}")
        self.code = code
