"""Why a serial port does not open, in words, with the next step."""

import errno
import os

_MISSING = (errno.ENOENT, errno.ENODEV, errno.ENXIO)
_FORBIDDEN = (errno.EACCES, errno.EPERM)
_BUSY = (errno.EBUSY, errno.EAGAIN)


def why_not_opened(error: Exception) -> str:
    """Return the rest of the sentence "serial port X ...": the likely reason and what to do.

    `error` is what pyserial raised: it carries an errno on POSIX, and on Windows only a text.
    """
    code, text = getattr(error, "errno", None), str(error)
    if code in _BUSY or "PermissionError" in text:
        return "is in use by another program: close that one"
    if code in _MISSING or "FileNotFoundError" in text:
        return "is not there: plug the head tracker in or name another port"
    if code in _FORBIDDEN:
        return "may not be opened by you: join its group (on Debian `sudo usermod -aG dialout $USER`), log in again"
    if isinstance(error, ValueError):
        return "cannot be opened with this name or speed: name a device such as /dev/ttyACM0, COM3 or auto"
    if code is not None:
        return f"cannot be opened ({os.strerror(code)}): name another port"
    return "cannot be set up as a serial port: name another one"
