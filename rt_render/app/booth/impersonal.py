"""Takes out of a sentence what could tell who somebody was: machines' addresses, accounts, links with their token."""

import re

_LINK = re.compile(r"https?://\S+")
_ADDRESS = re.compile(
    r"\b(?!127\.|0\.0\.0\.0)\d{1,3}(?:\.\d{1,3}){3}\b|(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?!\w)"
)
_TIME = re.compile(r"\d{1,2}:\d\d:\d\d")
_HOME = re.compile(r"(?:[A-Za-z]:)?[/\\](?:home|Users)[/\\][^/\\\s:;,'\"]+|/root(?=/)")


def impersonal(text: str) -> str:
    """Return a sentence for the log: as it was, but for what names a person's machine, account or link."""
    text = _HOME.sub("~", _LINK.sub("its link", text))
    return _ADDRESS.sub(lambda found: found[0] if _TIME.fullmatch(found[0]) else "another machine", text)
