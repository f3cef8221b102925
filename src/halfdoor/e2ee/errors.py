"""What the relay of keys refuses; the texts are for whoever sent it and quote nothing."""


class KeyRelayError(Exception):
    """Keys, or signatures on them, were not taken."""


class BadKeysError(KeyRelayError):
    """Not of the form that the specification gives keys (M_BAD_JSON)."""


class MissingKeysError(KeyRelayError):
    """What was sent needs a key that is not there (M_MISSING_PARAM)."""


class WrongOwnerError(KeyRelayError):
    """They name another person, device or key than the one they came from (M_INVALID_PARAM)."""


class TakenKeyError(KeyRelayError):
    """There is another key of this name, and that one stays (M_INVALID_PARAM)."""


class TooManyKeysError(KeyRelayError):
    """One request carries, or names, more than is taken (M_TOO_LARGE)."""


class BadSignatureError(KeyRelayError):
    """A signature is missing, or was not made by the key it names (M_INVALID_SIGNATURE)."""


class UnknownKeyError(KeyRelayError):
    """There is no such key, or it is not for whoever asks (M_NOT_FOUND)."""
