"""What is wrong with a configuration, said so that its owner can mend it."""


class ConfigError(Exception):
    """A setting that cannot be used. *setting* is its dotted name, *why* a whole sentence.

    Neither ever quotes a value: someone may have put a secret where a path belongs.
    """

    def __init__(self, setting: str, why: str) -> None:
        super().__init__(f"{setting}: {why}" if setting else why)
        self.setting = setting
        self.why = why
