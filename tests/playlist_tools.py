"""Sounds and settings for playlists."""

import numpy as np
import soundfile

from rt_render.app.settings_file import load_settings

FS_HZ = 48000
QUICK = {"method": "ls", "taps": 64, "head": "sphere", "device": "virtual", "tracker": "none", "remote_port": 0}
"""Settings whose decoder is designed in no time."""


def noise(seconds, n_channels, level=0.1, seed=1, fs_hz=FS_HZ):
    """Return (n, channels) of white noise."""
    return np.random.default_rng(seed).normal(0, level, (round(seconds * fs_hz), n_channels))


def write(path, frames, fs_hz=FS_HZ, subtype=None):
    """Write a file, float where it can be; return its path."""
    soundfile.write(path, frames, fs_hz, subtype=subtype or ("FLOAT" if path.suffix == ".wav" else None))
    return path


def playlist_of(*paths, **choices):
    """Return the settings of a playlist of paths."""
    first, *further = map(str, paths)
    return load_settings(None, {**QUICK, "input": first, **({"further": further} if further else {}), **choices})


def read_all(source, n_frames=2048, most=10**9):
    """Read a source to its end, in pieces."""
    parts, n_read = [], 0
    while n_read < most:
        parts.append(source.read(min(n_frames, most - n_read)))
        n_read += len(parts[-1])
        if not len(parts[-1]) or len(parts[-1]) < n_frames:
            break
    return np.concatenate(parts)
