"""Live sessions that are logged, and what a log holds."""

import json
import time

import numpy as np
import soundfile

from rt_render.app.session import Session
from rt_render.app.settings_file import load_settings
from rt_render.conventions import n_sh
from rt_render.io.pose_log_file import PoseLogReader, PoseLogWriter
from rt_render.kernels.state import trace_dtype

FS_HZ, TAPS = 48000, 64

QUICK = {"method": "ls", "taps": TAPS, "head": "sphere", "device": "virtual", "tracker": "simulated"}


def write_field(folder):
    path = folder / "field.wav"
    noise = np.random.default_rng(5).normal(0, 0.2, (3 * FS_HZ + 77, n_sh(2)))
    soundfile.write(path, noise.astype(np.float32), FS_HZ, subtype="FLOAT")
    return path


def wait_for(condition, seconds=20.0):
    give_up_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_s, "nothing happened"
        time.sleep(0.003)


def wait_blocks(session, n):
    goal = session.engine.snapshot().blocks + n
    wait_for(lambda: session.engine.snapshot().blocks >= goal)


def live(tmp_path, act, **choices):
    """Play a session, recorded and logged; return what it said."""
    said = []
    settings = load_settings(
        None, {**QUICK, "record": tmp_path / "live.wav", "log": tmp_path / "live.rtlog", "force": True, **choices}
    )
    with Session(settings, on_message=said.append) as session:
        act(session)
    return said


def rows_of(n, first=1, stream=0):
    rows = np.zeros(n, trace_dtype(128))
    rows["block"], rows["stream"] = np.arange(first, first + n), stream
    rows["knots"] = np.random.default_rng(first).standard_normal(rows["knots"].shape)
    return rows


def altered(log, name, **changes):
    """Write a log again with another header, all pieces kept."""
    line, _, rest = log.read_bytes().partition(b"\n")
    path = log.with_name(name)
    path.write_bytes(json.dumps({**json.loads(line), **changes}).encode() + b"\n" + rest)
    return path


def write_again(log, reader, pieces):
    """Write a log with the header that was read and other pieces."""
    header = {k: v for k, v in reader.header.items() if k not in ("row", "rt-render pose log")}
    writer = PoseLogWriter(log, header, reader.row, force=True)
    for piece in pieces:
        writer.write(piece)
    writer.take_name()
    writer.close()


def pieces_of(path):
    with PoseLogReader(path) as reader:
        return list(reader.pieces())
