"""A playlist of twenty files of all kinds, some broken, played live: gaps, level jumps, what was named.

`.venv/bin/python tests/playlist_run.py [--seconds 4] [--crossfade-s 1]`: plays on the virtual card, in real time, and
judges what both ears got by the text of BS.1770, not by the renderer's own meter: each item, and windows of 3 s that
slide over all joints. Not a test: it takes minutes.
"""

import argparse
import os
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile
from test_loudness_meter import as_the_norm_says, k_weighted

from rt_render.app.session import Session
from rt_render.app.settings_file import load_settings

FS_HZ = 48000
KINDS = [  # name, rate, channels, level in dB
    ("01 stereo.wav", 48000, 2, -12),
    ("02 stereo.flac", 44100, 2, -30),
    ("03 mono.ogg", 22050, 1, -20),
    ("04 first order.wav", 48000, 4, -25),
    ("06 surround.wav", 48000, 6, -18),
    ("08 third order.wav", 96000, 16, -22),
    ("09 seven.flac", 48000, 8, -25),
    ("10 mono.aiff", 32000, 1, -35),
    ("12 fifth order.w64", 48000, 36, -28),
    ("13 stereo.caf", 88200, 2, -8),
    ("14 ceiling.wav", 48000, 12, -24),
    ("16 stereo.mp3", 44100, 2, -15),
    ("17 seventh order.rf64", 48000, 64, -30),
    ("18 second order.wav", 44100, 9, -20),
    ("20 stereo.wav", 48000, 2, -16),
]


def music(n_frames, n_channels, fs_hz, level_db, seed):
    """Pink noise under a beat and a chord: a spectrum and a rhythm as music has them, (n, channels)."""
    rng = np.random.default_rng(seed)
    f_hz = np.fft.rfftfreq(n_frames, 1 / fs_hz)
    shape = 1 / np.sqrt(np.maximum(f_hz, 40)) * (f_hz > 40) * (f_hz < 15000)
    pink = np.fft.irfft(np.fft.rfft(rng.normal(size=(n_channels, n_frames))) * shape, n_frames).T
    t = np.arange(n_frames)[:, None] / fs_hz
    chord = sum(np.sin(2 * np.pi * f * t + rng.uniform(0, 6, n_channels)) for f in (220, 277, 330))
    sound = pink / pink.std() * (0.6 + 0.4 * np.exp(-8 * (t % 0.5))) + 0.3 * chord
    if n_channels in (4, 9, 16, 36, 64):  # a field: mostly from one direction, not random channels
        sound[:, 1:] = 0.3 * sound[:, 1:] + 0.4 * sound[:, :1]
    return 10 ** (level_db / 20) * sound / sound.std() * 0.7


def make(folder, seconds):
    for seed, (name, fs_hz, n_channels, level_db) in enumerate(KINDS):
        frames = np.clip(music(round(seconds * fs_hz), n_channels, fs_hz, level_db, seed), -0.99, 0.99)
        kind = {".rf64": "RF64", ".mp3": "MP3"}.get(Path(name).suffix)
        with soundfile.SoundFile(folder / name, "w", fs_hz, n_channels, format=kind) as file:
            for part in np.array_split(frames, 100):
                file.write(part)
    (folder / "05 text.wav").write_text("no sound at all\n" * 50)
    (folder / "07 empty.wav").touch()
    (folder / "11 cut.wav").write_bytes((folder / "01 stereo.wav").read_bytes()[:30000])
    soundfile.write(folder / "15 eleven channels.wav", np.zeros((1000, 11)), FS_HZ)
    (folder / "19 vanishes.wav").write_bytes((folder / "20 stereo.wav").read_bytes())


def short_term(frames):
    """Return the loudness in LUFS of windows of 3 s, every 0.1 s, not gated."""
    powers = np.cumsum(np.sum(k_weighted(frames) ** 2, axis=1))[:: FS_HZ // 10]
    return -0.691 + 10 * np.log10((powers[30:] - powers[:-30]) / (3 * FS_HZ))


def without_missed_slots(ears, block_frames):
    """Return what both ears got without blocks of silence, and how many of those there were between its ends."""
    blocks = ears[: len(ears) // block_frames * block_frames].reshape(-1, block_frames, 2)
    sounding = np.flatnonzero(np.any(blocks != 0, axis=(1, 2)))
    return blocks[sounding].reshape(-1, 2), int(np.sum(np.diff(sounding) - 1))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of each file")
    parser.add_argument("--crossfade-s", type=float, default=0.0, help="so long items overlap")
    arguments = parser.parse_args()
    seconds = arguments.seconds
    with tempfile.TemporaryDirectory() as name:
        os.environ["XDG_CACHE_HOME"] = f"{name}/cache"
        folder = Path(name) / "booth"
        folder.mkdir()
        make(folder, seconds)
        said = []
        choices = {"input": str(folder), "device": "virtual", "tracker": "none", "record": f"{name}/ears.wav"}
        choices |= {"remote_port": 0, "crossfade_s": arguments.crossfade_s}
        session = Session(load_settings(None, choices), on_message=said.append)
        vanished = False
        with session:
            while not session.ended:
                time.sleep(0.05)
                status = session.status()
                if status.playlist.number == 19 and status.position_s > 0.3 and not vanished:
                    os.truncate(folder / "19 vanishes.wav", 200_000)
                    vanished = True
        status = session.ended_with(status)
        ears, _ = soundfile.read(f"{name}/ears.wav")
        ears, n_silent = without_missed_slots(ears, session.engine.plan.block_size)
        places = session.source.timeline._places
    for text in said:
        print(" ", text[:160])
    ends = [place.start_frame for place in places[1:]] + [places[-1].start_frame + round(seconds * FS_HZ)]
    levels = []
    for place, end in zip(places, ends, strict=True):
        levels.append(as_the_norm_says(ears[place.start_frame + max(2400, place.fade_frames) : end]))
        print(f"{place.index + 1:3d} {session.source.titles[place.index]:24s} {levels[-1]:7.2f} LUFS")
    jump = max(abs(after - before) for before, after in pairwise(levels))
    print(f"{len(places)} items sounded, {status.playlist.n_broken} left out; largest jump {jump:.2f} LU")
    windows = short_term(ears[2400 : ends[-1]])
    apart = np.ptp([*windows, *levels])
    print(f"windows of 3 s over all joints: {windows.min():.2f} to {windows.max():.2f} LUFS")
    missed = status.engine.missed_slots
    print(f"{status.engine.underruns} underruns; {n_silent} silent blocks, {missed} of them missed by this machine")
    return 0 if jump <= 1 and apart <= 1.5 and n_silent <= missed and status.engine.underruns == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
