"""Names in playlists and settings that are no file of this machine: addresses on the network, drives of Windows."""

import os
import re

_ADDRESS = re.compile(r"(?!file:)[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_WINDOWS_DRIVE = re.compile(r"[a-z]:[\\/]|\\\\", re.IGNORECASE)


def why_elsewhere(name: str) -> str:
    """Return why a name cannot be a file here, with what to do, in words behind the name; "" where it can be one."""
    if _ADDRESS.match(name):
        return "is an address on the network, and only files are played: download it, and name the file"
    if os.name != "nt" and _WINDOWS_DRIVE.match(name):
        return "lies on a drive of a Windows computer: copy it to this one, and name it by its path here"
    return ""
