"""Consistent overhead byte stuffing (Cheshire, Baker 1999): bytes without a zero, so that a zero can end a frame."""


def encode(raw: bytes) -> bytes:
    """Return `raw` without zeros, one byte longer per 254; the ending zero is not added."""
    out = bytearray()
    for run in raw.split(b"\0"):
        while len(run) >= 254:
            out += b"\xff" + run[:254]
            run = run[254:]
        out.append(len(run) + 1)
        out += run
    return bytes(out)


def decode(stuffed: bytes) -> bytes | None:
    """Return what `encode` was given, None where no encoder writes such bytes."""
    out, at, end = bytearray(), 0, len(stuffed)
    while at < end:
        code = stuffed[at]
        after = at + code
        if code == 0 or after > end:
            return None
        out += stuffed[at + 1 : after]
        if code < 255 and after < end:
            out.append(0)
        at = after
    return None if 0 in stuffed else bytes(out)
