"""Takes out of a sentence what could tell who somebody was, where it can be recognised.

That is: machines' addresses and local names, accounts in paths, links with their token, and owners in the names of
devices ("Ann's AirPods"), and how a head moved. A file or a device with a person's name as such keeps it.
"""

import re

_LINK = re.compile(r"https?://\S+")
_ADDRESS = re.compile(
    r"\b(?!127\.|0\.0\.0\.0)\d{1,3}(?:\.\d{1,3}){3}\b|(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?!\w)"
)
_TIME = re.compile(r"\d{1,2}:\d\d:\d\d")
_HOME = re.compile(
    r"(?:[A-Za-z]:)?[/\\](?:home|Users)[/\\][^/\\\s:;,'\"]+|/root(?=/)"
    r"|(?<![\w.~-])(?:/run)?/media/[^/\s:;,'\"]+(?=/)|/Volumes/[^/\n]+(?=/)"
)
_MACHINE = re.compile(r"\b[\w-]+(?:\.[\w-]+)*\.(?:local|lan|home|internal|fritz\.box)\b(?!\.\w)", re.IGNORECASE)
_MOTION = re.compile(r"\bsays: you look\b.*", re.DOTALL)
_OWNER = re.compile(r"\b(?!(?:It|That|There|What|Here|Let)['’])[^\W\d_a-z][\w-]*['’]s(?= \w)")


def impersonal(text: str) -> str:
    """Return a sentence for the log: as it was, but for what names a person's machine, account or link."""
    text = _HOME.sub("~", _LINK.sub("its link", _MOTION.sub("tells how the head is turned.", text)))
    text = _OWNER.sub("somebody's", _MACHINE.sub("another machine", text))
    return _ADDRESS.sub(lambda found: found[0] if _TIME.fullmatch(found[0]) else "another machine", text)
