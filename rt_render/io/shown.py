"""Names of files as they can be shown: the system allows bytes in them that are no text."""

import re

_NO_TEXT = re.compile("[\ud800-\udfff]")


def shown(text: str) -> str:
    """Return a text with U+FFFD for what no UTF-8 can hold: what Python makes of a file name's stray bytes."""
    return _NO_TEXT.sub("\N{REPLACEMENT CHARACTER}", text)
