"""Plays a file of hours in an RF64 far beyond 4 GiB and tells how fast it seeks and how much memory it takes.

    .venv/bin/python tests/big_file_run.py --hours 10 --channels 64

The file is sparse: signal stands only at the places that are sought. Each file is played by a program of its own,
on the virtual card, so that its memory is its own; the short one is 20 s of the same.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from rt_render.app.session import Session
from rt_render.app.settings_file import load_settings
from rt_render.app.source_opening import open_item
from rt_render.io.wav_writer import WavWriter

FS_HZ = 48000
SPELL_FRAMES = FS_HZ
SEEK_REQUIRED_S, MEMORY_REQUIRED_MIB = 0.1, 200.0


def signal_at(frame: int, n_channels: int, n_frames: int = SPELL_FRAMES) -> np.ndarray:
    """Noise that tells at which frame it stands."""
    return np.random.default_rng(frame).uniform(-0.1, 0.1, (n_frames, n_channels)).astype(np.float32)


def places_in(n_frames: int, count: int = 20) -> list[int]:
    """Frames from the first to nearly the last, in no order."""
    places = np.linspace(0, n_frames - SPELL_FRAMES, count).astype(int)
    return [int(place) for place in np.random.default_rng(1).permutation(places)]


def write_sparse(path: Path, n_frames: int, n_channels: int) -> None:
    """Write signal at the places and nothing between."""
    with WavWriter(path, FS_HZ, n_channels) as writer:
        for place in sorted(places_in(n_frames)):
            writer._file.seek(place)
            writer.write(signal_at(place, n_channels))


def measure(path: Path) -> dict[str, object]:
    """Seek in the file as a source and in a session that plays it; return seconds, memory and what was right."""
    settings = load_settings(None, {"input": str(path), "device": "virtual", "tracker": "none", "degrade": False})
    source = open_item(str(path), settings.source, FS_HZ)
    n_frames, n_channels = source.n_frames, (source.order + 1) ** 2
    assert n_frames is not None
    read_s, right = [], True
    for place in places_in(n_frames):
        began_s = time.perf_counter()
        source.seek(place)
        frames = source.read(2048)
        read_s.append(time.perf_counter() - began_s)
        right &= np.array_equal(frames, signal_at(place, n_channels)[:2048])
    source.close()
    session_s, heard = [], True
    with Session(settings, on_message=lambda text: None) as session:
        for place in places_in(n_frames)[:8]:
            began_s = time.perf_counter()
            session.seek(place / FS_HZ)
            session_s.append(time.perf_counter() - began_s)
            time.sleep(0.3)
            now = session.status()
            heard &= abs(now.position_s - place / FS_HZ) < 1.0 and max(now.engine.peak) > 1e-3
        underruns = session.status().engine.underruns
    return {
        "frames": n_frames,
        "right": bool(right),
        "heard": bool(heard),
        "underruns": underruns,
        "source_seek_s": max(read_s),
        "session_seek_s": max(session_s),
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def measured_alone(path: Path) -> dict[str, object]:
    """Return what `measure` tells in a program of its own."""
    done = subprocess.run([sys.executable, __file__, "--measure", path], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    told: dict[str, object] = json.loads(done.stdout)
    return told


def main() -> int:
    """Make both files, measure both, print the comparison; 1 when a requirement is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=10.0)
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--measure", type=Path)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure)))
        return 0
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        long, short = Path(folder) / "long.wav", Path(folder) / "short.wav"
        write_sparse(long, round(given.hours * 3600 * FS_HZ), given.channels)
        write_sparse(short, 20 * FS_HZ, given.channels)
        on_disk_mib = long.stat().st_blocks / 2048
        print(f"{long.stat().st_size / 2**30:.1f} GiB in name, {on_disk_mib:.0f} MiB on disk")
        results = {"short": measured_alone(short), "long": measured_alone(long)}
    for name, result in results.items():
        print(name, json.dumps(result))
    more_mib = results["long"]["memory_mib"] - results["short"]["memory_mib"]
    seek_s = max(results["long"]["source_seek_s"], results["long"]["session_seek_s"])
    ok = all(
        [results["long"]["right"], results["long"]["heard"], seek_s <= SEEK_REQUIRED_S, more_mib <= MEMORY_REQUIRED_MIB]
    )
    print(f"memory {more_mib:+.1f} MiB (required {MEMORY_REQUIRED_MIB:g}), longest seek {1e3 * seek_s:.1f} ms: {ok=}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
