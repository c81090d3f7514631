"""How x-IMU3 messages are made: which letter has how many values, and how binary ones do without line feeds."""

END = b"\n"
FIELD_UT = 50.0
N_VALUES = {
    **{"Q": (4,), "A": (3,), "R": (9,), "I": (6,), "M": (3,), "B": (3,), "H": (3,), "T": (1,), "W": (2,)},
    # Accelerations came without the quaternion once; status and synchronisation differ between firmwares.
    **{"L": (3, 7), "E": (3, 7), "U": (1, 2, 3, 4), "Y": (1,)},
}
_ESCAPE, _ESCAPED_END, _ESCAPED_ESCAPE = b"\xdb", b"\xdb\xdc", b"\xdb\xdd"


def stuffed(raw: bytes) -> bytes:
    """Return a binary message as it is sent, its end included."""
    return raw.replace(_ESCAPE, _ESCAPED_ESCAPE).replace(END, _ESCAPED_END) + END


def unstuffed(line: bytes) -> bytes | None:
    """Undo `stuffed`, the end left out; None where an escape stands for nothing."""
    first, *rest = line.split(_ESCAPE)
    pieces = [first]
    for piece in rest:
        if piece[:1] not in (b"\xdc", b"\xdd"):
            return None
        pieces.append((END if piece[:1] == b"\xdc" else _ESCAPE) + piece[1:])
    return b"".join(pieces)
