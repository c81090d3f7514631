"""What the audio thread may do: read from LLVM, counted at malloc, and tried with every event there is."""

import ast
import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from engine_tools import make_engine, noise_field, noise_filters, run_to_end
from numba.core.dispatcher import Dispatcher

from firmware_bridge.mailbox import PoseMailbox
from rt_render.kernels import jit

ENTRY_POINTS = ("block.process_block", "cards.sound_card", "cards.virtual_card", "panorama.panorama")
ALLOWED_CALLS = {
    "clock_gettime",
    "clock_nanosleep",  # the virtual card's own loop
    "gettid",  # once a stream
    *("acos", "atan2", "log2", "sin", "cos", "sqrt", "sincos", "memcpy", "memset", "memmove"),
}
ALLOWED_PREFIXES = ("llvm.",)
COMPILE_ALL = """
import json, re
from rt_render.kernels import block, cards, panorama

def called_by(entry):
    text = entry._library.get_llvm_str()
    own = set(re.findall(r'^define [^@\\n]*@"?([^"(\\s]+)', text, re.M))
    called = set(re.findall(r'(?:call|invoke) [^@\\n]*@"?([^"(\\s]+)', text))
    return sorted(called - own)

entries = {
    "block.process_block": block.compile_process_block(),
    "cards.sound_card": cards.compile_sound_card(),
    "cards.virtual_card": cards.compile_virtual_card(),
    "panorama.panorama": panorama.compile_panorama(),
}
hits = [entry.cache_hits for entry in entries.values()]
# code from the cache has no LLVM to read
print(json.dumps([hits, {name: called_by(entry) for name, entry in entries.items()} if not any(hits) else {}]))
"""


def compiled_in_a_new_process(cache_folder):
    """Return how often the cache served each entry point, and what each that was compiled calls."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache_folder)}
    done = subprocess.run(
        [sys.executable, "-c", COMPILE_ALL], env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def compiled_first(tmp_path_factory):
    """An empty cache's folder, and what the first process found that compiled into it."""
    folder = tmp_path_factory.mktemp("numba")
    return folder, *compiled_in_a_new_process(folder)


@pytest.mark.parametrize("entry", ENTRY_POINTS)
def test_entry_points_hold_no_allocation_no_python_and_no_raise_path(entry, compiled_first):
    """All `_rt` functions are inlined into the entry points: their optimised LLVM is the whole truth."""
    called = set(compiled_first[2][entry])
    assert ("atan2" if entry == "panorama.panorama" else "clock_gettime") in called, "the test must have read something"
    strange = {name for name in called if name not in ALLOWED_CALLS and not name.startswith(ALLOWED_PREFIXES)}
    assert not strange


def test_compiled_code_is_found_again_in_a_second_process(compiled_first):
    folder, hits, _ = compiled_first
    assert hits == [0, 0, 0, 0]
    assert compiled_in_a_new_process(folder) == [[1, 1, 1, 1], {}]


def test_every_rt_function_is_reached_from_an_entry_point():
    """Walks the calls of the three entry points through the kernels' sources."""
    kernels = Path(jit.__file__).parent
    functions: dict[str, ast.AST] = {}
    for path in kernels.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                functions[node.name] = node
    called_by_block_address = {"process_block"}
    waiting, reached = ["process_block", "sound_card", "virtual_card", "panorama", *called_by_block_address], set()
    while waiting:
        name = waiting.pop()
        if name in reached or name not in functions:
            continue
        reached.add(name)
        calls = (node.func for node in ast.walk(functions[name]) if isinstance(node, ast.Call))
        waiting += [function.id for function in calls if isinstance(function, ast.Name)]
    audio_thread = {name for name in functions if name.endswith("_rt")}
    assert len(audio_thread) > 10
    assert audio_thread <= reached


def test_no_shape_compiles_anything_after_the_entry_points():
    """One compiled block function serves every order, block size and filter length."""
    dispatchers = [
        member
        for name in ("block", "cards", "convolve", "fft", "output", "pose", "rotate", "turn", "clock")
        for member in vars(import_module(f"rt_render.kernels.{name}")).values()
        if isinstance(member, Dispatcher)
    ]
    run_to_end(make_engine(1, 64), noise_field(640, 1))
    before = sum(len(dispatcher.signatures) for dispatcher in dispatchers)
    for order, block_size, n_taps in [(0, 32, 1), (2, 2048, 300), (4, 512, 64), (7, 128, 1000)]:
        engine = make_engine(order, block_size, noise_filters(order, n_taps))
        engine.follow_mailbox(PoseMailbox.private())
        engine.publish_filters(noise_filters(order, n_taps, 5))
        run_to_end(engine, noise_field(5000, order))
    assert dispatchers
    assert sum(len(dispatcher.signatures) for dispatcher in dispatchers) == before


COUNTER = r"""
#define _GNU_SOURCE
#include <stddef.h>
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void __libc_free(void *);
static __thread int armed;
static long counted;
void counter_arm(int on) { armed = on; }
long counter_read(void) { return counted; }
void *malloc(size_t n) { if (armed) counted++; return __libc_malloc(n); }
void *calloc(size_t n, size_t m) { if (armed) counted++; return __libc_calloc(n, m); }
void *realloc(void *p, size_t n) { if (armed) counted++; return __libc_realloc(p, n); }
void free(void *p) { if (armed) counted++; __libc_free(p); }
"""

STORM = """
import ctypes
import numpy as np
from numba import cfunc, types
from numba.core.runtime import rtsys
from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.pose import PoseSample
from rt_render.kernels.cards import call_block, compile_sound_card
from rt_render.kernels.state import LINK
from rt_render.kernels.turn import pass_turn
from engine_tools import make_engine, noise_field, noise_filters

shim = ctypes.CDLL(None)
arm, read = shim.counter_arm, shim.counter_read
read.restype = ctypes.c_long

@cfunc(types.void(types.int64, types.int64, types.int64, types.int64), error_model="numpy")
def many(function, state, out, n):
    for _ in range(n):
        call_block(function, state, out)

run = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 4)(many.address)
engine = make_engine(1, 32, ring_s=0.2)
out = np.zeros((32, 2), np.float32)
mailbox = PoseMailbox.private()
engine.follow_mailbox(mailbox)
field = noise_field(4000, 1)
field[::7] = np.nan
link = np.zeros(1, LINK)
link["state"], link["stream"] = engine.address, 1
assert pass_turn(engine.address, 0, 1)
pointer, ulong = ctypes.c_void_p, ctypes.c_ulong
callback = compile_sound_card()
card = ctypes.CFUNCTYPE(ctypes.c_int, pointer, pointer, ulong, pointer, ulong, pointer)(callback.address)
card_out, times = np.zeros((400, 2), np.float32), np.array([0.0, 1.0, 1.01])
out_address, times_address, link_address = (a.ctypes.data for a in (card_out, times, link))
engine.prepare_capture(0.1)
rng = np.random.default_rng(1)
empty = full = 0
for batch in range(1000):
    q = rng.standard_normal(4)
    gyro = tuple(rng.standard_normal(3)) if batch % 7 else None
    mailbox.publish(PoseSample(batch * 0.01, tuple(q / np.linalg.norm(q)), gyro, seq=batch))
    engine.set_prediction(("off", "constant", "learnt")[batch // 40 % 3])
    if engine.ring.free_frames() > 4000 and batch % 10:  # every tenth time the ring runs dry
        engine.ring.write(field)
    if batch % 20 == 0:
        engine.publish_filters(noise_filters(1, 100, batch % 5))
    if batch % 50 == 25:
        engine.pause()
    if batch % 50 == 27:
        engine.reset(frame=1000)
        engine.play()
    if batch % 33 == 0:
        engine.set_gain_db(20.0 if batch % 2 else -3.0)
        engine.set_tracking(bool(batch % 4))
    kept = rtsys.get_allocation_stats()
    # the call through ctypes has allocations of its own: those of a call that renders nothing
    counts = []
    for n in (0, 100):
        start = read()
        arm(1)
        run(engine._block.address, engine.address, out.ctypes.data, n)
        arm(0)
        counts.append(read() - start)
    empty, full = empty + counts[0], full + counts[1]
    # the sound card's own callback, in sizes that go through the adapter
    counts = []
    for n in (0, 1 + 37 * (batch % 9)):
        start = read()
        arm(1)
        card(None, out_address, n, times_address, batch % 3, link_address)
        arm(0)
        counts.append(read() - start)
    empty, full = empty + counts[0], full + counts[1]
    assert rtsys.get_allocation_stats().alloc == kept.alloc
snapshot = engine.snapshot()
assert snapshot.blocks > 100_000 and snapshot.capture_lost > 0 and snapshot.underruns > 10 and snapshot.non_finite > 0
assert snapshot.limited_blocks > 0 and np.isfinite(out).all()
print(empty, full)
"""


LIVE_STORM = """
import ctypes
import numpy as np
from numba.core.runtime import rtsys
from live_tools import LiveCard, recorded
from card_tools import call_card
from rt_render.engine.panorama import Panorama

shim = ctypes.CDLL(None)
arm, read = shim.counter_arm, shim.counter_read
read.restype = ctypes.c_long
rng = np.random.default_rng(1)
around = np.array([[1.0, 0, 0], [0, 1, 0], [-1, 0, 0.1], [0, -1, 0], [1, 0, 0]])
cards = {
    "objects": LiveCard(rng.random((3, 20)), order=2, block_size=32, n_objects=20, fixed_calls=False),
    "matrix": LiveCard(rng.random((3, 9)), order=2, block_size=128),
    "panorama": LiveCard(np.eye(2), order=2, block_size=64, stage=Panorama(2, 48000), fixed_calls=False),
}
objects = cards["objects"].engine.objects
for index in range(10):
    objects.set_path(index, [0.0, 0.5, 1.0, 1.5, 2.0], around, [1.0, 2.0, 40.0, 2.0, 1.0], repeats=True)
objects.publish()
frames = {name: recorded(400, card.live.n_channels) for name, card in cards.items()}
for one in frames.values():
    one[::97] = np.nan
out, times = np.zeros((400, 2), np.float32), np.array([0.0, 1.0, 1.01])
empty = full = 0
for batch in range(1500):
    objects.place(10 + batch % 10, rng.standard_normal(3), 100 * rng.random())
    objects.set_spread(batch % 20, 6 * rng.random())
    objects.publish()
    for name, card in cards.items():
        if batch % 50 == 25:
            card.engine.pause()
        if batch % 50 == 30:
            card.engine.play()
        if batch % 3:  # else the tap runs full
            card.engine.read_tap()
        lost, n_most = batch % 11 == 0, 1 + 37 * ((batch + 3) % 9)
        kept = rtsys.get_allocation_stats()
        counts = []
        for n in (0, n_most):
            address = None if lost else frames[name].ctypes.data
            start = read()
            arm(1)
            call_card(address, out.ctypes.data, n, times.ctypes.data, batch % 5, card.link.ctypes.data)
            arm(0)
            counts.append(read() - start)
        empty, full = empty + counts[0], full + counts[1]
        assert rtsys.get_allocation_stats().alloc == kept.alloc
        assert np.isfinite(out).all()
for card in cards.values():
    snapshot = card.engine.snapshot()
    assert snapshot.blocks > 1000 and snapshot.non_finite > 0 and card.live.status().lost_calls > 100
assert cards["matrix"].live.status().padded_frames > 0 and objects.changes > 1000
print(empty, full)
"""


@pytest.fixture(scope="module")
def counter(tmp_path_factory):
    """A library that counts what is allocated, to be loaded ahead of all others."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("counting malloc needs a C compiler (apt-get install gcc) and Linux")
    folder = tmp_path_factory.mktemp("counter")
    source, library = folder / "counter.c", folder / "counter.so"
    source.write_text(COUNTER)
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", source, "-o", library], check=True)
    return str(library)


@pytest.mark.parametrize("storm", [STORM, LIVE_STORM], ids=["files", "live input and objects"])
def test_storms_of_blocks_with_every_event_allocate_nothing(counter, storm):
    result = subprocess.run(
        [sys.executable, "-c", storm],
        env=os.environ | {"LD_PRELOAD": counter, "NUMBA_NRT_STATS": "1", "PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    empty, full = map(int, result.stdout.split())
    # one allocation a call would make 4500, one a block 100,000; a handful may be Python's own growing free lists
    assert abs(full - empty) < 100


def test_the_counter_sees_an_allocation(counter):
    script = (
        "import ctypes; c = ctypes.CDLL(None); c.counter_read.restype = ctypes.c_long\n"
        "c.malloc.restype = ctypes.c_void_p\n"
        "c.counter_arm(1); [c.free(ctypes.c_void_p(c.malloc(ctypes.c_size_t(64)))) for _ in range(500)]\n"
        "c.counter_arm(0); print(c.counter_read())"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | {"LD_PRELOAD": counter}, capture_output=True, check=True
    )
    assert int(result.stdout) >= 1000
