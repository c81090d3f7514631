"""What a file is that libsndfile does not read, by its first bytes: so that a person knows what to do with it."""

from pathlib import Path
from shlex import quote

_HEAD_BYTES = 512
_DISGUISE_BYTES = 1 << 17
_DISGUISES = ((b"\xfe\x7f\x01\x80", "DTS"), (b"\x72\xf8\x1f\x4e", "Dolby Digital or another coded stream"))
_SYNCS = 4
"""So often such a word is no chance."""
_KINDS = (
    (4, b"ftyp", "an MP4 or M4A file"),
    (0, b"\x1a\x45\xdf\xa3", "a Matroska or WebM file"),
    (0, b"\x30\x26\xb2\x75", "a Windows Media file"),
    (0, b"\xff\xf1", "an AAC file"),
    (0, b"\xff\xf9", "an AAC file"),
    (0, b"\x0b\x77", "an AC-3 file"),
    (0, b"wvpk", "a WavPack file"),
    (0, b"MAC ", "a Monkey's Audio file"),
    (0, b"DSD ", "a DSD file"),
    (0, b"FRM8", "a DSD file"),
    (8, b"AVI ", "an AVI film"),
)


def advice_about(path: Path) -> str | None:
    """Return what a file is that cannot be read as audio, and the next step: the rest of a sentence; None: unknown."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return None
    if not head:
        return "is empty; copy it again from where it came"
    for at, magic, kind in _KINDS:
        if head[at : at + len(magic)] == magic:
            command = f"ffmpeg -i {quote(path.name)} {quote(path.stem + '.converted.wav')}"
            return f"is {kind}, which is not played here; convert it with `{command}`"
    if _is_text(head):
        return "is a text file and not sound, whatever its name says; choose an audio file"
    return None


def disguised_stream(path: Path) -> str | None:
    """Return the name of a coded stream that a file holds in the place of samples, which would be noise; or None.

    IEC 61937 and DTS put their words where 16-bit samples would be, so that a disc or a cable takes them for sound.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_DISGUISE_BYTES)
    except OSError:
        return None
    return next((name for sync, name in _DISGUISES if head.count(sync) >= _SYNCS), None)


def _is_text(head: bytes) -> bool:
    text = head.decode("utf-8", errors="replace")
    return all(letter.isprintable() or letter in "\r\n\t" for letter in text.rstrip("\ufffd"))
