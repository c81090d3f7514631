"""Errors meant for people: what is wrong, where, what is allowed, and the next step.

Everything a user can cause raises a child of `RenderError`; the command line prints its text and nothing
else. The audio thread never raises: it counts, and the control side tells.
"""


class RenderError(Exception):
    """Something a person can mend; the text is one or two sentences and ends with the next step."""


class InputFileError(RenderError):
    """An audio, pose, SOFA or equaliser file that cannot be used."""


class ConfigurationError(RenderError):
    """A key, value or option that is unknown, of the wrong type or out of range."""


class DeviceError(RenderError):
    """A sound card, server or library that is missing, busy or refuses what was asked."""


class TrackerError(RenderError):
    """A head tracker that cannot be opened or understood."""
