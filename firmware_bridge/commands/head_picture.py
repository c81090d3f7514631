"""A small picture of the head in characters: from above (yaw), from its right side (pitch), from behind (roll)."""

from math import cos, pi, radians, sin

WIDTH, HEIGHT = 19, 9
_SCALE, NOSE = 3.0, 4.0 / 3.0
"""Rows from the middle to the rim; a character is about twice as high as it is wide."""


def head_picture(yaw_deg: float, pitch_deg: float, roll_deg: float) -> list[str]:
    """Return lines of text: three views side by side, each with its name and angle below."""
    views = (
        _view([(0.0, "A"), (90.0, "("), (-90.0, ")")], yaw_deg + 90.0),
        _view([(0.0, ">"), (35.0, "o")], pitch_deg),
        _view([(0.0, "^"), (90.0, "("), (-90.0, ")")], 90.0 - roll_deg),
    )
    captions = (f"above: yaw {yaw_deg:+.0f}°", f"right: pitch {pitch_deg:+.0f}°", f"behind: roll {roll_deg:+.0f}°")
    rows = [" ".join(parts).rstrip() for parts in zip(*views, strict=True)]
    return [*rows, " ".join(caption.center(WIDTH) for caption in captions).rstrip()]


def _view(marks: list[tuple[float, str]], turned_deg: float) -> list[str]:
    """Return a round head with marks at angles from its own 0, which lies `turned_deg` left of the right."""
    rim = [(1.0, 2.0 * pi * k / 64, "·") for k in range(64)]
    features = [(NOSE if sign in "A>^" else 1.0, radians(turned_deg + at_deg), sign) for at_deg, sign in marks]
    cells = [[" "] * WIDTH for _ in range(HEIGHT)]
    for radius, angle, sign in (*rim, *features):
        column = round(WIDTH // 2 + 2.0 * _SCALE * radius * cos(angle))
        row = round(HEIGHT // 2 - _SCALE * radius * sin(angle))
        cells[row][column] = sign
    return ["".join(row) for row in cells]
