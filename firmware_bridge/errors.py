"""The one error of this package that is meant for people."""


class BridgeError(Exception):
    """Something a person can mend; the text is one or two sentences and ends with the next step."""
