"""A dialect written as the message it sends, word for word as Headitude's message field takes it."""

import re
from math import degrees

from firmware_bridge.errors import BridgeError
from firmware_bridge.osc.dialect import OscDialect
from firmware_bridge.osc.row import Form, Row, Slot

WORDS = "yaw, pitch, roll (each also yaw+ for 0 to 360, or yawRad), qw, qx, qy, qz, each after a - if negated"
_WORD = re.compile(r"(-?)(?:(yaw|pitch|roll)(\+)?(Rad)?|q([wxyz]))")


def dialect_of_message(text: str) -> OscDialect:
    """Return the dialect of "/ADDRESS WORD WORD ...", words for the head's angles or its quaternion.

    Yaw is positive to the left, pitch down, roll to the right ear. Raises BridgeError that names the word that is
    not understood, or what is missing.
    """
    address, *words = text.split()
    slots, forms, radians = [], set(), set()
    for word in words:
        found = _WORD.fullmatch(word)
        if found is None:
            raise BridgeError(f"OSC message {text!r}: {word!r} is none of {WORDS}.")
        minus, angle, full, rad, part = found.groups()
        # Headitude's pitch is positive downwards.
        sign = (-1.0 if minus else 1.0) * (-1.0 if angle == "pitch" else 1.0)
        slots.append(Slot(angle or part, sign, bool(full)))
        forms.add(Form.ANGLES if angle else Form.QUATERNION)
        if angle:
            radians.add(bool(rad))
    names = [slot.name for slot in slots]
    if len(forms) != 1 or len(radians) > 1 or len(set(names)) != len(names):
        raise BridgeError(f"OSC message {text!r}: write angles in one unit or a quaternion, each word once.")
    form = forms.pop()
    if form is Form.QUATERNION and len(names) != 4:
        raise BridgeError(f"OSC message {text!r}: a quaternion needs qw, qx, qy and qz.")
    row = Row(tuple(slots), form, unit=degrees(1.0) if radians == {True} else 1.0)
    return OscDialect(text, f"your own message {text}", {address: row}, "written by you")
